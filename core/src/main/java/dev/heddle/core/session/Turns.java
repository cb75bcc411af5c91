package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.LinkedHashSet;

/**
 * Lets so many calls of one session go to their backends at once; the others wait in the session's
 * own queue, so that a busy session is in nobody's way but its own. Thread-safe; holds no lock
 * while it starts a call.
 */
final class Turns {
    private static final int MAX_WAITING = 1000;

    private final int atOnce;
    private int inside; // guarded by this, like the rest
    private boolean starting;
    private @Nullable LinkedHashSet<InFlight> waiting; // if any do

    /**
     * @param atOnce how many calls may be at their backends at the same time
     */
    Turns(int atOnce) {
        this.atOnce = atOnce;
    }

    /**
     * Begins {@code call} when it is its turn: now or later.
     *
     * @throws Fault.LimitReached if too many wait already
     */
    void take(InFlight call) {
        if (enter(call)) {
            call.begin();
        }
    }

    private synchronized boolean enter(InFlight call) {
        if (waiting == null && inside < atOnce) {
            inside++;
            return true;
        }
        if (waiting == null) {
            waiting = new LinkedHashSet<>();
        }
        if (waiting.size() >= MAX_WAITING) {
            throw new Fault.LimitReached(
                    "the session has " + MAX_WAITING + " calls waiting already",
                    Duration.ofSeconds(1));
        }
        waiting.add(call);
        return false;
    }

    /** {@code call} is over, whether it was its turn yet or not. To be called once for each. */
    void leave(InFlight call) {
        synchronized (this) {
            if (waiting == null || !waiting.remove(call)) {
                inside--;
            }
            if (waiting != null && waiting.isEmpty()) {
                waiting = null;
            }
            if (starting || waiting == null) {
                return;
            }
            starting = true;
        }
        for (var next = next(); next != null; next = next()) {
            next.begin();
        }
    }

    /** Who is next; if that is nobody, nobody starts calls any more. */
    private synchronized @Nullable InFlight next() {
        var next = waiting == null || inside >= atOnce ? null : waiting.removeFirst();
        if (waiting != null && waiting.isEmpty()) {
            waiting = null;
        }
        inside += next == null ? 0 : 1;
        starting = next != null;
        return next;
    }
}
