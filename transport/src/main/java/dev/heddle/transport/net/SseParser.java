package dev.heddle.transport.net;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Cuts a stream of bytes into server-sent events (WHATWG HTML, Server-sent events). Lines may end
 * in CR, LF or both, and may be cut anywhere between two reads. Confined to one thread.
 */
public final class SseParser {

    /** Takes what the stream says. */
    public interface Listener {
        /** An event with data. {@code type} is {@code message} where the stream does not say. */
        void event(String type, byte[] data);

        /** The stream names its position; empty text takes the name back. */
        void id(String id);

        /** How long to wait before connecting anew, in milliseconds. */
        void retry(long millis);
    }

    private final Listener listener;
    private final int maxEvent;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(256);
    private final ByteArrayOutputStream data = new ByteArrayOutputStream(1024);
    private String type = "";
    private boolean hasData;
    private boolean afterCarriageReturn;
    private boolean atStart = true;

    /**
     * @param maxEvent the most bytes that one event may have
     */
    public SseParser(int maxEvent, Listener listener) {
        this.maxEvent = maxEvent;
        this.listener = listener;
    }

    /**
     * Takes the next bytes.
     *
     * @throws IllegalStateException if an event is too large
     */
    public void feed(byte[] bytes, int offset, int length) {
        int from = offset;
        int end = offset + length;
        for (int at = offset; at < end; at++) {
            byte b = bytes[at];
            if (b != '\n' && b != '\r') {
                continue;
            }
            if (b == '\r' || !afterCarriageReturn || at > from) {
                take(bytes, from, at);
                endLine();
            }
            afterCarriageReturn = b == '\r';
            from = at + 1;
        }
        if (from < end) {
            take(bytes, from, end);
            afterCarriageReturn = false;
        }
    }

    private void take(byte[] bytes, int from, int to) {
        if ((long) line.size() + data.size() + to - from > maxEvent) {
            throw new IllegalStateException(
                    "server-sent event is too large (expected: at most " + maxEvent + " bytes)");
        }
        line.write(bytes, from, to - from);
    }

    private void endLine() {
        var bytes = line.toByteArray();
        line.reset();
        int from = atStart && startsWithByteOrderMark(bytes) ? 3 : 0;
        atStart = false;
        if (bytes.length == from) {
            endEvent();
        } else if (bytes[from] != ':') {
            field(bytes, from);
        }
    }

    private static boolean startsWithByteOrderMark(byte[] bytes) {
        return bytes.length >= 3
                && bytes[0] == (byte) 0xEF
                && bytes[1] == (byte) 0xBB
                && bytes[2] == (byte) 0xBF;
    }

    private void field(byte[] bytes, int from) {
        int colon = from;
        while (colon < bytes.length && bytes[colon] != ':') {
            colon++;
        }
        int value = Math.min(colon + 1, bytes.length);
        if (value < bytes.length && bytes[value] == ' ') {
            value++;
        }
        switch (new String(bytes, from, colon - from, StandardCharsets.UTF_8)) {
            case "data" -> {
                if (hasData) {
                    data.write('\n');
                }
                data.write(bytes, value, bytes.length - value);
                hasData = true;
            }
            case "event" -> type = text(bytes, value);
            case "id" ->
                    Optional.of(text(bytes, value))
                            .filter(id -> id.indexOf('\0') < 0)
                            .ifPresent(listener::id);
            case "retry" -> number(text(bytes, value)).ifPresent(listener::retry);
            default -> {} // unknown fields are ignored
        }
    }

    private static String text(byte[] bytes, int from) {
        return new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8);
    }

    private static OptionalLong number(String text) {
        boolean digits =
                !text.isEmpty()
                        && text.length() < 10
                        && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
    }

    private void endEvent() {
        if (hasData) {
            listener.event(type.isEmpty() ? "message" : type, data.toByteArray());
        }
        data.reset();
        hasData = false;
        type = "";
    }
}
