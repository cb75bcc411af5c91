package dev.heddle.protocol;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * One JSON-RPC message as its bytes, with the few values located that a gateway has to read.
 *
 * <p>The whole text has been checked against RFC 8259 when an envelope exists, each value that the
 * gateway reads occurs once, and everything else is left alone. Immutable, and so safe for
 * concurrent use.
 */
public final class Envelope {

    /** What a message is (JSON-RPC 2.0). */
    public enum Kind {
        REQUEST,
        NOTIFICATION,
        RESPONSE
    }

    /** A value that the gateway reads, and the key that it has in its object. */
    static final class Field {
        static final Field JSONRPC = new Field(0, "jsonrpc");
        static final Field ID = new Field(1, "id");
        static final Field METHOD = new Field(2, "method");
        static final Field PARAMS = new Field(3, "params");
        static final Field RESULT = new Field(4, "result");
        static final Field ERROR = new Field(5, "error");
        static final Field NAME = new Field(6, "name");
        static final Field URI = new Field(7, "uri");
        static final Field META = new Field(8, "_meta");
        static final Field CURSOR = new Field(9, "cursor");
        static final Field LEVEL = new Field(10, "level");
        static final Field REF = new Field(11, "ref");
        static final Field REQUEST_ID = new Field(12, "requestId");
        static final Field PROGRESS = new Field(13, "progressToken");
        static final Field TOKEN = new Field(14, "progressToken");
        static final Field ARGUMENTS = new Field(15, "arguments");
        static final int COUNT = 16;

        private final int slot;
        private final byte[] key;

        private Field(int index, String key) {
            this.slot = 2 * index;
            this.key = key.getBytes(StandardCharsets.US_ASCII);
        }

        boolean is(byte[] bytes, int start, int end) {
            return Arrays.equals(key, 0, key.length, bytes, start, end);
        }

        /** Whether the text, which is as long, is the key in upper or lower case or both. */
        boolean isVariant(byte[] bytes, int start) {
            for (int i = 0; i < key.length; i++) {
                if (Character.toLowerCase(bytes[start + i]) != Character.toLowerCase(key[i])) {
                    return false;
                }
            }
            return true;
        }
    }

    private static final Field[] TOP = {
        Field.JSONRPC, Field.ID, Field.METHOD, Field.PARAMS, Field.RESULT, Field.ERROR
    };
    private static final Field[] PARAMS = {
        Field.NAME,
        Field.URI,
        Field.META,
        Field.CURSOR,
        Field.LEVEL,
        Field.REF,
        Field.REQUEST_ID,
        Field.PROGRESS,
        Field.ARGUMENTS
    };
    private static final Field[] META = {Field.TOKEN};

    private final byte[] bytes;
    private final int[] ranges = new int[2 * Field.COUNT];
    private final boolean lineBreaks;
    private int variants;
    private final Kind kind;
    private final String method;

    private Envelope(byte[] bytes) {
        this.bytes = bytes;
        var scanner = new JsonScanner(bytes, 0, bytes.length);
        scanObject(scanner, TOP);
        scanner.expectEnd();
        if (variants != 0) {
            refuseVariants();
        }
        this.lineBreaks = scanner.lineBreaks();
        this.kind = kindOf();
        this.method = kind == Kind.RESPONSE ? "" : string(Field.METHOD);
    }

    /**
     * The message that {@code bytes} holds, which the caller must not change afterwards.
     *
     * @throws Malformed if it is not one JSON-RPC 2.0 message
     */
    public static Envelope parse(byte[] bytes) {
        try {
            var scanner = new JsonScanner(bytes, 0, bytes.length);
            scanner.skipWhitespace();
            if (scanner.peek() == '[') {
                Json.parse(bytes);
                throw invalid(
                        "found a JSON array (expected: one JSON-RPC message; batches are not"
                                + " supported)");
            } else if (scanner.peek() != '{') {
                Json.parse(bytes);
                throw invalid("found no JSON object (expected: one JSON-RPC message)");
            }
            return new Envelope(bytes);
        } catch (MalformedJson e) {
            if (e.isEncoding()) {
                throw invalid("found " + e.getMessage());
            }
            throw new Malformed(ErrorCode.PARSE_ERROR, "Parse error: " + e.getMessage(), Json.NULL);
        }
    }

