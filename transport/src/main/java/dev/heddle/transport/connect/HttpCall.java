package dev.heddle.transport.connect;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpResponse;

/**
 * Takes the answer to one HTTP request, on one event loop. Ends with {@link #ended} or {@link
 * #failed}, once.
 */
interface HttpCall {
    /** The status and the headers have come. */
    void response(HttpResponse head);

    /** A piece of the body, which is released after the call. */
    void content(ByteBuf piece);

    /** The answer is complete. */
    void ended();

    /**
     * There is no answer, or no more of it.
     *
     * @param mayHaveArrived whether the server may have got the request
     */
    void failed(Throwable why, boolean mayHaveArrived);
}
