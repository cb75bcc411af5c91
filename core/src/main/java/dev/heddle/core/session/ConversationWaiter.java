package dev.heddle.core.session;

import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Spliced;

import java.util.function.Consumer;

/** Somebody who needs the conversation open. Called once, on any thread; must not block. */
interface ConversationWaiter {
    void ready(BackendSession session);

    void failed(Fault why);

    /** One that asks the backend for nothing on the client's behalf. */
    static ConversationWaiter quiet(Consumer<BackendSession> ready, Runnable failed) {
        return new ConversationWaiter() {
            @Override
            public void ready(BackendSession session) {
                ready.accept(session);
            }

            @Override
            public void failed(Fault why) {
                failed.run();
            }

            @Override
            public boolean isCall() {
                return false;
            }
        };
    }

    /** Hears of something, before it is ready, that it may want to tell its client. */
    default void notice(Spliced message) {}

    /** Whether it will ask the backend for something on the client's behalf. */
    default boolean isCall() {
        return true;
    }
}
