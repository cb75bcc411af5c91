package dev.heddle.core.catalog;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.health.HealthBoard;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Watches every configured backend, as far as {@link #follow} says so, until {@link #close}.
 * Thread-safe.
 */
public final class Watches implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(8);

    private final BackendConnector connector;
    private final Catalogs catalogs;
    private final CatalogReader reader;
    private final HealthBoard health;
    private final ClientProfile gateway;
    private final ReentrantLock lock = new ReentrantLock(); // guards watches and closed
    private final Map<BackendId, Watch> watches = new HashMap<>();
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
    private boolean closed;

    /**
     * @param gateway what the gateway says of itself when it asks for its own sake
     */
    public Watches(
            BackendConnector connector,
            Catalogs catalogs,
            Ids ids,
            HealthBoard health,
            ClientProfile gateway) {
        this.connector = connector;
        this.catalogs = catalogs;
        this.reader = new CatalogReader(ids);
        this.health = health;
        this.gateway = gateway;
    }

    /**
     * Watches the backends of {@code snapshot}, and no others: those that stay the same are not
     * disturbed.
     */
    public void follow(BackendRegistry.Snapshot snapshot) {
        lock.lock();
        try {
            if (closed) {
                return;
            }
            watches.values()
                    .removeIf(
                            watch -> {
                                boolean over =
                                        !snapshot.find(watch.backend().id())
                                                .filter(watch.backend()::equals)
                                                .isPresent();
                                if (over) {
                                    watch.stop();
                                    health.forget(watch.backend().id());
                                }
                                return over;
                            });
            snapshot.backends().values().forEach(this::watch);
        } finally {
            lock.unlock();
        }
    }

    private void watch(Backend backend) {
        watches.computeIfAbsent(
                backend.id(),
                id -> {
                    var watch = new Watch(backend, gateway, connector, catalogs, reader, health);
                    threads.removeIf(thread -> !thread.isAlive());
                    threads.add(Thread.ofVirtual().name("heddle-watch-" + id).start(watch::run));
                    return watch;
                });
    }

    /** Ends all watches, and waits a little until their backends have been told. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            watches.values().forEach(Watch::stop);
            watches.clear();
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
