package dev.heddle.core.catalog;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuth;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Method;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * A conversation of the gateway's own with one backend: it learns what the backend offers to one
 * kind of client and when that changes, and perhaps whether the backend is well.
 *
 * <p>Runs on one virtual thread, which {@link #stop} ends.
 */
final class Watch {
    private static final Logger log = LoggerFactory.getLogger(Watch.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(5);
    private static final Duration BREATH = Duration.ofMillis(20);

    /** What wakes the watch. */
    private enum Signal {
        LISTS_CHANGED,
        LOST,
        STOP
    }

    /**
     * What a watch is for.
     *
     * @param profile of the clients whose catalog it keeps fresh
     * @param probes whether it tells of the backend's health too
     */
    record Role(ClientProfile profile, boolean probes) {}

    private final Backend backend;
    private final Role role;
    private final CatalogKey key;
    private final BackendConnector connector;
    private final Catalogs catalogs;
    private final CatalogReader reader;
    private final HealthBoard health;
    private final LinkedBlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private volatile Optional<Thread> thread = Optional.empty();
    private volatile boolean connecting;
    private volatile boolean hears;
    private String complaint = "";
    private Optional<Duration> lifetime = Optional.empty(); // of what has been read
    private long readAt;
    private OptionalLong lastFailure = OptionalLong.empty();

    Watch(
            Backend backend,
            Role role,
            BackendConnector connector,
            Catalogs catalogs,
            CatalogReader reader,
            HealthBoard health) {
        this.backend = backend;
        this.role = role;
        this.key = CatalogKey.of(backend, role.profile());
        this.connector = connector;
        this.catalogs = catalogs;
        this.reader = reader;
        this.health = health;
    }

    /** The catalog that it keeps fresh. */
    CatalogKey key() {
        return key;
    }

    /** Whether it is connected to a backend that tells of changes, and has read what there is. */
    boolean hears() {
        return hears;
    }

    /** Whether it tells of the backend's health. */
    boolean probes() {
        return role.probes();
    }

    /** Watches from now on, on the thread that is returned, until it is stopped. */
    Thread start() {
        var started = Thread.ofVirtual().name("heddle-watch-" + backend.id()).start(this::run);
        thread = Optional.of(started);
        if (isStopped()) {
            started.interrupt();
        }
        return started;
    }

    /** Ends the watch, also in the midst of opening its conversation. Does not wait for it. */
    void stop() {
        stopped.countDown();
        signals.add(Signal.STOP);
        if (connecting) {
            thread.ifPresent(Thread::interrupt);
        }
    }

    private void run() {
        var pause = FIRST_PAUSE;
        while (!isStopped()) {
            try {
                watchOnce();
                pause = FIRST_PAUSE;
            } catch (Fault fault) {
                if (!isStopped()) {
                    failed(fault);
                }
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException bug) {
                log.error("watch of backend '{}' failed", backend.id(), bug);
            }
            pause = rest(pause);
        }
    }

    private void watchOnce() throws InterruptedException {
        long began = System.nanoTime();
        var opening =
                new Opening(Identity.NONE, role.profile(), new Events(), Optional.empty(), true);
        connecting = true;
        var connected = connector.connect(backend, opening);
        try (var session = connected.session()) {
            signals.clear();
            session.listen(true);
            read(connected);
            connecting = false;
            hears = connected.introduction().announcesChanges();
            succeeded(Duration.ofNanos(System.nanoTime() - began));
            if (role.probes() || hears || lifetime.isPresent()) {
                while (!isStopped()
                        && heed(connected, signals.poll(pause().toNanos(), TimeUnit.NANOSECONDS))) {
                    log.trace("backend '{}' is still there", backend.id());
                }
                return;
            }
        } finally {
            connecting = false;
            hears = false;
        }
        stopped.await(); // a backend that never tells of changes need not be listened to
    }

    private void succeeded(Duration took) {
        if (role.probes() && !isStopped()) {
            health.probeSucceeded(backend.id(), took);
        }
        if (!complaint.isEmpty()) {
            complaint = "";
            log.info("backend '{}' answers again", backend.id());
        }
    }

    /**
     * Does what {@code signal}, or the lack of one, asks for. Returns whether to go on with this
     * conversation.
     */
    private boolean heed(Connected connected, @Nullable Signal signal) throws InterruptedException {
        if (signal == Signal.LISTS_CHANGED) {
            signals.removeIf(Signal.LISTS_CHANGED::equals);
            read(connected);
            return !stopped.await(
                    BREATH.toMillis(), TimeUnit.MILLISECONDS); // a flood of changes is one
        } else if (signal != null) {
            return false;
        }
        long began = System.nanoTime();
        boolean tells = connected.introduction().revision().hasSessions() || hears;
        if (lifetime.isEmpty() ? tells : remains().isPositive()) {
            reader.ping(backend, connected.session(), probeTime());
        } else {
            read(connected); // what it says is good for a time only
        }
        succeeded(Duration.ofNanos(System.nanoTime() - began));
        return true;
    }

    private void read(Connected connected) {
        var catalog = reader.read(backend, connected.session(), connected.introduction());
        lifetime = catalog.lifetime();
        readAt = System.nanoTime();
        catalogs.publish(key, catalog);
    }

    /** How long what has been read is still good. */
    private Duration remains() {
        return lifetime.orElse(Duration.ZERO).minusNanos(System.nanoTime() - readAt);
    }

    /** How long to wait for a signal. */
    private Duration pause() {
        if (lifetime.isEmpty()) {
            return interval();
        }
        var least = max(remains(), SHORTEST_PAUSE);
        boolean asks = role.probes() || hears;
        return asks && interval().compareTo(least) < 0 ? interval() : least;
    }

    private static Duration max(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    private void failed(Fault fault) {
        if (!role.probes()) {
            log.debug("watch for other clients: {}", fault.getMessage());
            return;
        }
        boolean expected =
                fault instanceof Fault.BackendFailed failed
                        && failed.reason() == Reason.AUTHENTICATION
                        && !backend.auth().equals(OutgoingAuth.UNAUTHENTICATED);
        if (!complaint.equals(fault.getMessage())) {
            complaint = fault.getMessage();
            log.warn("{}", complaint);
        }
        if (expected) {
            health.probeSucceeded(backend.id(), Duration.ZERO);
        } else {
            countFailure(fault);
        }
    }

    /** Quick tries between two probes find a backend that is back, but do not count against it. */
    private void countFailure(Fault fault) {
        long now = System.nanoTime();
        if (lastFailure.isEmpty()
                || now - lastFailure.getAsLong() >= interval().toNanos() * 9 / 10) {
            lastFailure = OptionalLong.of(now);
            health.probeFailed(backend.id(), fault);
        }
    }

    /** Waits about {@code pause}, unless it is stopped. Returns the next pause. */
    private Duration rest(Duration pause) {
        try {
            long nanos = pause.toNanos();
            long jittered = nanos - nanos / 4 + ThreadLocalRandom.current().nextLong(nanos / 2);
            stopped.await(jittered, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            stop();
        }
        var doubled = pause.multipliedBy(2);
        return doubled.compareTo(interval()) > 0 ? interval() : doubled;
    }

    private boolean isStopped() {
        return stopped.getCount() == 0;
    }

    private Duration interval() {
        return health.rules().interval();
    }

    private Duration probeTime() {
        HealthRules rules = health.rules();
        return rules.timeout().isZero() ? backend.limits().open() : rules.timeout();
    }

    /** Turns what the backend sends into signals. It has nobody to ask. */
    private final class Events implements BackendEvents {
        @Override
        public void notification(Envelope message) {
            switch (message.method()) {
                case Method.TOOLS_CHANGED, Method.RESOURCES_CHANGED, Method.PROMPTS_CHANGED ->
                        listsChanged();
                default -> {}
            }
        }

        private void listsChanged() {
            if (!signals.contains(Signal.LISTS_CHANGED)) {
                signals.add(Signal.LISTS_CHANGED);
            }
        }

        @Override
        public void question(Question question) {
            question.refuse("this is the gateway's own session; no client can be asked here");
        }

        @Override
        public void lost(Fault.BackendFailed why) {
            log.debug("watch lost backend '{}': {}", backend.id(), why.getMessage());
            signals.add(Signal.LOST);
        }
    }
}
