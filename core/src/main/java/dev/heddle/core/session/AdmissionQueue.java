package dev.heddle.core.session;

import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Lets calls in until it is closed, and can wait for those inside. Lock-free; thread-safe.
 *
 * <p>The count of those inside and the fact that nobody else may come in are one number, so that no
 * call can slip in behind a closer: a negative count is closed.
 */
final class AdmissionQueue {
    private static final long CLOSED = Long.MIN_VALUE;

    private final AtomicLong inside = new AtomicLong();
    private final CountDownLatch drained = new CountDownLatch(1);

    /** Being inside. Closing it twice is harmless. */
    final class Pass implements AutoCloseable {
        private final AtomicBoolean returned = new AtomicBoolean();

        private Pass() {}

        @Override
        public void close() {
            if (returned.compareAndSet(false, true) && inside.decrementAndGet() == CLOSED) {
                drained.countDown();
            }
        }
    }

    /** A pass, or empty if the queue is closed. */
    Optional<Pass> tryAdmit() {
        long before = inside.getAndUpdate(count -> count < 0 ? count : count + 1);
        return before < 0 ? Optional.empty() : Optional.of(new Pass());
    }

    /** Refuses newcomers from now on. Does not wait. Idempotent. */
    void close() {
        if (inside.getAndUpdate(count -> count | CLOSED) == 0) {
            drained.countDown();
        }
    }

    /**
     * Refuses newcomers and waits until nobody is inside. Every closer returns only then.
     * Idempotent.
     */
    void closeAndDrain() {
        close();
        boolean interrupted = false;
        while (true) {
            try {
                drained.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    boolean isClosed() {
        return inside.get() < 0;
    }

    /** Whether somebody is inside. */
    boolean isBusy() {
        return (inside.get() & ~CLOSED) != 0;
    }
}
