package dev.heddle.core.exchange;

import dev.heddle.protocol.Json;

/** A response with a result that is handed on while it comes, since it is too large to be held. */
public interface Flow {

    /** Takes the response. Calls come one after the other, and must not block. */
    interface Taker {
        /** The next bytes, which are good for the time of the call. */
        void part(byte[] bytes, int offset, int length);

        /** The response is complete. */
        void end();

        /** No more comes, and the response is not complete. */
        void broken();
    }

    /**
     * Hands on what has come and what will, as the response to the request {@code id}. To be called
     * once, while {@link Sink#reply} is being called.
     */
    void begin(Json id, Taker taker);

    /** Wants no more, after which nothing comes. Idempotent; may be called from any thread. */
    void abort();
}
