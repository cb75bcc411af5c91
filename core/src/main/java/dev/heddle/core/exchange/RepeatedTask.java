package dev.heddle.core.exchange;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A task that runs in the background whenever it is asked for. Whoever asks while it runs has it
 * run once more, however many they are. Thread-safe.
 */
public final class RepeatedTask {
    private final Executor threads;
    private final Runnable task;
    private final AtomicInteger asked = new AtomicInteger();

    /**
     * @param task throws nothing
     */
    public RepeatedTask(Executor threads, Runnable task) {
        this.threads = threads;
        this.task = task;
    }

    /** Runs the task soon. */
    public void soon() {
        if (asked.getAndIncrement() == 0) {
            threads.execute(this::run);
        }
    }

    /** Runs the task once more if it is running just now. */
    public void againIfRunning() {
        asked.getAndUpdate(times -> times > 0 ? times + 1 : 0);
    }

    private void run() {
        int times;
        do {
            times = asked.get();
            task.run();
        } while (!asked.compareAndSet(times, 0));
    }
}