    private static Malformed invalid(String message) {
        return new Malformed(ErrorCode.INVALID_REQUEST, "Invalid Request: " + message, Json.NULL);
    }

    private void scanObject(JsonScanner scanner, Field[] fields) {
        scanner.skipWhitespace();
        scanner.expect('{');
        scanner.skipWhitespace();
        if (scanner.accept('}')) {
            return;
        }
        do {
            scanner.skipWhitespace();
            var field = scanKey(scanner, fields);
            scanner.skipWhitespace();
            scanner.expect(':');
            scanner.skipWhitespace();
            scanValue(scanner, field);
            scanner.skipWhitespace();
        } while (scanner.accept(','));
        scanner.expect('}');
    }

    private @Nullable Field scanKey(JsonScanner scanner, Field[] fields) {
        int start = scanner.position();
        boolean escaped = scanner.skipString();
        int end = scanner.position();
        if (escaped) {
            var key = JsonScanner.decode(bytes, start, end).getBytes(StandardCharsets.UTF_8);
            return find(fields, key, 0, key.length);
        }
        return find(fields, bytes, start + 1, end - 1);
    }

    /**
     * A key that differs from a field's in case only is noted: some readers take it for the same.
     */
    private @Nullable Field find(Field[] fields, byte[] text, int start, int end) {
        for (var field : fields) {
            if (field.key.length != end - start) {
                continue;
            }
            if (field.is(text, start, end)) {
                return field;
            } else if (field.isVariant(text, start)) {
                variants |= 1 << (field.slot / 2);
            }
        }
        return null;
    }

    private void refuseVariants() {
        for (var fields : new Field[][] {TOP, PARAMS, META}) {
            for (var field : fields) {
                if (has(field) && (variants & 1 << (field.slot / 2)) != 0) {
                    throw invalid(
                            "found the key \""
                                    + new String(field.key, StandardCharsets.US_ASCII)
                                    + "\" twice, in two spellings (expected: once)");
                }
            }
        }
    }

    private void scanValue(JsonScanner scanner, @Nullable Field field) {
        int start = scanner.position();
        if (field == Field.PARAMS && scanner.peek() == '{') {
            scanObject(scanner, PARAMS);
        } else if (field == Field.META && scanner.peek() == '{') {
            scanObject(scanner, META);
        } else {
            scanner.skipValue();
        }
        if (field != null) {
            int slot = field.slot;
            if (ranges[slot + 1] != 0) {
                throw invalid(
                        "found the key \""
                                + new String(field.key, StandardCharsets.US_ASCII)
                                + "\" twice (expected: once)");
            }
            ranges[slot] = start;
            ranges[slot + 1] = scanner.position();
        }
    }

    private Kind kindOf() {
        var version = json(Field.JSONRPC);
        if (version == null || !version.isString() || !version.text().equals("2.0")) {
            throw refused(
                    "found "
                            + (version == null ? "no \"jsonrpc\"" : "\"jsonrpc\": " + version)
                            + " (expected: \"2.0\")");
        }
        boolean ending = has(Field.RESULT) || has(Field.ERROR);
        if (!has(Field.METHOD)) {
            return responseKind(ending);
        }
        if (ending) {
            throw refused("found \"method\" beside a result or an error (expected: one of them)");
        }
        if (!value(Field.METHOD).isString()) {
            throw refused("found a method that is not a string (expected: a string)");
        }
        if (has(Field.PARAMS) && !value(Field.PARAMS).isObject()) {
            throw refused("found params that are not an object (expected: an object)");
        }
        if (has(Field.ID) && !isId(value(Field.ID))) {
            throw invalid("found " + value(Field.ID) + " as id (expected: a string or a number)");
        }
        return has(Field.ID) ? Kind.REQUEST : Kind.NOTIFICATION;
    }

