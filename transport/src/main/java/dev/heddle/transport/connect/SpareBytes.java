package dev.heddle.transport.connect;

import io.netty.util.concurrent.FastThreadLocal;

import org.jspecify.annotations.Nullable;

/** A byte array for what is being read right now, one for each thread. */
final class SpareBytes {
    private static final int LENGTH = 64 * 1024;
    private static final FastThreadLocal<byte @Nullable []> SPARE = new FastThreadLocal<>();

    private SpareBytes() {}

    /** The thread's array, or a fresh one if it is in use further up. */
    static byte[] take() {
        var spare = SPARE.get();
        SPARE.set(null);
        return spare == null ? new byte[LENGTH] : spare;
    }

    static void giveBack(byte[] taken) {
        SPARE.set(taken);
    }
}
