package dev.heddle.transport.connect;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.protocol.HeaderValue;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.ParamHeaders;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What each request says of its client to a server without sessions (MCP 2026-07-28, Per-request
 * metadata; Streamable HTTP, Headers). Immutable.
 *
 * @param members those of {@code params._meta} that belong to the hop
 */
record Hop(Json members) {

    /** What a client like {@code profile} says, as far as this revision has words for it. */
    static Hop of(ClientProfile profile) {
        return new Hop(
                Json.object(
                        hop -> {
                            hop.put(MetaKey.PROTOCOL_VERSION, Revision.STATELESS.text());
                            hop.put(MetaKey.CLIENT_CAPABILITIES, capabilities(profile));
                            if (profile.clientInfo().text("name").isPresent()) {
                                hop.put(MetaKey.CLIENT_INFO, profile.clientInfo());
                            }
                        }));
    }

    private static Json capabilities(ClientProfile profile) {
        var declared = profile.capabilities();
        if (!profile.revision().hasSessions()) {
            return declared;
        }
        var left = declared.without("tasks");
        return left.get("roots")
                .filter(Json::isObject)
                .map(roots -> left.with("roots", roots.without("listChanged")))
                .orElse(left);
    }

    /** The same for a client that understands tasks. */
    Hop withTasks() {
        var declared = members.get(MetaKey.CLIENT_CAPABILITIES).orElse(Json.EMPTY_OBJECT);
        var extensions = declared.get("extensions").orElse(Json.EMPTY_OBJECT);
        var more = declared.with("extensions", extensions.with(MetaKey.TASKS, Json.EMPTY_OBJECT));
        return new Hop(members.with(MetaKey.CLIENT_CAPABILITIES, more));
    }

    /** {@code request} with what it says of its client. */
    Spliced on(Spliced request, Optional<LogLevel> level) {
        return request.withHop(
                level.map(least -> members.with(MetaKey.LOG_LEVEL, Json.of(least.word())))
                        .orElse(members));
    }

    /**
     * What {@code request} says in headers too.
     *
     * @param tool the tool that it calls, as its server lists it, if that is known
     */
    static Map<String, String> headers(Spliced request, Optional<Json> tool) {
        var envelope = request.envelope();
        var headers = new LinkedHashMap<String, String>();
        headers.put("Mcp-Method", envelope.method());
        named(request).ifPresent(name -> headers.put("Mcp-Name", HeaderValue.encode(name)));
        tool.map(ParamHeaders::of)
                .ifPresent(params -> headers.putAll(params.of(envelope.arguments())));
        return headers;
    }

    /** What the request is about, if it says so in a header. */
    private static Optional<String> named(Spliced request) {
        return switch (request.envelope().method()) {
            case Method.TOOLS_CALL, Method.PROMPTS_GET -> request.name();
            case Method.RESOURCES_READ -> request.envelope().uri();
            case Method.TASKS_GET, Method.TASKS_UPDATE, Method.TASKS_CANCEL ->
                    request.envelope().param("taskId").filter(Json::isString).map(Json::text);
            default -> Optional.empty();
        };
    }
}