    private Kind responseKind(boolean ending) {
        if (!ending) {
            throw refused(
                    "found neither a method nor a result or an error (expected: one of them)");
        }
        if (has(Field.RESULT) && has(Field.ERROR)) {
            throw refused("found both a result and an error (expected: one of them)");
        }
        boolean anonymousError = has(Field.ERROR) && id().equals(Json.NULL);
        if (!isId(id()) && !anonymousError) {
            throw refused("found a response without a usable id (expected: a string or a number)");
        }
        return Kind.RESPONSE;
    }

    private static boolean isId(Json id) {
        return id.kind() == Json.Kind.STRING || id.kind() == Json.Kind.NUMBER;
    }

    private Malformed refused(String message) {
        var id = json(Field.ID);
        var known = id != null && isId(id) ? id : Json.NULL;
        return new Malformed(ErrorCode.INVALID_REQUEST, "Invalid Request: " + message, known);
    }

    public Kind kind() {
        return kind;
    }

    public boolean isRequest() {
        return kind == Kind.REQUEST;
    }

    public boolean isNotification() {
        return kind == Kind.NOTIFICATION;
    }

    public boolean isResponse() {
        return kind == Kind.RESPONSE;
    }

    /** The method of a request or a notification; empty for a response. */
    public String method() {
        return method;
    }

    /** The id as its sender wrote it; {@link Json#NULL} where there is none. */
    public Json id() {
        var id = json(Field.ID);
        return id == null ? Json.NULL : id;
    }

    public Optional<Json> params() {
        return Optional.ofNullable(json(Field.PARAMS));
    }

    /** The member {@code key} of {@code params}. */
    public Optional<Json> param(String key) {
        return params().flatMap(params -> params.get(key));
    }

    /** {@code params.name}, decoded; empty where it is absent or not a string. */
    public Optional<String> name() {
        return text(Field.NAME);
    }

    /** {@code params.arguments}. */
    public Optional<Json> arguments() {
        return Optional.ofNullable(json(Field.ARGUMENTS));
    }

    /** {@code params.uri}, decoded; empty where it is absent or not a string. */
    public Optional<String> uri() {
        return text(Field.URI);
    }

    /** {@code params.cursor}, decoded; empty where it is absent or not a string. */
    public Optional<String> cursor() {
        return text(Field.CURSOR);
    }

    /** {@code params.level}, decoded; empty where it is absent or not a string. */
    public Optional<String> level() {
        return text(Field.LEVEL);
    }

    /** {@code params._meta.progressToken} of a request. */
    public Optional<Json> progressToken() {
        return Optional.ofNullable(json(Field.TOKEN));
    }

    /** {@code params.progressToken} of a progress notification. */
    public Optional<Json> progress() {
        return Optional.ofNullable(json(Field.PROGRESS));
    }

    /** {@code params.requestId} of a cancellation. */
    public Optional<Json> requestId() {
        return Optional.ofNullable(json(Field.REQUEST_ID));
    }

    public Optional<Json> result() {
        return Optional.ofNullable(json(Field.RESULT));
    }

    public Optional<Json> error() {
        return Optional.ofNullable(json(Field.ERROR));
    }

    /** The error code of a response, or 0. */
    public long errorCode() {
        return error().flatMap(error -> error.get("code"))
                .map(code -> code.integer().orElse(0))
                .orElse(0L);
    }

    public int length() {
        return bytes.length;
    }

    /** Whether the text holds raw CR or LF, which must not reach a line-framed hop. */
    boolean lineBreaks() {
        return lineBreaks;
    }

    byte[] bytes() {
        return bytes;
    }

    boolean has(Field field) {
        return ranges[field.slot + 1] != 0;
    }

    int start(Field field) {
        return ranges[field.slot];
    }

    int end(Field field) {
        return ranges[field.slot + 1];
    }

    private @Nullable Json json(Field field) {
        return has(field) ? value(field) : null;
    }

    private Json value(Field field) {
        return Json.scanned(bytes, start(field), end(field));
    }

    private String string(Field field) {
        return JsonScanner.decode(bytes, start(field), end(field));
    }

    private Optional<String> text(Field field) {
        return has(field) && bytes[start(field)] == '"'
                ? Optional.of(string(field))
                : Optional.empty();
    }

    /** The JSON text. */
    @Override
    public String toString() {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
