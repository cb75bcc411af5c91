package dev.heddle.core.exchange;

/** An exchange that is under way. */
@FunctionalInterface
public interface Running {
    /** One that has ended. */
    Running NONE = () -> {};

    /** Tells the backend that nobody waits for the reply any more. Idempotent; never blocks. */
    void cancel();
}
