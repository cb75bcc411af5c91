package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts sessions against their limits. Thread-safe; takes no lock across operations. */
final class Quota {
    private static final Duration RETRY_AFTER = Duration.ofSeconds(30);

    private final SessionLimits limits;
    private final AtomicInteger total = new AtomicInteger();
    private final Map<String, Integer> perOwner = new ConcurrentHashMap<>();

    Quota(SessionLimits limits) {
        this.limits = limits;
    }

    /** The right to one session. Giving it back twice is harmless. */
    final class Share {
        private final String owner;
        private final AtomicBoolean returned = new AtomicBoolean();

        private Share(String owner) {
            this.owner = owner;
        }

        void giveBack() {
            if (returned.compareAndSet(false, true)) {
                total.decrementAndGet();
                perOwner.computeIfPresent(owner, (_, count) -> count == 1 ? null : count - 1);
            }
        }
    }

    /**
     * @throws Fault.LimitReached if there are too many sessions
     */
    Share take(String owner) {
        if (total.getAndUpdate(count -> count < limits.total() ? count + 1 : count)
                >= limits.total()) {
            throw new Fault.LimitReached(
                    "there are " + limits.total() + " sessions already", RETRY_AFTER);
        }
        var refused = new boolean[1];
        perOwner.compute(
                owner,
                (_, count) -> {
                    int held = count == null ? 0 : count;
                    refused[0] = held >= limits.perOwner();
                    return refused[0] ? count : Integer.valueOf(held + 1);
                });
        if (refused[0]) {
            total.decrementAndGet();
            throw new Fault.LimitReached(
                    "this owner has " + limits.perOwner() + " sessions already", RETRY_AFTER);
        }
        return new Share(owner);
    }
}
