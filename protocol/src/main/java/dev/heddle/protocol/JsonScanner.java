package dev.heddle.protocol;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A strict, allocation-free walk over the UTF-8 bytes of one JSON text (RFC 8259).
 *
 * <p>Every byte that it passes has been checked: grammar, UTF-8, nesting depth. Confined to one
 * thread.
 */
final class JsonScanner {
    /**
     * Values may be nested this deep; more is refused, so that no reader behind the gateway can be
     * made to overflow.
     */
    static final int MAX_DEPTH = 512;

    private static final VarHandle EIGHT =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private static final long ONES = 0x0101010101010101L;
    private static final long HIGHS = 0x8080808080808080L;

    private final byte[] bytes;
    private final int end;
    private int position;
    private boolean lineBreaks;

    JsonScanner(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.position = start;
        this.end = end;
    }

    int position() {
        return position;
    }

    /** Whether a raw CR or LF, which JSON allows only as white space, has been passed. */
    boolean lineBreaks() {
        return lineBreaks;
    }

    void skipWhitespace() {
        if (position < end && bytes[position] > ' ') {
            return;
        }
        while (position < end) {
            byte b = bytes[position];
            if (b == '\n' || b == '\r') {
                lineBreaks = true;
            } else if (b != ' ' && b != '\t') {
                return;
            }
            position++;
        }
    }

    /** The byte at the cursor, without passing it. */
    int peek() {
        if (position >= end) {
            throw malformed("more input");
        }
        return bytes[position];
    }

    void expect(char wanted) {
        if (peek() != wanted) {
            throw malformed("'" + wanted + "'");
        }
        position++;
    }

    /** Passes {@code wanted} if it stands at the cursor. */
    boolean accept(char wanted) {
        if (position < end && bytes[position] == wanted) {
            position++;
            return true;
        }
        return false;
    }

    void expectEnd() {
        skipWhitespace();
        if (position < end) {
            throw malformed("the end of the text");
        }
    }

    /** Passes one value of any kind, checking all of it. */
    void skipValue() {
        skipValue(0);
    }

    private void skipValue(int depth) {
        int first = peek();
        switch (first) {
            case '{' -> skipObject(deeper(depth));
            case '[' -> skipArray(deeper(depth));
            default -> skipScalar(first);
        }
    }

    private static int deeper(int depth) {
        if (depth == MAX_DEPTH) {
            throw tooDeep();
        }
        return depth + 1;
    }

    static MalformedJson tooDeep() {
        return new MalformedJson(
                "JSON is nested too deeply (expected: at most " + MAX_DEPTH + " levels)");
    }

    private void skipObject(int depth) {
        position++;
        skipWhitespace();
        if (accept('}')) {
            return;
        }
        while (true) {
            skipKey();
            skipValue(depth);
            skipWhitespace();
            if (accept('}')) {
                return;
            }
            expect(',');
            skipWhitespace();
        }
    }

    private void skipArray(int depth) {
        position++;
        skipWhitespace();
        if (accept(']')) {
            return;
        }
        while (true) {
            skipValue(depth);
            skipWhitespace();
            if (accept(']')) {
                return;
            }
            expect(',');
            skipWhitespace();
        }
    }

    private void skipScalar(int first) {
        switch (first) {
            case '"' -> skipString();
            case 't' -> skipLiteral("true");
            case 'f' -> skipLiteral("false");
            case 'n' -> skipLiteral("null");
            default -> skipNumber();
        }
    }

    /** Passes a member's key and its colon. */
    private void skipKey() {
        if (peek() != '"') {
            throw malformed("a key in double quotes");
        }
        skipString();
        skipWhitespace();
        expect(':');
        skipWhitespace();
    }

    /** Passes a string and says whether it holds a backslash. */
    boolean skipString() {
        expect('"');
        boolean escaped = false;
        while (true) {
            skipPlain();
            int b = peek();
            position++;
            if (b == '"') {
                return escaped;
            } else if (b == '\\') {
                escaped = true;
                skipEscape();
            } else if (b < 0) {
                skipMultibyte(b & 0xFF);
            } else if (b < 0x20) {
                position--;
                throw malformed("no raw control character in a string");
            }
        }
    }

    private void skipPlain() {
        position = behindPlain(bytes, position, end);
    }

    /** Where, behind {@code from}, the eight bytes begin or the byte is that need some thought. */
    static int behindPlain(byte[] bytes, int from, int end) {
        int at = from;
        int last = end - Long.BYTES;
        while (at <= last) {
            long special = special((long) EIGHT.get(bytes, at));
            if (special != 0) {
                return at + (Long.numberOfTrailingZeros(special) >>> 3);
            }
            at += Long.BYTES;
        }
        return at;
    }

