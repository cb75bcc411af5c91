package dev.heddle.core.session;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Opens a session's conversations in the background, so many at once. A call that needs one does
 * not wait for its turn here. Thread-safe; holds no lock while it opens.
 */
final class Openings {
    private final int atOnce;
    private @Nullable Queue<Conversation> waiting; // if any do; guarded by this, like the rest
    private int running;
    private boolean starting;

    Openings(int atOnce) {
        this.atOnce = atOnce;
    }

    /** Opens {@code conversation} when it is its turn, if it is not open by then. */
    void add(Conversation conversation) {
        if (conversation.isIdle() && enqueue(conversation)) {
            startWhatMay();
        }
    }

    private synchronized boolean enqueue(Conversation conversation) {
        if (waiting == null) {
            waiting = new ArrayDeque<>();
        }
        return !waiting.contains(conversation) && waiting.add(conversation);
    }

    private void done() {
        synchronized (this) {
            running--;
        }
        startWhatMay();
    }

    /** Only one thread starts openings; the others leave their turn to it. */
    private void startWhatMay() {
        synchronized (this) {
            if (starting) {
                return;
            }
            starting = true;
        }
        for (var next = next(); next != null; next = next()) {
            next.prepare(this::done);
        }
    }

    /** The next to be opened; if there is none, nobody starts openings any more. */
    private synchronized @Nullable Conversation next() {
        var next = waiting == null || running >= atOnce ? null : waiting.poll();
        if (waiting != null && waiting.isEmpty()) {
            waiting = null;
        }
        running += next == null ? 0 : 1;
        starting = next != null;
        return next;
    }
}
