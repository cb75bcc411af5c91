package dev.heddle.core.exchange;

import dev.heddle.protocol.Spliced;

/**
 * A way to a client: what is put in travels to it. Calls come from any thread and must not block.
 */
public interface ClientStream {
    /** Takes a notification. */
    void notification(Spliced message);

    /**
     * Takes a request of the server to the client, unless the client cannot be reached on this way.
     * Whoever takes it sees to it that it is answered once.
     *
     * @return whether it was taken
     */
    boolean question(Question question);

    /**
     * Whether the client takes what is sent as fast as it comes. A sender that can stop its source
     * without being in the way of others stops it while this is not so; other senders may find
     * their least important messages dropped.
     */
    default boolean isReady() {
        return true;
    }

    /** Runs {@code task} once, when {@link #isReady} or when nothing can be sent any more. */
    default void whenReady(Runnable task) {
        task.run();
    }

    /**
     * Whether this is {@code earlier} on another connection, so that its client gets on this one
     * what was put into that one and has not reached it.
     */
    default boolean continues(ClientStream earlier) {
        return false;
    }

    /**
     * Whether the answers to calls travel on it too, so that it ends when there are none any more.
     */
    default boolean carriesCalls() {
        return false;
    }

    /** Hears that nothing more will come. */
    default void ended() {}
}