    /**
     * Marks, in the highest bit of each byte, the first one that is a quote, a backslash, a control
     * character or no ASCII. Bytes above that one may be marked wrongly.
     */
    private static long special(long eight) {
        long found = eight | below(eight, ' ');
        found |= below(eight ^ (ONES * '"'), 1);
        found |= below(eight ^ (ONES * '\\'), 1);
        return found & HIGHS;
    }

    /** Marks the bytes that are less than {@code limit}. */
    private static long below(long eight, int limit) {
        return (eight - ONES * limit) & ~eight;
    }

    private void skipEscape() {
        int b = peek();
        position++;
        switch (b) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> {}
            case 'u' -> {
                for (int i = 0; i < 4; i++) {
                    if (Character.digit(peek(), 16) < 0) {
                        throw malformed("a hexadecimal digit");
                    }
                    position++;
                }
            }
            default -> {
                position--;
                throw malformed("an escape character");
            }
        }
    }

    private void skipMultibyte(int lead) {
        int first = position < end ? bytes[position] & 0xFF : 0;
        int more;
        boolean legal;
        if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
            legal = true;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            legal = (lead != 0xE0 || first >= 0xA0) && (lead != 0xED || first <= 0x9F);
        } else {
            more = 3;
            legal =
                    lead >= 0xF0
                            && lead <= 0xF4
                            && (lead != 0xF0 || first >= 0x90)
                            && (lead != 0xF4 || first <= 0x8F);
        }
        for (int i = 0; i < more; i++) {
            legal = legal && position + i < end && (bytes[position + i] & 0xC0) == 0x80;
        }
        if (!legal) {
            throw notUtf8(position - 1);
        }
        position += more;
    }

    private void skipLiteral(String literal) {
        for (int i = 0; i < literal.length(); i++) {
            if (peek() != literal.charAt(i)) {
                throw malformed("'" + literal + "'");
            }
            position++;
        }
    }

    private void skipNumber() {
        int start = position;
        accept('-');
        if (!accept('0')) {
            skipDigits(start == position ? "a JSON value" : "a digit");
        }
        if (accept('.')) {
            skipDigits("a digit");
        }
        if (accept('e') || accept('E')) {
            if (!accept('+')) {
                accept('-');
            }
            skipDigits("a digit");
        }
    }

    private void skipDigits(String expected) {
        int start = position;
        while (position < end && bytes[position] >= '0' && bytes[position] <= '9') {
            position++;
        }
        if (position == start) {
            throw malformed(expected);
        }
    }

    MalformedJson malformed(String expected) {
        if (position >= end) {
            return new MalformedJson(
                    "JSON ends at byte " + position + " (expected: " + expected + ")");
        }
        return unexpected(bytes[position], position, expected);
    }

    static MalformedJson unexpected(byte found, long at, String expected) {
        return new MalformedJson(
                "found "
                        + describe(found & 0xFF)
                        + " at byte "
                        + at
                        + " (expected: "
                        + expected
                        + ")");
    }

    static MalformedJson notUtf8(long at) {
        return new MalformedJson("invalid UTF-8 at byte " + at, true);
    }

    private static String describe(int b) {
        return b > 0x20 && b < 0x7F ? "'" + (char) b + "'" : "byte 0x%02x".formatted(b);
    }

    /** The text of the string token in {@code [start, end)}, quotes included. */
    static String decode(byte[] bytes, int start, int end) {
        var raw = new String(bytes, start + 1, end - start - 2, StandardCharsets.UTF_8);
        return raw.indexOf('\\') < 0 ? raw : unescape(raw);
    }

    private static String unescape(String raw) {
        var text = new StringBuilder(raw.length());
        for (int i = 0; i < raw.length(); i++) {
            char c = raw.charAt(i);
            if (c != '\\') {
                text.append(c);
                continue;
            }
            char kind = raw.charAt(++i);
            switch (kind) {
                case 'b' -> text.append('\b');
                case 'f' -> text.append('\f');
                case 'n' -> text.append('\n');
                case 'r' -> text.append('\r');
                case 't' -> text.append('\t');
                case 'u' -> {
                    text.append((char) Integer.parseInt(raw, i + 1, i + 5, 16));
                    i += 4;
                }
                default -> text.append(kind);
            }
        }
        return text.toString();
    }
}
