package dev.heddle.core.exchange;

import java.time.Duration;

/** Runs things later. Tasks must not block. Thread-safe. */
public interface Alarms {
    /** A task that may be called off. */
    @FunctionalInterface
    interface Alarm {
        /** Calls the task off if it has not begun. Idempotent. */
        void cancel();
    }

    /** Runs {@code task} once, not before {@code delay} has passed. */
    Alarm after(Duration delay, Runnable task);

    /**
     * The time by which alarms go: nanoseconds from some moment on, never back, whatever happens to
     * the clock on the wall.
     */
    long now();
}
