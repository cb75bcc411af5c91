package dev.heddle.transport.serve;

import java.util.ArrayList;
import java.util.List;

/** What is to be done when something is over, or at once if it is. Each once; thread-safe. */
final class Overs {
    private List<Runnable> tasks = List.of(); // guarded by this
    private boolean over;

    synchronized boolean isOver() {
        return over;
    }

    void add(Runnable task) {
        synchronized (this) {
            if (!over) {
                var more = new ArrayList<>(tasks);
                more.add(task);
                tasks = List.copyOf(more);
                return;
            }
        }
        task.run();
    }

    void run() {
        List<Runnable> due;
        synchronized (this) {
            over = true;
            due = tasks;
            tasks = List.of();
        }
        due.forEach(Runnable::run);
    }
}
