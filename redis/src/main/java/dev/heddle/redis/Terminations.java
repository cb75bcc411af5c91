package dev.heddle.redis;

import dev.heddle.core.exchange.Alarms;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The records that were terminated here lately: a store that has lost what was written last may
 * have lost that too. Thread-safe.
 */
final class Terminations {
    private static final Duration REMEMBERED = Duration.ofMinutes(10);

    private final Alarms alarms;
    private final Map<String, Long> names = new ConcurrentHashMap<>(); // and when

    Terminations(Alarms alarms) {
        this.alarms = alarms;
    }

    void remember(String name) {
        names.put(name, alarms.now());
    }

    List<String> lately() {
        sweep();
        return List.copyOf(names.keySet());
    }

    /** Forgets what was not lately. */
    void sweep() {
        long before = alarms.now() - REMEMBERED.toNanos();
        names.values().removeIf(at -> at - before < 0);
    }
}
