package dev.heddle.transport.serve;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.HeaderValue;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;

import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;

import java.util.List;
import java.util.Optional;

/**
 * What a request of a client without sessions must say of itself, in its body and in its headers
 * (MCP 2026-07-28, Per-request metadata; Streamable HTTP, Headers).
 */
final class StatelessRules {
    static final AsciiString VERSION_HEADER = AsciiString.cached("MCP-Protocol-Version");
    private static final AsciiString METHOD_HEADER = AsciiString.cached("Mcp-Method");
    private static final AsciiString NAME_HEADER = AsciiString.cached("Mcp-Name");
    private static final String SPOKEN = Revision.STATELESS.text();

    private StatelessRules() {}

    /**
     * Why the message is refused with status 400, or empty.
     *
     * @param headers those of the message, if it came over HTTP
     */
    static Optional<Envelope> refusal(Optional<HttpHeaders> headers, Envelope message) {
        var refusal = version(headers, message);
        if (refusal.isEmpty() && message.isRequest()) {
            refusal = headers.flatMap(given -> method(given, message));
        }
        return refusal.isEmpty() && message.isRequest() ? capabilities(message) : refusal;
    }

    private static Optional<Envelope> version(Optional<HttpHeaders> headers, Envelope message) {
        var given = message.protocolVersion().filter(Json::isString).map(Json::text);
        if (given.isEmpty()) {
            return malformed(message, MetaKey.PROTOCOL_VERSION, "'" + SPOKEN + "'");
        }
        if (headers.isPresent()) {
            var header = one(headers.get(), VERSION_HEADER);
            if (!header.equals(given)) {
                return mismatch(message, VERSION_HEADER, header, given.get());
            }
        }
        if (!given.get().equals(SPOKEN)) {
            var data =
                    Json.object(
                            members ->
                                    members.put("supported", Json.array(List.of(Json.of(SPOKEN))))
                                            .put("requested", given.get()));
            var why = "found protocol version '" + given.get() + "' (expected: " + SPOKEN + ")";
            return Optional.of(
                    JsonRpc.error(message.id(), ErrorCode.UNSUPPORTED_VERSION, why, data));
        }
        return Optional.empty();
    }

    private static Optional<Envelope> method(HttpHeaders headers, Envelope message) {
        var method = one(headers, METHOD_HEADER);
        if (!method.equals(Optional.of(message.method()))) {
            return mismatch(message, METHOD_HEADER, method, message.method());
        }
        var named = named(message);
        if (named.isEmpty()) {
            return Optional.empty();
        }
        var header = one(headers, NAME_HEADER);
        return header.flatMap(HeaderValue::decode).equals(named)
                ? Optional.empty()
                : mismatch(message, NAME_HEADER, header, HeaderValue.encode(named.get()));
    }

    /** What a request is about, if it must say so in a header. */
    private static Optional<String> named(Envelope message) {
        return switch (message.method()) {
            case Method.TOOLS_CALL, Method.PROMPTS_GET -> message.name();
            case Method.RESOURCES_READ -> message.uri();
            default -> task(message);
        };
    }

    /** The name of the task that a request is about. */
    static Optional<String> task(Envelope request) {
        return switch (request.method()) {
            case Method.TASKS_GET, Method.TASKS_UPDATE, Method.TASKS_CANCEL ->
                    request.param("taskId").filter(Json::isString).map(Json::text);
            default -> Optional.empty();
        };
    }

    private static Optional<Envelope> capabilities(Envelope message) {
        var given = message.meta().flatMap(meta -> meta.get(MetaKey.CLIENT_CAPABILITIES));
        return given.filter(Json::isObject).isPresent()
                ? Optional.empty()
                : malformed(message, MetaKey.CLIENT_CAPABILITIES, "an object");
    }

    /** The refusal of a request about a task whose client has not said that it knows tasks. */
    static Optional<Envelope> lacksTasks(Envelope message) {
        boolean declared =
                message.meta()
                        .flatMap(meta -> meta.get(MetaKey.CLIENT_CAPABILITIES))
                        .flatMap(capabilities -> capabilities.get("extensions"))
                        .flatMap(extensions -> extensions.get(MetaKey.TASKS))
                        .isPresent();
        var needed =
                Json.parse(
                        "{\"requiredCapabilities\":{\"extensions\":{\""
                                + MetaKey.TASKS
                                + "\":{}}}}");
        return declared
                ? Optional.empty()
                : Optional.of(
                        JsonRpc.error(
                                message.id(),
                                ErrorCode.MISSING_CAPABILITY,
                                "found a request about a task (expected: only from clients that"
                                        + " declare "
                                        + MetaKey.TASKS
                                        + ")",
                                needed));
    }

    private static Optional<String> one(HttpHeaders headers, AsciiString name) {
        var values = headers.getAll(name);
        return values.size() == 1 ? Optional.of(values.getFirst().strip()) : Optional.empty();
    }

    private static Optional<Envelope> malformed(Envelope message, String key, String expected) {
        var why =
                "params._meta[\"" + key + "\"]: found nothing usable (expected: " + expected + ")";
        return Optional.of(JsonRpc.error(message.id(), ErrorCode.INVALID_PARAMS, why));
    }

    private static Optional<Envelope> mismatch(
            Envelope message, AsciiString header, Optional<String> found, String expected) {
        var why =
                "found "
                        + header
                        + " "
                        + found.map(text -> "'" + text + "'").orElse("not once")
                        + " (expected: '"
                        + expected
                        + "', as in the body)";
        return Optional.of(mismatch(message, why));
    }

    /** The refusal of a call whose headers do not say what its arguments say. */
    static Optional<Envelope> mismatch(Listing tools, Asked asked) {
        var message = asked.message();
        if (!message.method().equals(Method.TOOLS_CALL)) {
            return Optional.empty();
        }
        return asked.headers().flatMap(given -> mismatch(tools, message, given));
    }

    private static Optional<Envelope> mismatch(Listing tools, Envelope call, HttpHeaders given) {
        return call.name()
                .map(tools::headers)
                .flatMap(
                        headers ->
                                headers.mismatch(
                                        call.arguments(),
                                        name -> Optional.ofNullable(given.get(name))))
                .map(why -> mismatch(call, why));
    }

    /** The refusal of a request whose headers do not say what its body says. */
    static Envelope mismatch(Envelope message, String why) {
        return JsonRpc.error(message.id(), ErrorCode.HEADER_MISMATCH, why);
    }
}
