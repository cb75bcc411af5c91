package dev.heddle.transport.serve;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

/**
 * One way to a client on which all messages to it go: the stream of HTTP+SSE, or standard output.
 * Never blocks; thread-safe.
 */
interface Way {
    void send(Spliced message);

    /** Sends what is no single message: the responses to a batch. */
    void send(Json batch);

    /** Whether the client takes what is sent as fast as it comes, or nothing can be sent. */
    boolean isWritable();

    /** Whether so much waits for the client that what can be spared is better dropped. */
    boolean isCrowded();

    /** Runs {@code task} once {@link #isWritable}. */
    void whenWritable(Runnable task);

    /** The client's session has ended without its doing. */
    void sessionEnded();
}
