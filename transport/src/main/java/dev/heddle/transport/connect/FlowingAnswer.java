package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Flow;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.ResponseSplicer;

import org.jspecify.annotations.Nullable;

/**
 * A response of a backend that is handed on while it comes. Confined to one event loop, but may be
 * aborted on any thread.
 */
final class FlowingAnswer implements Flow {
    private final long id;
    private final Runnable stop;
    private byte[] beginning;
    private @Nullable ResponseSplicer splicer;
    private @Nullable Taker taker;
    private volatile boolean over;

    /**
     * @param id what the request was sent with
     * @param beginning what has come by now
     * @param stop ends the answer on its way, on any thread
     */
    FlowingAnswer(long id, byte[] beginning, Runnable stop) {
        this.id = id;
        this.beginning = beginning;
        this.stop = stop;
    }

    @Override
    public void begin(Json to, Taker wanting) {
        taker = wanting;
        splicer = new ResponseSplicer(id, to, wanting::part);
        part(beginning, 0, beginning.length);
        beginning = new byte[0];
    }

    /** Takes the bytes in {@code [from, to)}. */
    void part(byte[] bytes, int from, int to) {
        if (over || splicer == null) {
            return;
        }
        try {
            splicer.feed(bytes, from, to);
        } catch (Malformed garbage) {
            broken();
            stop.run();
        }
    }

    /** The answer is complete. */
    void end() {
        if (over || splicer == null || taker == null) {
            return;
        }
        try {
            splicer.end();
        } catch (Malformed incomplete) {
            broken();
            return;
        }
        over = true;
        taker.end();
    }

    /** There is no more of the answer. */
    void broken() {
        if (!over && taker != null) {
            over = true;
            taker.broken();
        }
    }

    @Override
    public void abort() {
        if (!over) {
            over = true;
            stop.run();
        }
    }
}
