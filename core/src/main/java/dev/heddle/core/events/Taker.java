package dev.heddle.core.events;

import dev.heddle.protocol.Spliced;

/** A connection that carries a stream to its client. Calls must not block. */
public interface Taker {
    /** The stream begins here, which a client can be told if it understands that. */
    default void beginning(String id) {}

    void event(String id, Spliced message);

    /** The last event of the stream. */
    void last(String id, Spliced message);

    /** Nothing more comes: the stream has ended. */
    void end();

    /** Nothing more comes here: the client is to come back elsewhere in a moment. */
    default void leave() {
        end();
    }

    /** Nothing more comes here: the stream goes on elsewhere. */
    default void replaced() {
        end();
    }

    /** Whether the client takes what is sent as fast as it comes. */
    boolean isReady();

    /** Whether so much waits that what can be spared is better dropped. */
    boolean isCrowded();

    /** Runs {@code task} once, when {@link #isReady} or when nothing can be sent any more. */
    void whenReady(Runnable task);
}
