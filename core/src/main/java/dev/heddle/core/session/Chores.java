package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What is done for sessions in the background, and can be waited for. Thread-safe. */
final class Chores {
    private static final Logger log = LoggerFactory.getLogger(Chores.class);

    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    /** Begins {@code task}, which may block, on a thread called {@code name}. */
    void run(String name, Runnable task) {
        var thread = Thread.ofVirtual().name(name).unstarted(() -> runToItsEnd(task));
        threads.add(thread);
        thread.start();
    }

    private void runToItsEnd(Runnable task) {
        try {
            task.run();
        } catch (Fault.StorageUnavailable away) {
            log.warn("{}", away.getMessage());
        } finally {
            threads.remove(Thread.currentThread());
        }
    }

    /** Waits until all is done, but no longer than {@code patience}. Returns how much is left. */
    int await(Duration patience) {
        long until = System.nanoTime() + patience.toNanos();
        try {
            for (var thread : threads) {
                var left = Duration.ofNanos(until - System.nanoTime());
                if (!left.isPositive() || !thread.join(left)) {
                    return threads.size();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return 0;
    }
}
