package dev.heddle.core.session;

import java.time.Duration;
import java.util.Optional;

/**
 * How many sessions there may be, and for how long.
 *
 * @param idle a session that is not used for this long ends
 * @param lifetime a session ends this long after it began, used or not; empty for never
 * @param total over all owners
 * @param perOwner for one owner, or for one remote address where sessions are anonymous
 */
public record SessionLimits(Duration idle, Optional<Duration> lifetime, int total, int perOwner) {
    public static final SessionLimits DEFAULT =
            new SessionLimits(Duration.ofMinutes(30), Optional.empty(), 100_000, 10_000);
}
