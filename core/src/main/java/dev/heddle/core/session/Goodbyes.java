package dev.heddle.core.session;

import java.util.concurrent.Semaphore;

/**
 * How many sessions may be taking leave of their backends at the same time. Each leave takes
 * threads, requests and connections, and when a gateway stops all sessions leave at once.
 * Thread-safe.
 */
final class Goodbyes {
    static final int MOST = 2_000;

    private final Semaphore turns = new Semaphore(MOST);

    /** Waits for its turn, and runs {@code goodbye}. */
    void say(Runnable goodbye) {
        turns.acquireUninterruptibly();
        try {
            goodbye.run();
        } finally {
            turns.release();
        }
    }
}
