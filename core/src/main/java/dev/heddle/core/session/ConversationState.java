package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.fault.Fault;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Where a conversation is in its life. */
sealed interface ConversationState {
    /** Not open. {@code before} says whether it has been. */
    record Idle(boolean before) implements ConversationState {}

    record OpeningNow(List<ConversationWaiter> waiters, boolean before)
            implements ConversationState {}

    record Open(Connected connected, Use use) implements ConversationState {}

    /** The last try failed; the next is not worth making before {@code until}. */
    record Resting(Fault why, long until, boolean before) implements ConversationState {}

    /** Nothing opens any more. */
    record Ended(Fault why, Consumer<BackendSession> goodbye) implements ConversationState {}

    /**
     * Whether anything has been asked in a backend session that could have changed what it offers
     * there.
     */
    final class Use {
        private volatile boolean begun;
        private volatile Optional<LogLevel> level = Optional.empty();

        private boolean afresh; // guarded by this

        /**
         * @param afresh whether the next call is to hear that what was before is lost
         */
        Use(boolean begun, boolean afresh) {
            this.begun = begun;
            this.afresh = afresh;
        }

        /** Whether {@code waiter} is the one that is to hear that what was before is lost. */
        synchronized boolean loses(ConversationWaiter waiter) {
            boolean loses = afresh && waiter.isCall();
            afresh &= !loses;
            return loses;
        }

        /** Whether a call has been made there. */
        boolean hasBegun() {
            return begun;
        }

        /**
         * Whether log messages from {@code wanted} on have not been asked for there. Whoever hears
         * so is to ask for them.
         */
        boolean raise(LogLevel wanted) {
            boolean raises = level.filter(told -> told.compareTo(wanted) <= 0).isEmpty();
            if (raises) {
                level = Optional.of(wanted);
            }
            return raises;
        }

        void by(ConversationWaiter waiter) {
            if (waiter.isCall()) {
                begun = true;
            }
        }
    }
}
