package dev.heddle.core.exchange;

import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Request ids and progress tokens that no other node uses: a random epoch of this process, then a
 * counter.
 *
 * <p>All are below 2^53, so that every JSON reader keeps them exact. Thread-safe.
 */
public final class Ids {
    private static final int COUNTER_BITS = 32;
    private static final int EPOCH_BITS = 53 - COUNTER_BITS;

    private final AtomicLong next;

    public Ids() {
        this(new SecureRandom().nextLong(1L << (EPOCH_BITS - 1)));
    }

    Ids(long epoch) {
        this.next = new AtomicLong(epoch << COUNTER_BITS);
    }

    /** An id that has not been used before. A counter that runs over goes on in the next epoch. */
    public long next() {
        return next.incrementAndGet() & ((1L << 53) - 1);
    }
}
