package dev.heddle.transport.connect;

import java.util.Arrays;

/**
 * Cuts the bytes of a connection into one HTTP/1.1 answer after the other (RFC 9112). The bytes may
 * be cut anywhere between two reads. Confined to one thread.
 */
final class Http1Decoder {
    private static final int MAX_HEAD = 64 * 1024;
    private static final int MAX_LINE = 4 * 1024;
    private static final int MAX_SIZE_DIGITS = 15;
    private static final byte[] NOTHING = {};

    /** Takes the parts of an answer. */
    interface Listener {
        void head(Http1Head head);

        /** Bytes that are good for the time of the call. */
        void content(byte[] bytes, int offset, int length);

        void end();
    }

    private enum State {
        HEAD,
        BODY,
        UNTIL_CLOSE,
        CHUNK_SIZE,
        CHUNK,
        CHUNK_END,
        TRAILERS
    }

    private final Listener listener;
    private State state = State.HEAD;
    private long remaining;
    private int trailers;
    private byte[] kept = NOTHING;

    Http1Decoder(Listener listener) {
        this.listener = listener;
    }

    /**
     * Takes the bytes in {@code [from, to)}, up to the end of an answer. Returns where it stopped.
     *
     * @throws MalformedHttp if they are no answer
     */
    int read(byte[] bytes, int from, int to) {
        if (kept.length == 0) {
            return readAll(bytes, from, to);
        }
        int before = kept.length;
        var joined = Arrays.copyOf(kept, before + to - from);
        System.arraycopy(bytes, from, joined, before, to - from);
        kept = NOTHING;
        return from + readAll(joined, 0, joined.length) - before;
    }

    private int readAll(byte[] bytes, int from, int to) {
        int at = from;
        while (at < to) {
            int next =
                    switch (state) {
                        case HEAD -> readHead(bytes, at, to);
                        case BODY, CHUNK -> readContent(bytes, at, to);
                        case UNTIL_CLOSE -> {
                            listener.content(bytes, at, to - at);
                            yield to;
                        }
                        case CHUNK_SIZE, CHUNK_END, TRAILERS -> readLine(bytes, at, to);
                    };
            if (next < 0) {
                kept = Arrays.copyOfRange(bytes, at, to);
                return to;
            }
            at = next;
            if (state == State.HEAD) {
                return at; // behind an answer, or behind an interim head, which is one
            }
        }
        return at;
    }

    private int readHead(byte[] bytes, int from, int to) {
        int end = Http1Head.end(bytes, from, to);
        if (end < 0 && to - from > MAX_HEAD) {
            throw new MalformedHttp("found a head of more than " + MAX_HEAD + " bytes");
        }
        if (end < 0) {
            return -1;
        }
        var head = Http1Head.read(bytes, from, end);
        if (head.isInterim()) {
            return end;
        }
        remaining = head.length();
        state =
                head.isChunked()
                        ? State.CHUNK_SIZE
                        : remaining < 0 ? State.UNTIL_CLOSE : State.BODY;
        listener.head(head);
        if (state == State.BODY && remaining == 0) {
            end();
        }
        return end;
    }

    private int readContent(byte[] bytes, int from, int to) {
        int length = (int) Math.min(remaining, to - from);
        remaining -= length;
        listener.content(bytes, from, length);
        if (remaining == 0 && state == State.BODY) {
            end();
        } else if (remaining == 0) {
            state = State.CHUNK_END;
        }
        return from + length;
    }

    private int readLine(byte[] bytes, int from, int to) {
        int end = from;
        while (end < to && bytes[end] != '\n') {
            end++;
        }
        if (end - from > MAX_LINE) {
            throw new MalformedHttp("found too long a line in a chunked body");
        }
        if (end == to) {
            return -1;
        }
        int last = end > from && bytes[end - 1] == '\r' ? end - 1 : end;
        switch (state) {
            case CHUNK_SIZE -> beginChunk(bytes, from, last);
            case CHUNK_END -> {
                if (last > from) {
                    throw new MalformedHttp("found bytes behind a chunk");
                }
                state = State.CHUNK_SIZE;
            }
            default -> trailer(last - from);
        }
        return end + 1;
    }

    private void beginChunk(byte[] bytes, int from, int to) {
        long size = 0;
        int at = from;
        while (at < to && Character.digit(bytes[at], 16) >= 0) {
            size = 16 * size + Character.digit(bytes[at], 16);
            at++;
        }
        boolean ended = at == to || bytes[at] == ';' || bytes[at] == ' ' || bytes[at] == '\t';
        if (at == from || at - from > MAX_SIZE_DIGITS || !ended) {
            throw new MalformedHttp("found no chunk size");
        }
        remaining = size;
        state = size == 0 ? State.TRAILERS : State.CHUNK;
    }

    private void trailer(int length) {
        trailers += length;
        if (trailers > MAX_HEAD) {
            throw new MalformedHttp("found more than " + MAX_HEAD + " bytes of trailers");
        }
        if (length == 0) {
            end();
        }
    }

    /** The connection has ended, and with it a body without another end. */
    void close() {
        if (state == State.UNTIL_CLOSE) {
            end();
        }
    }

    private void end() {
        state = State.HEAD;
        trailers = 0;
        listener.end();
    }
}
