package dev.heddle.transport.serve;

import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;

/** Tasks that come before their time: kept, in their order, until that has come. Thread-safe. */
final class Backlog {
    private static final int MOST = 100;

    private final Queue<Runnable> waiting = new ArrayDeque<>(); // guarded by this
    private boolean keeps; // guarded by this

    /** Keeps tasks from now on. */
    synchronized void keep() {
        keeps = true;
    }

    /** Runs {@code task} now, or later if tasks are kept and there is room for it. */
    void add(Runnable task) {
        if (!isKept(task)) {
            task.run();
        }
    }

    private synchronized boolean isKept(Runnable task) {
        return keeps && waiting.size() < MOST && waiting.add(task);
    }

    /** Runs what has been kept, and then keeps no more. */
    void release() {
        for (var next = next(); next.isPresent(); next = next()) {
            next.get().run();
        }
    }

    private synchronized Optional<Runnable> next() {
        var next = Optional.ofNullable(waiting.poll());
        keeps = next.isPresent();
        return next;
    }
}
