package dev.heddle.protocol;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * One JSON value as the UTF-8 bytes it was written in.
 *
 * <p>Holding a {@code Json} is the proof that its bytes are well-formed; views decode lazily and
 * change nothing. Reading a key that an object holds twice fails, since two readers could disagree
 * about it. Immutable, and so safe for concurrent use.
 */
public final class Json {
    public static final Json NULL = parse("null");
    public static final Json TRUE = parse("true");
    public static final Json FALSE = parse("false");
    public static final Json EMPTY_OBJECT = parse("{}");
    public static final Json EMPTY_ARRAY = parse("[]");

    /** What a value is. */
    public enum Kind {
        OBJECT,
        ARRAY,
        STRING,
        NUMBER,
        BOOLEAN,
        NULL
    }

    /** Numbers with so many digits fit into 64 bits. */
    private static final int SAFE_DIGITS = 18;

    private final byte[] bytes;
    private final int start;
    private final int end;

    private Json(byte[] bytes, int start, int end) {
        this.bytes = bytes;
        this.start = start;
        this.end = end;
    }

    /** The value that {@code utf8} holds, which the caller must not change afterwards. */
    public static Json parse(byte[] utf8) {
        var scanner = new JsonScanner(utf8, 0, utf8.length);
        scanner.skipWhitespace();
        int start = scanner.position();
        scanner.skipValue();
        int end = scanner.position();
        scanner.expectEnd();
        return new Json(utf8, start, end);
    }

