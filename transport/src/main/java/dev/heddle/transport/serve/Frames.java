package dev.heddle.transport.serve;

import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;

/**
 * How an answer without a known length is put into bytes: in chunks, or plain up to the end of the
 * connection (RFC 9112, Chunked Transfer Coding; WHATWG HTML, Server-sent events). To be used on
 * the event loop.
 */
record Frames(Outflow outflow, boolean chunks) {
    private static final byte[] EVENT = HttpText.bytes("event: message\ndata: ");
    private static final byte[] ID = HttpText.bytes("id: ");
    private static final byte[] LINE_END = HttpText.bytes("\n");
    private static final byte[] END_OF_EVENT = HttpText.bytes("\n\n");
    private static final byte[] KEEP_ALIVE = HttpText.bytes(": keep-alive\n\n");

    /** Writes the head of the answer. */
    void head(int status, String contentType, String lines, boolean close) {
        var out = outflow.room(HttpText.HEAD_ROOM + lines.length());
        HttpText.head(out, status, contentType, lines, close);
        if (chunks) {
            HttpText.endWithChunks(out);
        } else {
            HttpText.end(out);
        }
    }

    /**
     * Writes an event that holds {@code message}.
     *
     * @param id empty text if it has none
     */
    void event(String id, Spliced message) {
        int named = id.isEmpty() ? 0 : ID.length + id.length() + LINE_END.length;
        var out = begin(named + EVENT.length + message.length() + END_OF_EVENT.length);
        if (named > 0) {
            out.writeBytes(ID);
            HttpText.text(out, id);
            out.writeBytes(LINE_END);
        }
        out.writeBytes(EVENT);
        message.writeLineTo(out::writeBytes);
        out.writeBytes(END_OF_EVENT);
        end(out);
    }

    /** Says from where a client can go on, and how many milliseconds it is to wait first. */
    void priming(String id, long retry) {
        text("id: " + id + "\nretry: " + retry + "\ndata: \n\n");
    }

    /** Says how many milliseconds a client is to wait that has lost the stream. */
    void retry(long millis) {
        text("retry: " + millis + "\n\n");
    }

    /** Writes an event that is no message. */
    void event(String type, String data) {
        text("event: " + type + "\ndata: " + data + "\n\n");
    }

    private void text(String text) {
        var bytes = HttpText.bytes(text);
        plain(bytes, 0, bytes.length);
    }

    /** Writes a line that only shows that the stream is alive. */
    void keepAlive() {
        plain(KEEP_ALIVE, 0, KEEP_ALIVE.length);
    }

    /** Writes what an event begins with whose data come in parts. */
    void beginEvent() {
        plain(EVENT, 0, EVENT.length);
    }

    void endEvent() {
        plain(END_OF_EVENT, 0, END_OF_EVENT.length);
    }

    void plain(byte[] bytes, int offset, int length) {
        var out = begin(length);
        out.writeBytes(bytes, offset, length);
        end(out);
    }

    /** Writes a part of the data of an event. */
    void inEvent(byte[] bytes, int offset, int length) {
        var out = begin(length);
        HttpText.line(out, bytes, offset, length);
        end(out);
    }

    private ByteBuf begin(int length) {
        var out = outflow.room(length + HttpText.CHUNK_ROOM);
        if (chunks) {
            HttpText.beginChunk(out, length);
        }
        return out;
    }

    private void end(ByteBuf out) {
        if (chunks) {
            HttpText.endChunk(out);
        }
    }

    /** Writes the end of the answer. */
    void end() {
        if (chunks) {
            outflow.room(HttpText.LAST_CHUNK.length).writeBytes(HttpText.LAST_CHUNK);
        }
    }
}
