package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Spliced;

import java.util.Optional;

/**
 * The form of answers to clients without sessions (MCP 2026-07-28, Results and Streamable HTTP,
 * Error handling).
 */
final class StatelessForms {
    private static final Json COMPLETE = Json.of("complete");

    private final Json meta;
    private final Json serverInfo;

    StatelessForms(Introductions.Self self) {
        this.serverInfo =
                Json.object(info -> info.put("name", self.name()).put("version", self.version()));
        this.meta = Json.object(members -> members.put(MetaKey.SERVER_INFO, serverInfo));
    }

    /** What the gateway says of itself. */
    Json serverInfo() {
        return serverInfo;
    }

    /** A result of the gateway's own, which has none of the members that this adds. */
    Json own(Json result) {
        return result.withFirst(members -> members.put("resultType", COMPLETE).put("_meta", meta));
    }

    /** One that may be kept for no time, and by its client only. */
    Json ownCacheable(Json result) {
        return result.withFirst(
                members ->
                        members.put("resultType", COMPLETE)
                                .put("ttlMs", 0)
                                .put("cacheScope", "private")
                                .put("_meta", meta));
    }

    /** One of another type than a complete one. */
    Json ownTyped(String type, Json result) {
        return result.withFirst(members -> members.put("resultType", type).put("_meta", meta));
    }

    /** The gateway's response to a request for a list. */
    Spliced ownList(Envelope response) {
        return response.result()
                .map(list -> Spliced.of(JsonRpc.result(response.id(), ownCacheable(list))))
                .orElse(Spliced.of(response));
    }

    /**
     * A backend's response under this gateway's name.
     *
     * @param read the resource that was read, if one was
     * @param called whether a tool was called
     */
    Spliced response(Envelope response, Optional<String> read, boolean called) {
        return response.error().isPresent()
                ? error(response, read)
                : result(response, read.isPresent(), called);
    }

    private Spliced result(Envelope response, boolean cacheable, boolean called) {
        var result = response.result().orElse(Json.EMPTY_OBJECT);
        if (!result.isObject()) {
            return Spliced.of(response);
        }
        var given = result.get("_meta");
        var stamped =
                given.map(own -> result.with("_meta", own.with(MetaKey.SERVER_INFO, serverInfo)))
                        .orElse(result);
        boolean typed = result.get("resultType").isPresent();
        boolean complete = result.text("resultType").map("complete"::equals).orElse(true);
        boolean timed = !cacheable || !complete || result.get("ttlMs").isPresent();
        boolean empty = called && complete && result.get("content").isEmpty();
        var whole =
                stamped.withFirst(
                        members -> {
                            if (!typed) {
                                members.put("resultType", COMPLETE);
                            }
                            if (!timed) {
                                members.put("ttlMs", 0).put("cacheScope", "private");
                            }
                            if (given.isEmpty()) {
                                members.put("_meta", meta);
                            }
                            if (empty) {
                                members.put("content", Json.EMPTY_ARRAY);
                            }
                        });
        return Spliced.of(JsonRpc.result(response.id(), whole));
    }

    /** A code that this revision does not have any more gets its new one. */
    private static Spliced error(Envelope response, Optional<String> read) {
        if (response.errorCode() != ErrorCode.RESOURCE_NOT_FOUND) {
            return Spliced.of(response);
        }
        var error =
                response.error()
                        .orElse(Json.EMPTY_OBJECT)
                        .with("code", Json.of(ErrorCode.INVALID_PARAMS));
        var named =
                error.get("data").isPresent() || read.isEmpty()
                        ? error
                        : error.with("data", Json.object(data -> data.put("uri", read.get())));
        return Spliced.of(JsonRpc.error(response.id(), named));
    }

    /** The status of a response when nothing else has been answered before. */
    static int status(Envelope response) {
        return switch ((int) response.errorCode()) {
            case ErrorCode.MISSING_CAPABILITY -> 400;
            case ErrorCode.METHOD_NOT_FOUND -> 404;
            default -> 200;
        };
    }

    /** The status with which a fault is answered when nothing else has been answered before. */
    static int status(Fault fault) {
        return switch (fault) {
            case Fault.MethodNotFound _ -> 404;
            case Fault.InvalidRequest _ -> 400;
            case Fault.StorageUnavailable _, Fault.LimitReached _, Fault.SessionClosed _ -> 503;
            case Fault.SessionMoved _, Fault.SessionNotFound _ -> 503;
            case Fault.UnauthorizedCaller _, Fault.NilCaller _ -> 503;
            case Fault.SessionOwnerUnknown _, Fault.InvalidBinding _ -> 503;
            case Fault.ToolNotFound _, Fault.ResourceNotFound _, Fault.PromptNotFound _ -> 200;
            case Fault.InvalidParams _, Fault.NoBackendClient _ -> 200;
            case Fault.BackendFailed _, Fault.ErrorReply _, Fault.Cancelled _ -> 200;
        };
    }

    /** Answers with a fault in its JSON-RPC form. */
    static void refuse(Answer reply, Json id, Fault fault) {
        reply.refuse(status(fault), error(id, fault), fault);
    }

    /** The error that answers the request {@code id}. */
    static Envelope error(Json id, Fault fault) {
        return switch (fault) {
            case Fault.ResourceNotFound missing ->
                    JsonRpc.error(
                            id,
                            ErrorCode.INVALID_PARAMS,
                            fault.getMessage(),
                            Json.object(data -> data.put("uri", missing.uri())));
            // such a client has no session of which it could hear
            case Fault.SessionNotFound _,
                    Fault.SessionClosed _,
                    Fault.UnauthorizedCaller _,
                    Fault.NilCaller _,
                    Fault.SessionOwnerUnknown _,
                    Fault.InvalidBinding _ ->
                    JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, "the gateway is not ready");
            default -> FaultForms.error(id, fault);
        };
    }
}
