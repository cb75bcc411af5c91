package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How many conversations with one backend may be opening at the same time, over all sessions.
 * Thread-safe.
 */
final class OpeningLimits {
    private final Map<BackendId, Semaphore> permits = new ConcurrentHashMap<>();

    /** A permission to open. */
    interface Permit extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Waits for a permission, at most for the backend's opening time.
     *
     * @throws Fault.BackendFailed if it did not come in time
     */
    Permit acquire(Backend backend) {
        var permit =
                permits.computeIfAbsent(
                        backend.id(), _ -> new Semaphore(backend.limits().openings()));
        acquire(permit, backend, backend.limits().open());
        return permit::release;
    }

    static void acquire(Semaphore permit, Backend backend, Duration patience) {
        try {
            if (permit.tryAcquire(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw Fault.BackendFailed.notSent(
                backend.id().value(), Reason.LIMIT, "has too many conversations opening at once");
    }
}