    public static Json parse(String text) {
        return parse(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A range of {@code bytes} that a scanner has already walked. */
    static Json scanned(byte[] bytes, int start, int end) {
        return new Json(bytes, start, end);
    }

    public static Json of(String text) {
        return scannedWhole(JsonText.quote(text));
    }

    public static Json of(long number) {
        return scannedWhole(Long.toString(number).getBytes(StandardCharsets.US_ASCII));
    }

    public static Json of(boolean truth) {
        return truth ? TRUE : FALSE;
    }

    public static Json array(List<Json> elements) {
        var text = new JsonText().open('[');
        elements.forEach(text::element);
        return scannedWhole(text.close(']').bytes());
    }

    /** An object with the members that {@code content} adds, in that order. */
    public static Json object(Consumer<Members> content) {
        var members = new Members();
        content.accept(members);
        return scannedWhole(members.text.close('}').bytes());
    }

    private static Json scannedWhole(byte[] bytes) {
        return new Json(bytes, 0, bytes.length);
    }

    /** The members of an object that is being written. Each key is to be added once. */
    public static final class Members {
        private final JsonText text = new JsonText().open('{');

        private Members() {}

        public Members put(String key, Json value) {
            text.member(key, value);
            return this;
        }

        public Members put(String key, String value) {
            return put(key, Json.of(value));
        }

        public Members put(String key, long value) {
            return put(key, Json.of(value));
        }

        public Members put(String key, boolean value) {
            return put(key, Json.of(value));
        }

        /** Adds the member only if there is a value. */
        public Members put(String key, Optional<Json> value) {
            value.ifPresent(present -> put(key, present));
            return this;
        }
    }

    public Kind kind() {
        return switch (bytes[start]) {
            case '{' -> Kind.OBJECT;
            case '[' -> Kind.ARRAY;
            case '"' -> Kind.STRING;
            case 't', 'f' -> Kind.BOOLEAN;
            case 'n' -> Kind.NULL;
            default -> Kind.NUMBER;
        };
    }

    public boolean isObject() {
        return kind() == Kind.OBJECT;
    }

    public boolean isArray() {
        return kind() == Kind.ARRAY;
    }

    public boolean isString() {
        return kind() == Kind.STRING;
    }

    /** The member called {@code key}, or empty if this is not an object or has none. */
    public Optional<Json> get(String key) {
        if (!isObject()) {
            return Optional.empty();
        }
        var walk = new JsonMembers(bytes, start, end);
        Json found = null;
        while (walk.next()) {
            if (walk.keyIs(key)) {
                if (found != null) {
                    throw duplicate(key);
                }
                found = walk.value();
            }
        }
        return Optional.ofNullable(found);
    }

    /**
     * The text of the member called {@code key}, or empty if there is none or it is not a string.
     */
    public Optional<String> text(String key) {
        return get(key).filter(Json::isString).map(Json::text);
    }

    /** The members in the order in which they were written. Empty if this is not an object. */
    public Map<String, Json> members() {
        var members = new LinkedHashMap<String, Json>();
        if (isObject()) {
            var walk = new JsonMembers(bytes, start, end);
            while (walk.next()) {
                var key = walk.key();
                if (members.put(key, walk.value()) != null) {
                    throw duplicate(key);
                }
            }
        }
        return members;
    }

    /** This object without its member {@code key}; all other members stay as they are. */
    public Json without(String key) {
        if (get(key).isEmpty()) {
            return this;
        }
        return object(
                left ->
                        members()
                                .forEach(
                                        (name, value) -> {
                                            if (!name.equals(key)) {
                                                left.put(name, value);
                                            }
                                        }));
    }

    /** Whether {@code ascii} occurs in the text, as a key, in a value or wherever. */
    public boolean contains(String ascii) {
        var wanted = ascii.getBytes(StandardCharsets.US_ASCII);
        for (int at = start; at + wanted.length <= end; at++) {
            if (Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) {
                return true;
            }
        }
        return false;
    }

    /** The elements in order. Empty if this is not an array. */
    public List<Json> elements() {
        if (!isArray()) {
            return List.of();
        }
        var elements = new ArrayList<Json>();
        var scanner = new JsonScanner(bytes, start + 1, end);
        scanner.skipWhitespace();
        while (!scanner.accept(']')) {
            int from = scanner.position();
            scanner.skipValue();
            elements.add(scanned(bytes, from, scanner.position()));
            scanner.skipWhitespace();
            if (scanner.accept(',')) {
                scanner.skipWhitespace();
            }
        }
        return elements;
    }

    /** The decoded text of a string. */
    public String text() {
        if (!isString()) {
            throw new MalformedJson("found " + brief() + " (expected: a string)");
        }
        return JsonScanner.decode(bytes, start, end);
    }

    /** The value of a number that is written as an integer and fits, else empty. */
    public OptionalLong integer() {
        if (kind() != Kind.NUMBER || end - start > 20) {
            return OptionalLong.empty();
        }
        if (end - start <= SAFE_DIGITS && bytes[start] != '-') {
            return natural();
        }
        try {
            return OptionalLong.of(Long.parseLong(toString()));
        } catch (NumberFormatException notAnInteger) {
            return OptionalLong.empty();
        }
    }

    private OptionalLong natural() {
        long value = 0;
        for (int i = start; i < end; i++) {
            if (bytes[i] < '0' || bytes[i] > '9') {
                return OptionalLong.empty();
            }
            value = 10 * value + bytes[i] - '0';
        }
        return OptionalLong.of(value);
    }

    public boolean isTrue() {
        return bytes[start] == 't';
    }

    /**
     * This object with {@code value} as its member {@code key}: in the place of the old one, or
     * behind the last one. All other bytes stay as they are.
     *
     * @throws MalformedJson if the object has that key twice, since readers would disagree which
     *     one counts
     */
    public Json with(String key, Json value) {
        var walk = new JsonMembers(bytes, start, end);
        boolean empty = true;
        int from = -1;
        int to = -1;
        while (walk.next()) {
            empty = false;
            if (walk.keyIs(key)) {
                if (from >= 0) {
                    throw duplicate(key);
                }
                from = walk.valueStart();
                to = walk.valueEnd();
            }
        }
        if (from >= 0) {
            return spliced(from, to, value.bytes());
        }
        var member = new JsonText().bareMember(key, value, !empty).bytes();
        return spliced(end - 1, end - 1, member);
    }

    /**
     * This object with the members that {@code content} adds before its own, which are to have
     * other keys.
     */
    public Json withFirst(Consumer<Members> content) {
        var members = new Members();
        content.accept(members);
        var added = members.text.bytes();
        if (added.length == 1) {
            return this;
        }
        boolean empty = !new JsonMembers(bytes, start, end).next();
        var before = empty ? added : Arrays.copyOf(added, added.length + 1);
        if (!empty) {
            before[added.length] = ',';
        }
        return spliced(start, start + 1, before);
    }

    private Json spliced(int from, int to, byte[] replacement) {
        var result = new byte[from - start + replacement.length + end - to];
        System.arraycopy(bytes, start, result, 0, from - start);
        System.arraycopy(replacement, 0, result, from - start, replacement.length);
        System.arraycopy(bytes, to, result, from - start + replacement.length, end - to);
        return scannedWhole(result);
    }

    /** A copy of this value that does not keep the message alive in which it arrived. */
    public Json detached() {
        return start == 0 && end == bytes.length ? this : scannedWhole(bytes());
    }

    public int length() {
        return end - start;
    }

    /** A copy of the bytes. */
    public byte[] bytes() {
        return Arrays.copyOfRange(bytes, start, end);
    }

    public void writeTo(ByteOutput out) {
        out.write(bytes, start, end - start);
    }

    private String brief() {
        var text = toString();
        return text.length() <= 40 ? text : text.substring(0, 40) + "…";
    }

    static MalformedJson duplicate(String key) {
        return new MalformedJson(
                "found the key \"" + key + "\" twice in one object (expected: once)");
    }

    /** Byte equality: {@code 1} and {@code 1.0} differ. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Json that
                && Arrays.equals(bytes, start, end, that.bytes, that.start, that.end);
    }

    @Override
    public int hashCode() {
        int hash = 1;
        for (int i = start; i < end; i++) {
            hash = 31 * hash + bytes[i];
        }
        return hash;
    }

    /** The JSON text. */
    @Override
    public String toString() {
        return new String(bytes, start, end - start, StandardCharsets.UTF_8);
    }
}
