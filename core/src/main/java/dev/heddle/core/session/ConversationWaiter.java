package dev.heddle.core.session;

import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Spliced;

/** Somebody who needs the conversation open. Called once, on any thread; must not block. */
interface ConversationWaiter {
    void ready(BackendSession session);

    void failed(Fault why);

    /** Hears of something, before it is ready, that it may want to tell its client. */
    default void notice(Spliced message) {}

    /** Whether it will ask the backend for something on the client's behalf. */
    default boolean isCall() {
        return true;
    }
}
