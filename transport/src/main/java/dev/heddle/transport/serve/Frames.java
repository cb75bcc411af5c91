package dev.heddle.transport.serve;

import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;

/**
 * How an answer without a known length is put into bytes: in chunks, or plain up to the end of the
 * connection (RFC 9112, Chunked Transfer Coding; WHATWG HTML, Server-sent events).
 */
record Frames(ByteBufAllocator buffers, boolean chunks) {
    private static final byte[] EVENT = HttpText.bytes("event: message\ndata: ");
    private static final byte[] ID = HttpText.bytes("id: ");
    private static final byte[] LINE_END = HttpText.bytes("\n");
    private static final byte[] END_OF_EVENT = HttpText.bytes("\n\n");
    private static final byte[] KEEP_ALIVE = HttpText.bytes(": keep-alive\n\n");

    private interface Content {
        void writeTo(ByteBuf out);
    }

    /** The head of the answer. */
    ByteBuf head(String contentType, String lines, boolean close) {
        var out = buffers.ioBuffer(HttpText.HEAD_ROOM + lines.length());
        HttpText.head(out, 200, contentType, lines, close);
        if (chunks) {
            HttpText.endWithChunks(out);
        } else {
            HttpText.end(out);
        }
        return out;
    }

    /**
     * An event that holds {@code message}, with room behind it for {@link #end}.
     *
     * @param id empty text if it has none
     */
    ByteBuf event(String id, Spliced message) {
        int named = id.isEmpty() ? 0 : ID.length + id.length() + LINE_END.length;
        return chunk(
                named + EVENT.length + message.length() + END_OF_EVENT.length,
                out -> {
                    if (named > 0) {
                        out.writeBytes(ID).writeBytes(HttpText.bytes(id)).writeBytes(LINE_END);
                    }
                    out.writeBytes(EVENT);
                    message.writeLineTo(out::writeBytes);
                    out.writeBytes(END_OF_EVENT);
                });
    }

    /** What says from where a client can go on, and how many milliseconds it is to wait first. */
    ByteBuf priming(String id, long retry) {
        var text = HttpText.bytes("id: " + id + "\nretry: " + retry + "\ndata: \n\n");
        return plain(text, 0, text.length);
    }

    /** An event that is no message. */
    ByteBuf event(String type, String data) {
        var text = HttpText.bytes("event: " + type + "\ndata: " + data + "\n\n");
        return plain(text, 0, text.length);
    }

    /** A line that only shows that the stream is alive. */
    ByteBuf keepAlive() {
        return plain(KEEP_ALIVE, 0, KEEP_ALIVE.length);
    }

    /** What an event begins with whose data come in parts. */
    ByteBuf beginEvent() {
        return plain(EVENT, 0, EVENT.length);
    }

    ByteBuf endEvent() {
        return plain(END_OF_EVENT, 0, END_OF_EVENT.length);
    }

    ByteBuf plain(byte[] bytes, int offset, int length) {
        return chunk(length, out -> out.writeBytes(bytes, offset, length));
    }

    /** A part of the data of an event. */
    ByteBuf inEvent(byte[] bytes, int offset, int length) {
        return chunk(length, out -> HttpText.line(out, bytes, offset, length));
    }

    private ByteBuf chunk(int length, Content content) {
        var out = buffers.ioBuffer(length + HttpText.CHUNK_ROOM + HttpText.LAST_CHUNK.length);
        if (chunks) {
            HttpText.beginChunk(out, length);
        }
        content.writeTo(out);
        if (chunks) {
            HttpText.endChunk(out);
        }
        return out;
    }

    /** The end of the answer behind {@code last}. */
    ByteBuf end(ByteBuf last) {
        return chunks ? last.writeBytes(HttpText.LAST_CHUNK) : last;
    }

    /** The end of the answer alone. */
    ByteBuf end() {
        return end(buffers.ioBuffer(HttpText.LAST_CHUNK.length));
    }
}
