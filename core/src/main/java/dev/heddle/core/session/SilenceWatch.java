package dev.heddle.core.session;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.protocol.Json;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Looks after the calls of one session that may have fallen silent, with one alarm for all of them:
 * it goes when the first can have been silent for too long, and is not taken back when that one
 * ends in time. Thread-safe.
 */
final class SilenceWatch {
    /** Says that a call needs no look. */
    static final long NEVER = Long.MAX_VALUE;

    private record Armed(long at, Alarm alarm) {
        boolean isBy(long time) {
            return at - time <= 0;
        }
    }

    private final Alarms alarms;
    private final SparseMap<Json, InFlight> calls;
    private final AtomicReference<@Nullable Armed> armed = new AtomicReference<>();

    /**
     * @param calls those that are under way
     */
    SilenceWatch(Alarms alarms, SparseMap<Json, InFlight> calls) {
        this.alarms = alarms;
        this.calls = calls;
    }

    /**
     * Looks after the calls again when {@code nanos} have passed since {@code time}, which is just
     * over, or sooner.
     */
    void look(long time, long nanos) {
        long at = time + nanos;
        for (var now = armed.get(); now == null || !now.isBy(at); now = armed.get()) {
            var next = new Armed(at, alarms.after(Duration.ofNanos(nanos), this::look));
            if (armed.compareAndSet(now, next)) {
                cancel(now);
                return;
            }
            cancel(next);
        }
    }

    private static void cancel(@Nullable Armed armed) {
        if (armed != null) {
            armed.alarm().cancel();
        }
    }

    private void look() {
        armed.set(null);
        long soonest = NEVER;
        for (var call : calls.values()) {
            soonest = Math.min(soonest, call.checkSilence());
        }
        if (soonest != NEVER) {
            look(alarms.now(), soonest);
        }
    }

    /** Looks after nothing any more. */
    void close() {
        cancel(armed.getAndSet(null));
    }
}
