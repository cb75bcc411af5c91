package dev.heddle.redis;

import dev.heddle.core.exchange.Alarms;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Notices when the store has lost everything: its content has a random name that stands in it, and
 * when that is another one or gone, so is the rest. Thread-safe.
 */
final class Content {
    /** How long it may take until all nodes have noticed and written again what they hold. */
    static final Duration RECOVERY = Pushes.SILENCE.plus(Pushes.PULSE);

    /**
     * @param losses how often everything has been lost
     * @param since when it was last, as of {@link Alarms#now}
     */
    private record Known(String name, long losses, long since) {}

    private final Alarms alarms;
    private final AtomicReference<Known> known;

    Content(Alarms alarms) {
        this.alarms = alarms;
        this.known = new AtomicReference<>(new Known("", 0, alarms.now()));
    }

    /** Takes the name of the content. Returns whether everything has been lost since the last. */
    boolean isLost(String name) {
        var before =
                known.getAndUpdate(
                        now ->
                                now.name().equals(name)
                                        ? now
                                        : new Known(
                                                name,
                                                now.losses() + (now.name().isEmpty() ? 0 : 1),
                                                alarms.now()));
        return !before.name().isEmpty() && !before.name().equals(name);
    }

    /** How often everything has been lost. */
    long losses() {
        return known.get().losses();
    }

    /** Whether everything was lost a moment ago, so that others may still be writing. */
    boolean isRecovering() {
        var now = known.get();
        return now.losses() > 0 && alarms.now() - now.since() < RECOVERY.toNanos();
    }
}
