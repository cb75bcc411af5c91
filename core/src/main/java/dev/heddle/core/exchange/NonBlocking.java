package dev.heddle.core.exchange;

/** Marks the threads that run event loops, on which nothing may block. */
public interface NonBlocking {

    /**
     * Guards blocking code.
     *
     * @throws IllegalStateException on an event loop
     */
    static void requireMayBlock() {
        if (Thread.currentThread() instanceof NonBlocking) {
            throw new IllegalStateException(
                    "blocking call on event loop "
                            + Thread.currentThread().getName()
                            + " (expected: a virtual thread)");
        }
    }
}
