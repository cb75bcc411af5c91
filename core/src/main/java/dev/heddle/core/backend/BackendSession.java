package dev.heddle.core.backend;

import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * One persistent, initialised conversation with one backend. Who may use it is not its concern.
 *
 * <p>Sending never blocks. Ids are the sender's to choose and must be unique in the conversation; a
 * call's id is also its progress token. Thread-safe.
 */
public interface BackendSession extends AutoCloseable {
    /** What the backend called the conversation, or empty if it gave it no name. */
    Optional<String> sessionId();

    /**
     * The cookies by which a load balancer finds the server that holds the conversation, as the
     * text of a {@code Cookie} header; empty if there are none.
     */
    default String cookies() {
        return "";
    }

    /**
     * Sends a request. The sink gets what belongs to it, with ids and tokens as the backend knows
     * them, and exactly one reply; a reply that failed with reason {@code SESSION_GONE} was not
     * run.
     *
     * @param id the id that {@code request} carries
     */
    void send(long id, Spliced request, Sink sink);

    /**
     * Tells the backend that the reply to {@code id} is not wanted any more, and forgets the call.
     */
    void cancel(long id, String why);

    /** Sends a notification. What cannot be delivered is dropped. */
    void notify(Spliced notification);

    /** Answers a question of the backend. */
    void answer(Spliced response);

    /**
     * Whether messages outside calls are wanted now, for which some transports hold a stream open.
     */
    void listen(boolean wanted);

    /**
     * Does not want messages outside calls any more, which others hear from now on: what is said
     * until they stop is not to be heard again.
     */
    default void listenElsewhere() {
        listen(false);
    }

    /**
     * The backend may ask something outside the answers to calls, and is to be heard from now on
     * until the conversation ends, for which some transports hold a stream open.
     */
    default void hearQuestions() {}

    /**
     * Wants to be told of changes of a task by {@code notifications/tasks}, from now on.
     *
     * @param task the task's id at the backend
     * @param told once whether that will be so
     */
    default void watchTask(String task, Consumer<Boolean> told) {
        told.accept(false);
    }

    /** Does not want to be told any more of changes of a task. */
    default void unwatchTask(String task) {}

    /**
     * Uses the conversation no more, which another process may go on with. One that nobody else
     * could use ends. Blocks for a bounded time; idempotent.
     */
    default void leave() {
        close();
    }

    /** Ends the conversation at the backend too. Blocks for a bounded time; idempotent. */
    @Override
    void close();

    /**
     * Whether a backend that had to be told has heard that the conversation has ended, once that is
     * closed. Never blocks.
     */
    default boolean hasHeardEnd() {
        return true;
    }
}
