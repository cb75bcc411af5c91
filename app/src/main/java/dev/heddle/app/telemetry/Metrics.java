package dev.heddle.app.telemetry;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.session.SessionObserver;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/**
 * Counts what happens, for Prometheus. Labels are the names of configured backends, the gateway's
 * known methods and a few words, never anything that a client supplies. Thread-safe.
 */
public final class Metrics implements SessionObserver {
    private final PrometheusMeterRegistry registry =
            new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final AtomicInteger sessions = new AtomicInteger();
    private final Map<BackendId, AtomicInteger> backendSessions = new ConcurrentHashMap<>();
    private final Map<Labels, Timer> calls = new ConcurrentHashMap<>();

    private record Labels(BackendId backend, String method, Outcome outcome) {
        @Override
        public int hashCode() {
            return 31 * (31 * backend.hashCode() + method.hashCode()) + outcome.hashCode();
        }
    }

    public Metrics() {
        Gauge.builder("heddle.sessions", sessions, AtomicInteger::get)
                .description("Sessions that are open")
                .register(registry);
    }

    /** Reports the number of open client streams, as {@code streams} tells it. */
    public void watchStreams(IntSupplier streams) {
        Gauge.builder("heddle.streams", streams, IntSupplier::getAsInt)
                .description("GET streams of clients that are open")
                .strongReference(true)
                .register(registry);
    }

    /** Reports whether the store that nodes share is there, as {@code available} tells it. */
    public void watchStore(BooleanSupplier available) {
        Gauge.builder("heddle.store.available", available, is -> is.getAsBoolean() ? 1 : 0)
                .description("Whether the node hears the others by way of the store")
                .strongReference(true)
                .register(registry);
    }

    /** All figures, in Prometheus's text form. */
    public String scrape() {
        return registry.scrape();
    }

    int sessions() {
        return sessions.get();
    }

    int backendSessions(BackendId backend) {
        var count = backendSessions.get(backend);
        return count == null ? 0 : count.get();
    }

    @Override
    public void sessionOpened() {
        sessions.incrementAndGet();
    }

    @Override
    public void sessionClosed() {
        sessions.decrementAndGet();
    }

    @Override
    public void backendSessionOpened(BackendId backend) {
        backendSessionsOf(backend).incrementAndGet();
    }

    @Override
    public void backendSessionClosed(BackendId backend) {
        backendSessionsOf(backend).decrementAndGet();
    }

    private AtomicInteger backendSessionsOf(BackendId backend) {
        return backendSessions.computeIfAbsent(
                backend,
                id -> {
                    var count = new AtomicInteger();
                    Gauge.builder("heddle.backend.sessions", count, AtomicInteger::get)
                            .description("Conversations of sessions with a backend that are open")
                            .tag("backend", id.value())
                            .register(registry);
                    return count;
                });
    }

    @Override
    public void callEnded(BackendId backend, String method, Outcome outcome, Duration took) {
        var labels = new Labels(backend, method, outcome);
        var known = calls.get(labels);
        var timer = known == null ? calls.computeIfAbsent(labels, this::timer) : known;
        timer.record(took);
    }

    private Timer timer(Labels labels) {
        return Timer.builder("heddle.calls")
                .description("Requests that were meant for a backend")
                .tag("backend", labels.backend().value())
                .tag("method", labels.method())
                .tag("outcome", labels.outcome().word())
                .serviceLevelObjectives(
                        Duration.ofMillis(1),
                        Duration.ofMillis(10),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(1),
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(100))
                .register(registry);
    }
}
