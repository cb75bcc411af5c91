package dev.heddle.protocol;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;

/**
 * A strict walk over the UTF-8 bytes of one JSON object that come in pieces, cut anywhere. Checks
 * what {@link JsonScanner} checks. Confined to one thread.
 */
final class JsonStepper {

    /**
     * Hears of the members of the outermost object. Positions are in the piece that is being walked
     * over; an end is behind the last byte.
     */
    interface Members {
        void keyBegins(int at);

        void keyEnds(int at);

        void valueBegins(int at);

        void valueEnds(int at);
    }

    private enum State {
        BEGIN,
        VALUE,
        FIRST_ELEMENT,
        FIRST_KEY,
        KEY,
        COLON,
        BEHIND_VALUE,
        STRING,
        ESCAPE,
        HEX,
        MULTIBYTE,
        LITERAL,
        NUMBER,
        OVER
    }

    /** Where in a number the cursor is. */
    private enum Digits {
        SIGN(false),
        ZERO(true),
        INTEGER(true),
        POINT(false),
        FRACTION(true),
        LETTER(false),
        EXPONENT_SIGN(false),
        EXPONENT(true);

        private final boolean complete;

        Digits(boolean complete) {
            this.complete = complete;
        }
    }

    private static final byte[] TRUE = "true".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] FALSE = "false".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] NULL = "null".getBytes(StandardCharsets.US_ASCII);

    private final Members members;
    private final BitSet objects = new BitSet(); // which of the open values are objects
    private int depth;
    private State state = State.BEGIN;
    private boolean inKey;
    private byte[] literal = NULL;
    private Digits digits = Digits.SIGN;
    private int missing; // how many bytes of a character or a literal
    private int least; // that the next byte of a character may be
    private int most;
    private long passed; // bytes in earlier pieces
    private long base; // where in the text the piece begins to count from

    JsonStepper(Members members) {
        this.members = members;
    }

    /** Whether the object is complete. */
    boolean isOver() {
        return state == State.OVER;
    }

    /**
     * Takes the bytes in {@code [from, to)}.
     *
     * @throws MalformedJson if they are not legal where they stand
     */
    void step(byte[] bytes, int from, int to) {
        base = passed - from;
        int at = from;
        while (at < to) {
            at = next(bytes, at, to);
        }
        passed += to - from;
    }

    private int next(byte[] bytes, int at, int to) {
        byte b = bytes[at];
        return switch (state) {
            case STRING -> string(bytes, at, to);
            case ESCAPE -> escape(b, at);
            case HEX -> hex(b, at);
            case MULTIBYTE -> multibyte(b, at);
            case LITERAL -> literal(b, at);
            case NUMBER -> number(b, at);
            case BEGIN, VALUE, FIRST_ELEMENT, FIRST_KEY, KEY, COLON, BEHIND_VALUE, OVER -> {
                if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
                    between(b, at);
                }
                yield at + 1;
            }
        };
    }

    /** A byte between two tokens, or the first of one. */
    private void between(byte b, int at) {
        switch (state) {
            case BEGIN -> {
                require(b == '{', b, at, "a JSON object");
                open(true);
            }
            case FIRST_ELEMENT -> {
                if (b == ']') {
                    close(at);
                } else {
                    beginValue(b, at);
                }
            }
            case FIRST_KEY -> {
                if (b == '}') {
                    close(at);
                } else {
                    beginKey(b, at);
                }
            }
            case KEY -> beginKey(b, at);
            case COLON -> {
                require(b == ':', b, at, "':'");
                state = State.VALUE;
            }
            case BEHIND_VALUE -> behindValue(b, at);
            case OVER -> throw JsonScanner.unexpected(b, base + at, "the end of the text");
            default -> beginValue(b, at);
        }
    }

    private void require(boolean legal, byte found, int at, String expected) {
        if (!legal) {
            throw JsonScanner.unexpected(found, base + at, expected);
        }
    }

    private void open(boolean object) {
        if (depth > JsonScanner.MAX_DEPTH) { // the outermost object is not counted
            throw JsonScanner.tooDeep();
        }
        objects.set(depth, object);
        depth++;
        state = object ? State.FIRST_KEY : State.FIRST_ELEMENT;
    }

    private void close(int at) {
        depth--;
        endValue(at + 1);
    }

    private void endValue(int end) {
        state = depth == 0 ? State.OVER : State.BEHIND_VALUE;
        if (depth == 1) {
            members.valueEnds(end);
        }
    }

    private boolean inObject() {
        return objects.get(depth - 1);
    }

    private void beginKey(byte b, int at) {
        require(b == '"', b, at, "a key in double quotes");
        inKey = true;
        state = State.STRING;
        if (depth == 1) {
            members.keyBegins(at);
        }
    }

    private void behindValue(byte b, int at) {
        boolean object = inObject();
        if (b == ',') {
            state = object ? State.KEY : State.VALUE;
        } else {
            require(b == (object ? '}' : ']'), b, at, "','");
            close(at);
        }
    }

    private void beginValue(byte b, int at) {
        if (depth == 1) {
            members.valueBegins(at);
        }
        switch (b) {
            case '{' -> open(true);
            case '[' -> open(false);
            case '"' -> {
                inKey = false;
                state = State.STRING;
            }
            case 't' -> beginLiteral(TRUE);
            case 'f' -> beginLiteral(FALSE);
            case 'n' -> beginLiteral(NULL);
            default -> {
                require(b == '-' || isDigit(b), b, at, "a JSON value");
                digits = b == '-' ? Digits.SIGN : b == '0' ? Digits.ZERO : Digits.INTEGER;
                state = State.NUMBER;
            }
        }
    }

    private void beginLiteral(byte[] text) {
        literal = text;
        missing = text.length - 1;
        state = State.LITERAL;
    }

    private int literal(byte b, int at) {
        require(
                b == literal[literal.length - missing],
                b,
                at,
                "'" + new String(literal, StandardCharsets.US_ASCII) + "'");
        missing--;
        if (missing == 0) {
            endValue(at + 1);
        }
        return at + 1;
    }

    private static boolean isDigit(byte b) {
        return b >= '0' && b <= '9';
    }

    private int number(byte b, int at) {
        boolean exponent = b == 'e' || b == 'E';
        boolean sign = b == '+' || b == '-';
        var next =
                switch (digits) {
                    case SIGN -> b == '0' ? Digits.ZERO : isDigit(b) ? Digits.INTEGER : null;
                    case ZERO -> b == '.' ? Digits.POINT : exponent ? Digits.LETTER : null;
                    case INTEGER ->
                            isDigit(b)
                                    ? Digits.INTEGER
                                    : b == '.' ? Digits.POINT : exponent ? Digits.LETTER : null;
                    case POINT -> isDigit(b) ? Digits.FRACTION : null;
                    case FRACTION -> isDigit(b) ? Digits.FRACTION : exponent ? Digits.LETTER : null;
                    case LETTER ->
                            sign ? Digits.EXPONENT_SIGN : isDigit(b) ? Digits.EXPONENT : null;
                    case EXPONENT_SIGN, EXPONENT -> isDigit(b) ? Digits.EXPONENT : null;
                };
        if (next != null) {
            digits = next;
            return at + 1;
        }
        require(digits.complete, b, at, "a digit");
        endValue(at);
        return at;
    }

    private int string(byte[] bytes, int start, int to) {
        int at = JsonScanner.behindPlain(bytes, start, to);
        if (at == to) {
            return at;
        }
        byte b = bytes[at];
        if (b == '"') {
            endString(at + 1);
        } else if (b == '\\') {
            state = State.ESCAPE;
        } else if (b < 0) {
            beginMultibyte(b & 0xFF, at);
        } else {
            require(b >= ' ', b, at, "no raw control character in a string");
        }
        return at + 1;
    }

    private void endString(int end) {
        if (!inKey) {
            endValue(end);
            return;
        }
        state = State.COLON;
        if (depth == 1) {
            members.keyEnds(end);
        }
    }

    private int escape(byte b, int at) {
        switch (b) {
            case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> state = State.STRING;
            case 'u' -> {
                missing = 4;
                state = State.HEX;
            }
            default -> throw JsonScanner.unexpected(b, base + at, "an escape character");
        }
        return at + 1;
    }

    private int hex(byte b, int at) {
        require(Character.digit(b, 16) >= 0, b, at, "a hexadecimal digit");
        missing--;
        state = missing == 0 ? State.STRING : State.HEX;
        return at + 1;
    }

    private void beginMultibyte(int lead, int at) {
        if (lead < 0xC2 || lead > 0xF4) {
            throw JsonScanner.notUtf8(base + at);
        }
        missing = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
        least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
        most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
        state = State.MULTIBYTE;
    }

    private int multibyte(byte b, int at) {
        int unsigned = b & 0xFF;
        if (unsigned < least || unsigned > most) {
            throw JsonScanner.notUtf8(base + at);
        }
        least = 0x80;
        most = 0xBF;
        missing--;
        state = missing == 0 ? State.STRING : State.MULTIBYTE;
        return at + 1;
    }
}
