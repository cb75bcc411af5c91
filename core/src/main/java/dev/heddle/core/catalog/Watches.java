package dev.heddle.core.catalog;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.Watch.Role;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.health.HealthBoard;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Watches every configured backend, as far as {@link #follow} says so, until {@link #close}: once
 * for the gateway's own sake, and once more for each other kind of client of which a session has
 * lasted, since a backend may offer each kind something else.
 *
 * <p>A backend that is opened on demand has the gateway's watch only. Thread-safe.
 */
public final class Watches implements AutoCloseable {
    /** How long sessions of a kind must have lasted before they get a watch. */
    static final Duration SETTLING = Duration.ofSeconds(10);

    private static final Duration PATIENCE = Duration.ofSeconds(8);
    private static final int MAX_KINDS = 16;

    /** What one watch is about. */
    private record Subject(Backend backend, String clientKind) {
        static Subject of(Backend backend, ClientProfile profile) {
            return new Subject(backend, profile.kind());
        }
    }

    /**
     * Who wants a watch.
     *
     * @param sessions how many
     * @param since when the first of them came
     */
    private record Interest(ClientProfile profile, int sessions, long since) {
        Interest plus(int more) {
            return new Interest(profile, sessions + more, since);
        }
    }

    private final BackendConnector connector;
    private final Catalogs catalogs;
    private final Ids ids;
    private final CatalogReader reader;
    private final HealthBoard health;
    private final Alarms alarms;
    private final ClientProfile gateway;
    private final ReentrantLock lock = new ReentrantLock(); // guards current, interests and closed
    private final Map<Subject, Interest> interests = new HashMap<>();
    private final Map<Subject, Watch> running = new ConcurrentHashMap<>();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private Set<Backend> current = Set.of();
    private boolean closed;

    /**
     * @param gateway what the gateway says of itself when it asks for its own sake
     */
    public Watches(
            BackendConnector connector,
            Catalogs catalogs,
            Ids ids,
            HealthBoard health,
            Alarms alarms,
            ClientProfile gateway) {
        this.connector = connector;
        this.catalogs = catalogs;
        this.ids = ids;
        this.reader = new CatalogReader(ids);
        this.health = health;
        this.alarms = alarms;
        this.gateway = gateway;
    }

    /** The catalogs that are kept fresh. */
    public Catalogs catalogs() {
        return catalogs;
    }

    /** What names the requests of watches; others to the same backends must use it too. */
    public Ids ids() {
        return ids;
    }

    /**
     * Watches the backends of {@code snapshot}, and no others: those that stay the same are not
     * disturbed.
     */
    public void follow(BackendRegistry.Snapshot snapshot) {
        lock.lock();
        try {
            current = Set.copyOf(snapshot.backends().values());
            for (var subject : running.keySet()) {
                if (!current.contains(subject.backend())) {
                    stop(subject);
                    health.forget(subject.backend().id());
                }
            }
            current.forEach(backend -> start(backend, new Role(gateway, true)));
        } finally {
            lock.unlock();
        }
    }

    /** Says that a session of a client like {@code profile} sees the catalog of {@code backend}. */
    public void attend(Backend backend, ClientProfile profile) {
        lock.lock();
        try {
            var first = new Interest(profile, 1, alarms.now());
            interests.merge(Subject.of(backend, profile), first, (known, _) -> known.plus(1));
        } finally {
            lock.unlock();
        }
    }

    /** Takes back one {@link #attend}. The last one ends the watch. */
    public void leave(Backend backend, ClientProfile profile) {
        lock.lock();
        try {
            var subject = Subject.of(backend, profile);
            var left =
                    interests.computeIfPresent(
                            subject, (_, known) -> known.sessions() > 1 ? known.plus(-1) : null);
            var watch = running.get(subject);
            if (left == null && watch != null && !watch.probes()) {
                stop(subject);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether somebody hears now of changes for clients to whom {@code key} applies. Takes no lock.
     */
    public boolean covers(CatalogKey key) {
        return running.values().stream()
                .anyMatch(watch -> watch.hears() && watch.key().equals(key));
    }

    /** Starts the watches that have come to be worth it. To be called from time to time. */
    public void settle() {
        lock.lock();
        try {
            long now = alarms.now();
            interests.forEach(
                    (subject, interest) -> {
                        if (now - interest.since() >= SETTLING.toNanos()
                                && isWorthIt(subject.backend())) {
                            start(subject.backend(), new Role(interest.profile(), false));
                        }
                    });
        } finally {
            lock.unlock();
        }
    }

    private boolean isWorthIt(Backend backend) {
        long kinds = running.keySet().stream().filter(s -> s.backend().equals(backend)).count();
        return current.contains(backend) && !backend.target().lazy() && kinds < MAX_KINDS;
    }

    private void start(Backend backend, Role role) {
        if (closed) {
            return;
        }
        running.computeIfAbsent(
                Subject.of(backend, role.profile()),
                _ -> {
                    var watch = new Watch(backend, role, connector, catalogs, reader, health);
                    threads.removeIf(thread -> !thread.isAlive());
                    threads.add(watch.start());
                    return watch;
                });
    }

    private void stop(Subject subject) {
        var watch = running.remove(subject);
        if (watch != null) {
            watch.stop();
        }
    }

    /** Ends all watches, and waits a little until their backends have been told. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            running.keySet().forEach(this::stop);
        } finally {
            lock.unlock();
        }
        long until = System.nanoTime() + PATIENCE.toNanos();
        for (var thread : threads) {
            try {
                thread.join(Duration.ofNanos(Math.max(1, until - System.nanoTime())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
