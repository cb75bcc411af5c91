package dev.heddle.core.exchange;

import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Request ids and progress tokens: each process counts from a random place on. That two processes
 * use the same one at the same time for the same backend session is as good as impossible: even
 * that they use the same one ever takes, with a thousand million ids each, four million tries.
 *
 * <p>All are below 2^53, so that every JSON reader keeps them exact. Thread-safe.
 */
public final class Ids {
    private static final long MOST = 1L << 53;

    private final AtomicLong last;

    public Ids() {
        this(new SecureRandom().nextLong(MOST));
    }

    /**
     * @param last the one before the first
     */
    Ids(long last) {
        this.last = new AtomicLong(last);
    }

    /** An id that has not been used before. */
    public long next() {
        return last.incrementAndGet() & (MOST - 1);
    }
}
