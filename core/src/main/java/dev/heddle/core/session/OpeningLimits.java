package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How many conversations with one backend may be opening at the same time, over all sessions.
 * Thread-safe.
 */
final class OpeningLimits {
    private final Map<Limit, Semaphore> permits = new ConcurrentHashMap<>();

    /** A backend, and how many it allows: a changed configuration is another limit. */
    private record Limit(BackendId backend, int openings) {}

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
        var limit = new Limit(backend.id(), backend.limits().openings());
        var permit = permits.computeIfAbsent(limit, _ -> new Semaphore(limit.openings()));
        try {
            long patience = backend.limits().open().toNanos();
            if (permit.tryAcquire(patience, TimeUnit.NANOSECONDS)) {
                return permit::release;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw Fault.BackendFailed.notSent(
                backend.id().value(), Reason.LIMIT, "has too many conversations opening at once");
    }
}
