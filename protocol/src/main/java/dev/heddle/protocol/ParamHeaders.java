package dev.heddle.protocol;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Which arguments of a tool travel in headers too, since its schema marks them (MCP 2026-07-28,
 * Streamable HTTP, Custom headers). Immutable.
 */
public final class ParamHeaders {
    /** Every such header begins so. */
    public static final String PREFIX = "Mcp-Param-";

    /** What marks a property of a schema. */
    private static final String MARK = "x-mcp-header";

    /** Those of a tool that marks nothing. */
    public static final ParamHeaders NONE = new ParamHeaders(List.of());

    private static final Set<String> TYPES = Set.of("string", "integer", "boolean");
    private static final Set<String> MAPS =
            Set.of("patternProperties", "$defs", "definitions", "dependentSchemas");
    private static final Set<String> VALUES = Set.of("default", "const", "enum", "examples");
    private static final int DEEPEST = 64;

    /** A marked property: the keys that lead to it, and its header's name. */
    private record Param(List<String> path, String header) {}

    private final List<Param> params;

    private ParamHeaders(List<Param> params) {
        this.params = List.copyOf(params);
    }

    /**
     * The headers of a tool as its server lists it.
     *
     * @throws MalformedJson if it marks what cannot be mirrored; such a tool is to be left out
     */
    public static ParamHeaders of(Json tool) {
        if (!tool.contains(MARK)) {
            return NONE;
        }
        var found = new ArrayList<Param>();
        tool.get("inputSchema").ifPresent(schema -> collect(schema, List.of(), true, found));
        var names = new HashSet<String>();
        for (var param : found) {
            if (!names.add(param.header().toLowerCase(Locale.ROOT))) {
                throw new MalformedJson(
                        "found the header " + param.header() + " twice (expected: once)");
            }
        }
        return found.isEmpty() ? NONE : new ParamHeaders(found);
    }

    private static void collect(
            Json schema, List<String> path, boolean reachable, List<Param> found) {
        if (path.size() > DEEPEST) {
            throw new MalformedJson(
                    "found a schema deeper than " + DEEPEST + " (expected: a flatter one)");
        }
        for (var member : schema.members().entrySet()) {
            var key = member.getKey();
            var value = member.getValue();
            if (key.equals(MARK)) {
                found.add(param(schema, path, reachable, value));
            } else if (key.equals("properties")) {
                value.members()
                        .forEach((name, one) -> collect(one, with(path, name), reachable, found));
            } else if (MAPS.contains(key)) {
                value.members()
                        .forEach((name, one) -> collect(one, with(path, name), false, found));
            } else if (!VALUES.contains(key)) {
                collect(value, with(path, key), false, found);
                value.elements().forEach(one -> collect(one, with(path, key), false, found));
            }
        }
    }

    private static Param param(Json schema, List<String> path, boolean reachable, Json mark) {
        if (!reachable || path.isEmpty()) {
            throw new MalformedJson(
                    "found "
                            + MARK
                            + " at "
                            + path
                            + " (expected: only on what is reached by properties alone)");
        }
        var type = schema.text("type").orElse("");
        if (!TYPES.contains(type)) {
            throw new MalformedJson(
                    "found "
                            + MARK
                            + " on type '"
                            + type
                            + "' (expected: string, integer or boolean)");
        }
        if (!mark.isString() || !isToken(mark.text())) {
            throw new MalformedJson(
                    "found " + MARK + ": " + mark + " (expected: the name of a header)");
        }
        return new Param(path, PREFIX + mark.text());
    }

    private static List<String> with(List<String> path, String key) {
        var longer = new ArrayList<>(path);
        longer.add(key);
        return List.copyOf(longer);
    }

    private static boolean isToken(String text) {
        return !text.isEmpty()
                && text.chars()
                        .allMatch(
                                c ->
                                        (c >= '0' && c <= '9')
                                                || (c >= 'A' && c <= 'Z')
                                                || (c >= 'a' && c <= 'z')
                                                || "!#$%&'*+-.^_`|~".indexOf(c) >= 0);
    }

    public boolean isEmpty() {
        return params.isEmpty();
    }

    /** The headers that go with a call with these {@code arguments}. */
    public Map<String, String> of(Optional<Json> arguments) {
        var headers = new LinkedHashMap<String, String>();
        for (var param : params) {
            value(param, arguments)
                    .ifPresent(text -> headers.put(param.header(), HeaderValue.encode(text)));
        }
        return headers;
    }

    /**
     * What is wrong with the headers of a call with these {@code arguments}, or empty.
     *
     * @param headers gives the value of a header, or null
     */
    public Optional<String> mismatch(
            Optional<Json> arguments, Function<String, Optional<String>> headers) {
        return params.stream()
                .flatMap(param -> mismatch(param, value(param, arguments), headers).stream())
                .findFirst();
    }

    private static Optional<String> mismatch(
            Param param, Optional<String> value, Function<String, Optional<String>> headers) {
        var given = headers.apply(param.header());
        boolean same =
                given.isPresent() == value.isPresent()
                        && (given.isEmpty() || isSame(given.get(), value.orElse("")));
        return same
                ? Optional.empty()
                : Optional.of(
                        "found "
                                + param.header()
                                + " "
                                + given.map(text -> "'" + text + "'").orElse("nowhere")
                                + " (expected: "
                                + value.map(text -> "'" + HeaderValue.encode(text) + "'")
                                        .orElse("none")
                                + ", as in the arguments)");
    }

    private static boolean isSame(String given, String value) {
        var decoded = HeaderValue.decode(given);
        return decoded.isPresent()
                && (decoded.get().equals(value) || isSameNumber(decoded.get(), value));
    }

    private static boolean isSameNumber(String one, String other) {
        try {
            return one.length() <= 40
                    && other.length() <= 40
                    && new BigDecimal(one).compareTo(new BigDecimal(other)) == 0;
        } catch (NumberFormatException noNumbers) {
            return false;
        }
    }

    /** The argument as text, or empty if there is none that can be mirrored. */
    private static Optional<String> value(Param param, Optional<Json> arguments) {
        var value = arguments;
        for (var key : param.path()) {
            value = value.flatMap(object -> object.get(key));
        }
        return value.flatMap(ParamHeaders::text);
    }

    private static Optional<String> text(Json value) {
        return switch (value.kind()) {
            case STRING -> Optional.of(value.text());
            case BOOLEAN, NUMBER -> Optional.of(value.toString());
            case NULL, OBJECT, ARRAY -> Optional.empty();
        };
    }
}
