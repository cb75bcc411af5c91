package dev.heddle.core.health;

import java.time.Duration;
import java.time.Instant;

/**
 * Whether recent calls to a backend make the next one worth trying. Immutable: each change gives a
 * new value.
 */
sealed interface Circuit {

    /**
     * When to stop trying, and for how long.
     *
     * @param threshold failures in a row that open the circuit; at least 1
     * @param timeout how long it then stays open; at least a second
     */
    record Rule(int threshold, Duration timeout) {}

    /** Calls pass; so many of the latest failed in a row. */
    record Closed(int failures) implements Circuit {}

    /** No call passes before {@code until}. */
    record Open(Instant until) implements Circuit {}

    /** One call is out to find out; no other passes before it reports or {@code until} has come. */
    record HalfOpen(Instant until) implements Circuit {}

    /**
     * Whether a call may pass at {@code now}. One that passes an open circuit makes it half open
     * first.
     */
    default boolean passes(Instant now) {
        return switch (this) {
            case Closed _ -> true;
            case Open(var until) -> !now.isBefore(until);
            case HalfOpen(var until) -> !now.isBefore(until);
        };
    }

    /** The circuit with the one call out that finds out. */
    default Circuit trying(Instant now, Rule rule) {
        return new HalfOpen(now.plus(rule.timeout()));
    }

    default Circuit afterSuccess() {
        return switch (this) {
            case Open open -> open; // the call left before the circuit opened
            case Closed _, HalfOpen _ -> new Closed(0);
        };
    }

    default Circuit afterFailure(Instant now, Rule rule) {
        return switch (this) {
            case Open open -> open;
            case HalfOpen _ -> new Open(now.plus(rule.timeout()));
            case Closed(int failures) when failures + 1 >= rule.threshold() ->
                    new Open(now.plus(rule.timeout()));
            case Closed(int failures) -> new Closed(failures + 1);
        };
    }

    /** After a trial that found nothing out: another may begin at once. */
    default Circuit afterNothing(Instant now) {
        return this instanceof HalfOpen ? new Open(now) : this;
    }

    /** The word that status uses. */
    default String word() {
        return switch (this) {
            case Closed _ -> "closed";
            case Open _ -> "open";
            case HalfOpen _ -> "half-open";
        };
    }
}
