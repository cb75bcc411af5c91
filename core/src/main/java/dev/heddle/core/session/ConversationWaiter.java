package dev.heddle.core.session;

import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.fault.Fault;

/** Somebody who needs the conversation open. Called once, on any thread; must not block. */
interface ConversationWaiter {
    void ready(BackendSession session);

    void failed(Fault why);

    /** Whether it will ask the backend for something on the client's behalf. */
    default boolean isCall() {
        return true;
    }
}
