package dev.heddle.core.session;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Opens a session's conversations in the background, so many at once. A call that needs one does
 * not wait for its turn here. Thread-safe; takes no lock.
 */
final class Openings {
    private final int atOnce;
    private final Queue<Conversation> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger turns = new AtomicInteger();

    Openings(int atOnce) {
        this.atOnce = atOnce;
    }

    /** Opens {@code conversation} when it is its turn, if it is not open by then. */
    void add(Conversation conversation) {
        if (conversation.isIdle() && !waiting.contains(conversation)) {
            waiting.add(conversation);
            go();
        }
    }

    private void done() {
        running.decrementAndGet();
        go();
    }

    /** Only one thread starts openings; the others leave their turn to it. */
    private void go() {
        if (turns.getAndIncrement() > 0) {
            return;
        }
        int taken = 1;
        while (taken != 0) {
            startWhatMay();
            taken = turns.addAndGet(-taken);
        }
    }

    private void startWhatMay() {
        while (running.get() < atOnce) {
            var next = waiting.poll();
            if (next == null) {
                return;
            }
            running.incrementAndGet();
            next.prepare(this::done);
        }
    }
}
