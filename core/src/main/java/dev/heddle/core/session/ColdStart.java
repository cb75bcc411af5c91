package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;

import java.time.Duration;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** The wait for backends of which nothing is known yet. Thread-safe. */
final class ColdStart {
    /** One that waits for nobody. */
    static final ColdStart OVER = new ColdStart(Set.of());

    private final Set<BackendId> missing = ConcurrentHashMap.newKeySet();
    private final CountDownLatch left;

    ColdStart(Collection<BackendId> missing) {
        this.missing.addAll(missing);
        this.left = new CountDownLatch(this.missing.size());
    }

    /** {@code backend} has said what it offers, or has failed to. */
    void settled(BackendId backend) {
        if (missing.remove(backend)) {
            left.countDown();
        }
    }

    /** Waits until all have settled, at most for {@code patience}. Returns those that have not. */
    Set<BackendId> await(Duration patience) {
        try {
            left.await(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return Set.copyOf(missing);
    }
}
