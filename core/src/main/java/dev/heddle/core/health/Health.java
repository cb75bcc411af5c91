package dev.heddle.core.health;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/**
 * What probes say of a backend. Immutable: each probe gives a new value.
 *
 * @param failures failed probes in a row
 * @param since when the state last changed
 * @param lastError empty if the last probe succeeded
 */
public record Health(State state, int failures, Instant since, String lastError) {
    /** A probe that succeeds but takes longer than this finds the backend degraded. */
    static final Duration SLOW = Duration.ofSeconds(5);

    /** What a backend is good for. */
    public enum State {
        HEALTHY,
        /** It answers, but slowly, or for the first time after failures. */
        DEGRADED,
        /** Not probed yet, or failing for less than the threshold. */
        UNKNOWN,
        UNHEALTHY,
        /** It refuses the gateway's credentials. */
        UNAUTHENTICATED;

        /** Whether calls are sent and its offers shown. */
        public boolean usable() {
            return this != UNHEALTHY && this != UNAUTHENTICATED;
        }

        /** The word that status uses. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Health initial(Instant now) {
        return new Health(State.UNKNOWN, 0, now, "");
    }

    Health afterSuccess(Duration took, Instant now) {
        boolean recovering = failures > 0;
        return become(
                recovering || took.compareTo(SLOW) > 0 ? State.DEGRADED : State.HEALTHY,
                0,
                now,
                "");
    }

    Health afterFailure(String error, boolean refusedCredentials, int threshold, Instant now) {
        if (refusedCredentials) {
            return become(State.UNAUTHENTICATED, failures + 1, now, error);
        }
        var next = failures + 1 >= threshold ? State.UNHEALTHY : State.UNKNOWN;
        return become(next, failures + 1, now, error);
    }

    private Health become(State next, int nextFailures, Instant now, String error) {
        return new Health(next, nextFailures, next == state ? since : now, error);
    }
}
