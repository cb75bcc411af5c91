package dev.heddle.core.health;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;

/** What probes and calls say of every backend. Thread-safe; takes no lock. */
public final class HealthBoard {
    private static final Circuit.Closed FRESH = new Circuit.Closed(0);

    private final HealthRules rules;
    private final InstantSource clock;
    private final Map<BackendId, AtomicReference<Health>> healths = new ConcurrentHashMap<>();
    private final Map<BackendId, AtomicReference<Circuit>> circuits = new ConcurrentHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    public HealthBoard(HealthRules rules, InstantSource clock) {
        this.rules = rules;
        this.clock = clock;
    }

    public HealthRules rules() {
        return rules;
    }

    public Health health(BackendId id) {
        return healthOf(id).get();
    }

    /** The word for the state of the backend's circuit breaker, or empty if it has none. */
    public Optional<String> circuit(BackendId id) {
        return rules.breakerThreshold().isEmpty()
                ? Optional.empty()
                : Optional.of(circuitOf(id).get().word());
    }

    /** Hears of each probe. Must not block. */
    @FunctionalInterface
    public interface Listener {
        void probed(BackendId id, Health before, Health after);
    }

    public void subscribe(Listener listener) {
        listeners.add(listener);
    }

    /** Forgets a backend that is configured no more. */
    public void forget(BackendId id) {
        healths.remove(id);
        circuits.remove(id);
    }

    public void probeSucceeded(BackendId id, Duration took) {
        update(id, health -> health.afterSuccess(took, clock.instant()));
    }

    /**
     * Notes a failed probe. Refused credentials only count against a backend that was given none
     * per caller.
     */
    public void probeFailed(BackendId id, Fault why) {
        boolean refused =
                why instanceof Fault.BackendFailed failed
                        && failed.reason() == Reason.AUTHENTICATION;
        update(
                id,
                health ->
                        health.afterFailure(
                                why.getMessage(),
                                refused,
                                rules.unhealthyThreshold(),
                                clock.instant()));
        if (!refused) {
            callFailed(id);
        }
    }

    /** Notes that a call that passed has ended without saying anything about the backend. */
    public void callToldNothing(BackendId id) {
        if (rules.breakerThreshold().isPresent()) {
            circuitOf(id).updateAndGet(circuit -> circuit.afterNothing(clock.instant()));
        }
    }

    private void update(BackendId id, UnaryOperator<Health> change) {
        var before = healthOf(id).getAndUpdate(change);
        var after = change.apply(before);
        listeners.forEach(listener -> listener.probed(id, before, after));
    }

    /**
     * Lets a call pass, or says why it is not worth trying. One that passed must report how it
     * ended.
     */
    public Optional<Fault> refusal(BackendId id) {
        var health = healthOf(id).get();
        if (!health.state().usable()) {
            return refused(id, "is " + health.state().word() + " (" + health.lastError() + ")");
        }
        if (rules.breakerThreshold().isEmpty()) {
            return Optional.empty();
        }
        var reference = circuitOf(id);
        var circuit = reference.get();
        if (circuit instanceof Circuit.Closed) {
            return Optional.empty();
        }
        var now = clock.instant();
        boolean passes =
                circuit.passes(now)
                        && reference.compareAndSet(circuit, circuit.trying(now, rule()));
        return passes
                ? Optional.empty()
                : refused(id, "has failed too often lately; its circuit breaker is open");
    }

    private static Optional<Fault> refused(BackendId id, String why) {
        return Optional.of(Fault.BackendFailed.notSent(id.value(), Reason.UNHEALTHY, why));
    }

    /** Notes that a call got its reply, whatever the reply says. */
    public void callSucceeded(BackendId id) {
        var reference = circuitOf(id);
        if (!FRESH.equals(reference.get())) {
            reference.updateAndGet(Circuit::afterSuccess);
        }
    }

    /** Notes that a call got no reply because of the backend or the way to it. */
    public void callFailed(BackendId id) {
        if (rules.breakerThreshold().isPresent()) {
            circuitOf(id).updateAndGet(circuit -> circuit.afterFailure(clock.instant(), rule()));
        }
    }

    private Circuit.Rule rule() {
        return new Circuit.Rule(rules.breakerThreshold().orElseThrow(), rules.breakerTimeout());
    }

    private AtomicReference<Health> healthOf(BackendId id) {
        return healths.computeIfAbsent(
                id, _ -> new AtomicReference<>(Health.initial(clock.instant())));
    }

    private AtomicReference<Circuit> circuitOf(BackendId id) {
        return circuits.computeIfAbsent(id, _ -> new AtomicReference<>(FRESH));
    }
}
