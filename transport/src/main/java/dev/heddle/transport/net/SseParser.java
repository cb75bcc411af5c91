package dev.heddle.transport.net;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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

        /**
         * A message has become too large to be held; its data begin with {@code beginning}. Returns
         * whether the rest is to come in parts, in place of {@link #event}; if not, that is asked
         * again when there is twice as much.
         */
        default boolean flow(byte[] beginning) {
            return false;
        }

        /** The next bytes of such data, in {@code [from, to)}, good for the time of the call. */
        default void part(byte[] bytes, int from, int to) {}

        /** Such data are complete. */
        default void endOfFlow() {}

        /**
         * The stream names its position behind the event that comes next, which is whole; empty
         * text takes the name back.
         */
        void id(String id);

        /** How long to wait before connecting anew, in milliseconds. */
        void retry(long millis);
    }

    /** From how many bytes on a message is too large to be held if it need not be. */
    public static final int FLOW_FROM = 256 * 1024;

    private static final byte[] LINE_END = {'\n'};
    private static final byte[] DATA = ascii("data");
    private static final byte[] EVENT = ascii("event");
    private static final byte[] ID = ascii("id");
    private static final byte[] RETRY = ascii("retry");
    private static final byte[] MESSAGE = ascii("message");

    private final Listener listener;
    private final int maxEvent;
    private final GrowingBytes line = new GrowingBytes(); // that has no end yet
    private final GrowingBytes data = new GrowingBytes(); // of the event so far
    private String type = "";
    private Optional<String> id = Optional.empty(); // which is good when the event is whole
    private boolean hasData;
    private int flowFrom = FLOW_FROM; // when the event is offered as a flow next
    private boolean flowing; // whether its data go on as they come
    private boolean inFlowingLine;
    private boolean afterCarriageReturn;
    private boolean atStart = true;

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

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
                endLine(bytes, from, at);
            }
            afterCarriageReturn = b == '\r';
            from = at + 1;
        }
        if (from < end) {
            afterCarriageReturn = false;
            if (inFlowingLine) {
                listener.part(bytes, from, end);
            } else {
                append(line, bytes, from, end);
                flowIfLarge();
            }
        }
    }

    private void flowIfLarge() {
        int length = line.length() + data.length();
        if (length <= flowFrom) {
            return;
        }
        var begun = line.take();
        boolean isData = isData(begun);
        if (isData || begun.length > FLOW_FROM) {
            flowFrom = 2 * length;
        }
        if (isData && (type.isEmpty() || type.equals("message"))) {
            flowing = listener.flow(joined(begun));
            inFlowingLine = flowing;
        }
        if (flowing) {
            data.take();
        } else {
            line.append(begun, 0, begun.length);
        }
    }

    private static boolean isData(byte[] line) {
        return line.length > DATA.length
                && line[DATA.length] == ':'
                && Arrays.equals(line, 0, DATA.length, DATA, 0, DATA.length);
    }

    /** The data of the lines before, and of one that has only begun. */
    private byte[] joined(byte[] begun) {
        var before = data.copy();
        int value = valueAt(begun, DATA.length, begun.length);
        var all = new GrowingBytes();
        all.append(before, 0, before.length);
        all.append(LINE_END, 0, hasData ? 1 : 0);
        all.append(begun, value, begun.length);
        return all.take();
    }

    /** Where the value of a field is whose name ends at {@code colon}. */
    private static int valueAt(byte[] bytes, int colon, int to) {
        int value = Math.min(colon + 1, to);
        return value < to && bytes[value] == ' ' ? value + 1 : value;
    }

    private void append(GrowingBytes to, byte[] bytes, int from, int end) {
        if ((long) line.length() + data.length() + end - from > maxEvent) {
            throw new IllegalStateException(
                    "server-sent event is too large (expected: at most " + maxEvent + " bytes)");
        }
        to.append(bytes, from, end);
    }

    private void endLine(byte[] bytes, int from, int to) {
        if (inFlowingLine) {
            listener.part(bytes, from, to);
            inFlowingLine = false;
        } else if (line.length() > 0) {
            append(line, bytes, from, to);
            var whole = line.take();
            take(whole, 0, whole.length);
        } else {
            take(bytes, from, to);
        }
    }

    private void take(byte[] bytes, int start, int to) {
        int from = atStart && startsWithByteOrderMark(bytes, start, to) ? start + 3 : start;
        atStart = false;
        if (from == to) {
            endEvent();
        } else if (bytes[from] != ':') {
            field(bytes, from, to);
        }
    }

    private static boolean startsWithByteOrderMark(byte[] bytes, int from, int to) {
        return to - from >= 3
                && bytes[from] == (byte) 0xEF
                && bytes[from + 1] == (byte) 0xBB
                && bytes[from + 2] == (byte) 0xBF;
    }

    private void field(byte[] bytes, int from, int to) {
        int colon = from;
        while (colon < to && bytes[colon] != ':') {
            colon++;
        }
        int value = valueAt(bytes, colon, to);
        if (is(DATA, bytes, from, colon)) {
            takeData(bytes, value, to);
        } else if (is(EVENT, bytes, from, colon)) {
            type = is(MESSAGE, bytes, value, to) ? "message" : text(bytes, value, to);
        } else if (is(ID, bytes, from, colon)) {
            id =
                    Optional.of(text(bytes, value, to))
                            .filter(name -> name.indexOf('\0') < 0)
                            .or(() -> id);
        } else if (is(RETRY, bytes, from, colon)) {
            number(text(bytes, value, to)).ifPresent(listener::retry);
        } // unknown fields are ignored
    }

    private void takeData(byte[] bytes, int from, int to) {
        if (flowing) {
            listener.part(LINE_END, 0, 1);
            listener.part(bytes, from, to);
            return;
        }
        if (hasData) {
            append(data, LINE_END, 0, 1);
        }
        append(data, bytes, from, to);
        hasData = true;
    }

    private static boolean is(byte[] text, byte[] bytes, int from, int to) {
        return Arrays.equals(text, 0, text.length, bytes, from, to);
    }

    private static String text(byte[] bytes, int from, int to) {
        return new String(bytes, from, to - from, StandardCharsets.UTF_8);
    }

    private static OptionalLong number(String text) {
        boolean digits =
                !text.isEmpty()
                        && text.length() < 10
                        && text.chars().allMatch(c -> c >= '0' && c <= '9');
        return digits ? OptionalLong.of(Long.parseLong(text)) : OptionalLong.empty();
    }

    private void endEvent() {
        var event = data.take();
        boolean complete = hasData;
        var kind = type.isEmpty() ? "message" : type;
        boolean flowed = flowing;
        hasData = false;
        flowFrom = FLOW_FROM;
        flowing = false;
        type = "";
        id.ifPresent(listener::id);
        id = Optional.empty();
        if (flowed) {
            listener.endOfFlow();
        } else if (complete) {
            listener.event(kind, event);
        }
    }
}
