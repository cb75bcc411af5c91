package dev.heddle.protocol;

import dev.heddle.protocol.Field.Group;

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

    private static final byte[] VERSION = "\"2.0\"".getBytes(StandardCharsets.US_ASCII);

    private final byte[] bytes;
    private final int[] ranges = new int[2 * Field.COUNT];
    private final boolean lineBreaks;
    private int variants;
    private final Kind kind;
    private final String method;

    private Envelope(byte[] bytes) {
        this.bytes = bytes;
        var scanner = new JsonScanner(bytes, 0, bytes.length);
        scanObject(scanner, Group.TOP);
        scanner.expectEnd();
        if (variants != 0) {
            refuseVariants();
        }
        this.lineBreaks = scanner.lineBreaks();
        this.kind = kindOf();
        this.method = kind == Kind.RESPONSE ? "" : methodName();
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

    private void scanObject(JsonScanner scanner, Group group) {
        scanner.skipWhitespace();
        scanner.expect('{');
        scanner.skipWhitespace();
        if (scanner.accept('}')) {
            return;
        }
        do {
            scanner.skipWhitespace();
            var field = scanKey(scanner, group);
            scanner.skipWhitespace();
            scanner.expect(':');
            scanner.skipWhitespace();
            scanValue(scanner, field);
            scanner.skipWhitespace();
        } while (scanner.accept(','));
        scanner.expect('}');
    }

    private @Nullable Field scanKey(JsonScanner scanner, Group group) {
        int start = scanner.position();
        boolean escaped = scanner.skipString();
        int end = scanner.position();
        if (escaped) {
            var key = JsonScanner.decode(bytes, start, end).getBytes(StandardCharsets.UTF_8);
            return find(group, key, 0, key.length);
        }
        return find(group, bytes, start + 1, end - 1);
    }

    /**
     * A key that differs from a field's in case only is noted: some readers take it for the same.
     */
    private @Nullable Field find(Group group, byte[] text, int start, int end) {
        var field = group.find(text, start, end);
        var variant = field == null ? group.findVariant(text, start, end) : null;
        variants |= variant == null ? 0 : variant.bit();
        return field;
    }

    private void refuseVariants() {
        for (var field : Field.values()) {
            if (has(field) && (variants & field.bit()) != 0) {
                throw invalid(
                        "found the key \""
                                + field.key()
                                + "\" twice, in two spellings (expected: once)");
            }
        }
    }

    private void scanValue(JsonScanner scanner, @Nullable Field field) {
        int start = scanner.position();
        if (field == Field.PARAMS && scanner.peek() == '{') {
            scanObject(scanner, Group.IN_PARAMS);
        } else if (field == Field.META && scanner.peek() == '{') {
            scanObject(scanner, Group.IN_META);
        } else {
            scanner.skipValue();
        }
        if (field != null) {
            int slot = field.slot();
            if (ranges[slot + 1] != 0) {
                throw invalid("found the key \"" + field.key() + "\" twice (expected: once)");
            }
            ranges[slot] = start;
            ranges[slot + 1] = scanner.position();
        }
    }

    private Kind kindOf() {
        var version = json(Field.JSONRPC);
        if (version == null || !isVersion(version)) {
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

    private boolean isVersion(Json version) {
        int start = start(Field.JSONRPC);
        int end = end(Field.JSONRPC);
        return Arrays.equals(bytes, start, end, VERSION, 0, VERSION.length)
                || (version.isString() && version.text().equals("2.0"));
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

    /** {@code params.task}, by which a call asks to be done as a task (MCP 2025-11-25, Tasks). */
    public Optional<Json> task() {
        return Optional.ofNullable(json(Field.TASK));
    }

    /** {@code params._meta}. */
    public Optional<Json> meta() {
        return Optional.ofNullable(json(Field.META));
    }

    /**
     * The revision that a request names for itself, which only one without sessions does (MCP
     * 2026-07-28, Per-request metadata).
     */
    public Optional<Json> protocolVersion() {
        return Optional.ofNullable(json(Field.VERSION));
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
        return ranges[field.slot() + 1] != 0;
    }

    int start(Field field) {
        return ranges[field.slot()];
    }

    int end(Field field) {
        return ranges[field.slot() + 1];
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

    private String methodName() {
        int start = start(Field.METHOD);
        int end = end(Field.METHOD);
        var known = Method.known(bytes, start + 1, end - 1);
        return known == null ? JsonScanner.decode(bytes, start, end) : known;
    }

    Optional<String> text(Field field) {
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
