package dev.heddle.transport.connect;

/**
 * Takes the answer to one HTTP request, on one event loop. Ends with {@link #ended} or {@link
 * #failed}, once.
 */
interface HttpCall {
    /** The status and the headers have come. */
    void response(ResponseHead head);

    /** A piece of the body, whose bytes are good for the time of the call. */
    void content(byte[] bytes, int offset, int length);

    /** Whether what comes can be handed on as fast as it comes. */
    default boolean isReady() {
        return true;
    }

    /** Runs {@code task} once, on any thread, when {@link #isReady} or when it is not needed. */
    default void whenReady(Runnable task) {
        task.run();
    }

    /** The answer is complete. */
    void ended();

    /**
     * There is no answer, or no more of it.
     *
     * @param mayHaveArrived whether the server may have got the request
     */
    void failed(Throwable why, boolean mayHaveArrived);
}
