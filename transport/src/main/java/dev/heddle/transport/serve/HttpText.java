package dev.heddle.transport.serve;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpResponseStatus;

import java.nio.charset.StandardCharsets;

/** How answers are written in HTTP/1.1 (RFC 9112). */
final class HttpText {
    /** Room enough for a head without further headers. */
    static final int HEAD_ROOM = 256;

    /** Room for what surrounds a chunk. */
    static final int CHUNK_ROOM = 12;

    static final byte[] CONTINUE = bytes("HTTP/1.1 100 Continue\r\n\r\n");
    static final byte[] LAST_CHUNK = bytes("0\r\n\r\n");

    private static final byte[] JSON_HEAD =
            bytes("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n");
    private static final byte[] LENGTH = bytes("content-length: ");
    private static final byte[] CHUNKED = bytes("transfer-encoding: chunked\r\n");
    private static final byte[] CLOSE = bytes("connection: close\r\n");
    private static final byte[] LINE_END = bytes("\r\n");
    private static final byte[] HEX = bytes("0123456789abcdef");

    private HttpText() {}

    /** Writes {@code text}, which has no characters but those of ISO 8859-1. */
    static void text(ByteBuf out, String text) {
        out.writeCharSequence(text, StandardCharsets.ISO_8859_1);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** One header, as a line of text. */
    static String line(CharSequence name, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if ((c < ' ' && c != '\t') || c == 0x7F) {
                throw new IllegalArgumentException("control character in header " + name);
            }
        }
        return name + ": " + value + "\r\n";
    }

    /**
     * Writes the status line, and the headers that every answer has.
     *
     * @param contentType empty if there is no body
     * @param lines further headers, each as {@link #line} makes it
     */
    static void head(ByteBuf out, int status, String contentType, String lines, boolean close) {
        if (status == 200 && contentType.equals("application/json")) {
            out.writeBytes(JSON_HEAD);
        } else {
            var reason = HttpResponseStatus.valueOf(status).reasonPhrase();
            out.writeBytes(bytes("HTTP/1.1 " + status + " " + reason + "\r\n"));
            if (!contentType.isEmpty()) {
                out.writeBytes(bytes("content-type: " + contentType + "\r\n"));
            }
        }
        if (!lines.isEmpty()) {
            text(out, lines);
        }
        if (close) {
            out.writeBytes(CLOSE);
        }
    }

    /** Ends a head that is followed by a body of {@code length} bytes. */
    static void endWithLength(ByteBuf out, int length) {
        out.writeBytes(LENGTH).writeBytes(bytes(Integer.toString(length)));
        out.writeBytes(LINE_END).writeBytes(LINE_END);
    }

    /** Ends a head that is followed by a body in chunks. */
    static void endWithChunks(ByteBuf out) {
        out.writeBytes(CHUNKED).writeBytes(LINE_END);
    }

    /** Ends a head that is followed by no body, or by one that ends with the connection. */
    static void end(ByteBuf out) {
        out.writeBytes(LINE_END);
    }

    /** What stands before a chunk of {@code length} bytes. */
    static void beginChunk(ByteBuf out, int length) {
        int digits = Math.max(1, (35 - Integer.numberOfLeadingZeros(length)) / 4);
        for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
            out.writeByte(HEX[length >> shift & 15]);
        }
        out.writeBytes(LINE_END);
    }

    static void endChunk(ByteBuf out) {
        out.writeBytes(LINE_END);
    }

    /** Writes a part of a JSON text without raw CR or LF, which would end a line early. */
    static void line(ByteBuf out, byte[] bytes, int offset, int length) {
        int from = out.writerIndex();
        out.writeBytes(bytes, offset, length);
        for (int i = 0; i < length; i++) {
            byte b = bytes[offset + i];
            if (b == '\n' || b == '\r') {
                out.setByte(from + i, ' ');
            }
        }
    }
}
