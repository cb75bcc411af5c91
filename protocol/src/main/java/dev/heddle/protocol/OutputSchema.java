package dev.heddle.protocol;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a tool says of its structured results. Since MCP 2026-07-28 these may be any JSON; a client
 * with a session knows objects only and gets others as the member {@code result} of one.
 */
public final class OutputSchema {
    private static final String MEMBER = "outputSchema";
    private static final String RESULT = "result";
    private static final Set<String> DEFINITIONS = Set.of("$defs", "definitions");

    private OutputSchema() {}

    /** Whether results of {@code tool}, as its server lists it, may be other than objects. */
    public static boolean isOpen(Json tool) {
        return schema(tool).filter(schema -> !describesObject(schema)).isPresent();
    }

    private static Optional<Json> schema(Json tool) {
        return tool.get(MEMBER);
    }

    private static boolean describesObject(Json schema) {
        return schema.text("type").filter("object"::equals).isPresent();
    }

    /** {@code tool} as a client with a session understands it. */
    public static Json closed(Json tool) {
        if (!tool.contains(MEMBER) || !isOpen(tool)) {
            return tool;
        }
        var schema = schema(tool).orElse(Json.EMPTY_OBJECT);
        return refersElsewhere(schema) ? tool.without(MEMBER) : tool.with(MEMBER, asMember(schema));
    }

    /** References into the schema itself would lead astray once it stands in another one. */
    private static boolean refersElsewhere(Json schema) {
        var text = schema.toString().replaceAll("\\s+", "");
        return text.contains("\"$ref\":\"#\"")
                || text.replace("\"$ref\":\"#/$defs/", "")
                        .replace("\"$ref\":\"#/definitions/", "")
                        .contains("\"$ref\":\"#/");
    }

    private static Json asMember(Json schema) {
        var inner = schema.isObject() ? schema.without("$schema") : schema;
        for (var definitions : DEFINITIONS) {
            inner = inner.without(definitions);
        }
        var member = inner;
        return Json.object(
                outer -> {
                    outer.put("$schema", schema.get("$schema"));
                    outer.put("type", "object");
                    outer.put("properties", Json.object(one -> one.put(RESULT, member)));
                    outer.put("required", Json.array(List.of(Json.of(RESULT))));
                    DEFINITIONS.forEach(name -> outer.put(name, schema.get(name)));
                });
    }

    /** A structured result as a client with a session understands it. */
    public static Json closedResult(Json value) {
        return Json.object(members -> members.put(RESULT, value));
    }
}
