package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;

import java.util.Optional;

/** What a backend sends outside calls, of which some is about tasks. Thread-safe. */
final class TaskEvents implements BackendEvents {

    /** Takes what is about tasks. */
    interface Taker {
        /** Returns whether the notification was about a task, and so has been taken. */
        boolean takes(Envelope notification);

        /** Returns whether the question was asked for a task, and so has been taken. */
        boolean takes(Question question);
    }

    private final BackendEvents next;
    private volatile Optional<Taker> taker = Optional.empty();

    TaskEvents(BackendEvents next) {
        this.next = next;
    }

    /** Hands to {@code first} what is about tasks, from now on. */
    void to(Taker first) {
        taker = Optional.of(first);
    }

    @Override
    public void notification(Envelope message) {
        if (taker.filter(first -> first.takes(message)).isEmpty()) {
            next.notification(message);
        }
    }

    @Override
    public void question(Question question) {
        if (taker.filter(first -> first.takes(question)).isEmpty()) {
            next.question(question);
        }
    }

    @Override
    public void missed() {
        next.missed();
    }

    @Override
    public void lost(Fault.BackendFailed why) {
        next.lost(why);
    }
}
