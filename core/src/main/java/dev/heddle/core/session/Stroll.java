package dev.heddle.core.session;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * A walk through many things that is in nobody's way: it rests after each few of them, so that who
 * shares the processor with it never waits long.
 */
final class Stroll {
    private static final int STEPS = 100;
    private static final Duration REST = Duration.ofMillis(10);

    private Stroll() {}

    /** Hands each of {@code all} to {@code step}. Blocks; ends early if its thread is told to. */
    static <T> void through(Iterable<T> all, Consumer<T> step) {
        int steps = 0;
        for (var one : all) {
            if (++steps % STEPS == 0 && !rested()) {
                return;
            }
            step.accept(one);
        }
    }

    private static boolean rested() {
        try {
            Thread.sleep(REST);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
