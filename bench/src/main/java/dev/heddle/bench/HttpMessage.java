package dev.heddle.bench;

import io.netty.buffer.ByteBuf;

/**
 * The frame of one HTTP/1.1 message at the beginning of a buffer: just enough of it for servers and
 * gateways that are known to behave. Confined to one thread.
 */
final class HttpMessage {
    private static final byte[] END_OF_HEAD = Texts.ascii("\r\n\r\n");
    private static final byte[] LENGTH = Texts.ascii("content-length:");
    private static final byte[] CHUNKED = Texts.ascii("transfer-encoding:");

    private int head;
    private int bodyEnd;
    private int end;

    /** Whether {@code in} holds a whole message; then the other methods tell about it. */
    boolean isWhole(ByteBuf in) {
        int from = in.readerIndex();
        int to = in.writerIndex();
        int blank = Texts.find(in, from, to, END_OF_HEAD);
        if (blank < 0) {
            return false;
        }
        head = blank + 4;
        int length = header(in, LENGTH);
        if (length < 0 && header(in, CHUNKED) >= 0) {
            return hasLastChunk(in, to);
        }
        bodyEnd = head + (length < 0 ? 0 : (int) Texts.number(in, length, head));
        end = bodyEnd;
        return end <= to;
    }

    private boolean hasLastChunk(ByteBuf in, int to) {
        int at = head;
        while (at < to) {
            int lineEnd = in.indexOf(at, to, (byte) '\n');
            if (lineEnd < 0) {
                return false;
            }
            int size = hex(in, at, lineEnd);
            if (size == 0) {
                bodyEnd = at;
                end = lineEnd + 3;
                return end <= to;
            }
            at = lineEnd + 1 + size + 2;
        }
        return false;
    }

    private static int hex(ByteBuf in, int from, int to) {
        int number = 0;
        for (int i = from; i < to; i++) {
            int digit = Character.digit(in.getByte(i), 16);
            if (digit < 0) {
                break;
            }
            number = number * 16 + digit;
        }
        return number;
    }

    /** Where the value of the header {@code name}, in lower case with its colon, begins; or -1. */
    int header(ByteBuf in, byte[] name) {
        int at = in.indexOf(in.readerIndex(), head, (byte) '\n') + 1;
        while (at > 0 && at + name.length < head) {
            if (isHeader(in, at, name)) {
                int value = at + name.length;
                return in.getByte(value) == ' ' ? value + 1 : value;
            }
            at = in.indexOf(at, head, (byte) '\n') + 1;
        }
        return -1;
    }

    private static boolean isHeader(ByteBuf in, int at, byte[] name) {
        for (int i = 0; i < name.length; i++) {
            int c = in.getByte(at + i);
            if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != name[i]) {
                return false;
            }
        }
        return true;
    }

    /** The status of a response. */
    int status(ByteBuf in) {
        return (int) Texts.number(in, in.readerIndex() + 9, head);
    }

    int body() {
        return head;
    }

    int bodyEnd() {
        return bodyEnd;
    }

    /** Where the next message begins. */
    int end() {
        return end;
    }
}
