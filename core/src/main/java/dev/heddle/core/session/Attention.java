package dev.heddle.core.session;

import dev.heddle.core.exchange.Alarms;

import java.time.Duration;

/**
 * What a backend may be busy with that explains why it is silent, or speaks of what is over.
 * Thread-safe.
 */
final class Attention {
    /** How long a backend may take to hear that it is to give something up. */
    private static final Duration ABANDONED = Duration.ofSeconds(10);

    private final Alarms alarms;
    private volatile long answeredAt;
    private volatile long quietFrom;

    Attention(Alarms alarms) {
        this.alarms = alarms;
        this.answeredAt = alarms.now();
        this.quietFrom = answeredAt;
    }

    /**
     * Notes that the backend may go on for a while with a call that nobody waits for any more.
     *
     * @return to be run when it has heard so
     */
    Runnable abandoned() {
        long until = alarms.now() + ABANDONED.toNanos();
        quietFrom = until;
        return () -> {
            if (quietFrom == until) {
                quietFrom = alarms.now();
            }
        };
    }

    /** Whether the backend may still speak of a call that nobody waits for any more. */
    boolean mayTellOfAbandoned() {
        return alarms.now() - quietFrom < 0;
    }

    /** Notes that nobody thinks any more about a question of this backend. */
    void questionClosed() {
        answeredAt = alarms.now();
    }

    /** When a question of this backend was closed last, as of {@link Alarms#now}. */
    long answeredAt() {
        return answeredAt;
    }
}
