package dev.heddle.core.health;

import java.time.Duration;
import java.util.OptionalInt;

/**
 * How backends are watched.
 *
 * @param interval between two probes of one backend
 * @param timeout of one probe; zero for none
 * @param unhealthyThreshold failed probes in a row that make a backend unhealthy
 * @param breakerThreshold failed calls in a row that open a backend's circuit breaker; empty for no
 *     breaker
 * @param breakerTimeout how long an open breaker refuses calls
 */
public record HealthRules(
        Duration interval,
        Duration timeout,
        int unhealthyThreshold,
        OptionalInt breakerThreshold,
        Duration breakerTimeout) {
    public static final HealthRules DEFAULT =
            new HealthRules(
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(10),
                    3,
                    OptionalInt.empty(),
                    Duration.ofSeconds(60));
}
