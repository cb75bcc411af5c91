package dev.heddle.transport.serve;

import io.netty.channel.EventLoop;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Notices an answer that takes long, with one alarm for all answers of a connection. Confined to
 * its event loop.
 */
final class Slowness {
    private static final long LONG = Duration.ofSeconds(1).toNanos();

    private final EventLoop loop;
    private @Nullable Runnable awaiting;
    private long since;
    private boolean armed;

    Slowness(EventLoop loop) {
        this.loop = loop;
    }

    /** Runs {@code task} if the answer that is awaited from now on takes long. */
    void await(Runnable task) {
        awaiting = task;
        since = System.nanoTime();
        if (!armed) {
            arm(LONG);
        }
    }

    private void arm(long nanos) {
        armed = true;
        loop.schedule(this::look, nanos, TimeUnit.NANOSECONDS);
    }

    private void look() {
        armed = false;
        var task = awaiting;
        if (task == null) {
            return;
        }
        long left = LONG - (System.nanoTime() - since);
        if (left > 0) {
            arm(left);
        } else {
            awaiting = null;
            task.run();
        }
    }

    /** Nothing is awaited any more. */
    void over() {
        awaiting = null;
    }
}
