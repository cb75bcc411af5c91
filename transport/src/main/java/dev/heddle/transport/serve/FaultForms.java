package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;

import java.util.Locale;

/** The form that each fault has towards clients: an HTTP status and a JSON-RPC error. */
final class FaultForms {
    private FaultForms() {}

    /** The status with which a fault is answered when nothing else has been answered before. */
    static int status(Fault fault) {
        return switch (fault) {
            case Fault.SessionNotFound _, Fault.SessionClosed _, Fault.UnauthorizedCaller _ -> 404;
            case Fault.NilCaller _, Fault.SessionOwnerUnknown _, Fault.InvalidBinding _ -> 404;
            case Fault.StorageUnavailable _, Fault.LimitReached _, Fault.SessionMoved _ -> 503;
            case Fault.InvalidRequest _ -> 400;
            case Fault.ToolNotFound _, Fault.ResourceNotFound _, Fault.PromptNotFound _ -> 200;
            case Fault.InvalidParams _, Fault.MethodNotFound _, Fault.NoBackendClient _ -> 200;
            case Fault.BackendFailed _, Fault.ErrorReply _, Fault.Cancelled _ -> 200;
        };
    }

    /** The error that answers the request {@code id}. */
    static Envelope error(Json id, Fault fault) {
        return switch (fault) {
            // a wrong caller must not learn that the session exists
            case Fault.SessionNotFound _, Fault.SessionClosed _, Fault.UnauthorizedCaller _ ->
                    sessionNotFound(id);
            case Fault.NilCaller _, Fault.SessionOwnerUnknown _, Fault.InvalidBinding _ ->
                    sessionNotFound(id);
            case Fault.ToolNotFound _, Fault.PromptNotFound _, Fault.InvalidParams _ ->
                    JsonRpc.error(id, ErrorCode.INVALID_PARAMS, fault.getMessage());
            case Fault.ResourceNotFound missing ->
                    JsonRpc.error(
                            id,
                            ErrorCode.RESOURCE_NOT_FOUND,
                            fault.getMessage(),
                            Json.object(data -> data.put("uri", missing.uri())));
            case Fault.MethodNotFound _ ->
                    JsonRpc.error(id, ErrorCode.METHOD_NOT_FOUND, fault.getMessage());
            case Fault.InvalidRequest _ ->
                    JsonRpc.error(id, ErrorCode.INVALID_REQUEST, fault.getMessage());
            case Fault.BackendFailed failed ->
                    JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, fault.getMessage(), data(failed));
            case Fault.ErrorReply reply -> JsonRpc.error(id, reply.error());
            case Fault.NoBackendClient _,
                    Fault.StorageUnavailable _,
                    Fault.LimitReached _,
                    Fault.SessionMoved _,
                    Fault.Cancelled _ ->
                    JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, fault.getMessage());
        };
    }

    private static Envelope sessionNotFound(Json id) {
        return JsonRpc.error(id, ErrorCode.SESSION_NOT_FOUND, "Session not found");
    }

    private static Json data(Fault.BackendFailed failed) {
        return Json.object(
                data ->
                        data.put("backend", failed.backend())
                                .put("reason", failed.reason().name().toLowerCase(Locale.ROOT))
                                .put("mayHaveRun", failed.mayHaveRun()));
    }
}
