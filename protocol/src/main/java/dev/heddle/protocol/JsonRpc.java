package dev.heddle.protocol;

/** The JSON-RPC messages that the gateway writes itself. */
public final class JsonRpc {
    private static final Json VERSION = Json.of("2.0");

    private JsonRpc() {}

    public static Envelope request(Json id, String method, Json params) {
        return Envelope.parse(
                Json.object(
                                message ->
                                        message.put("jsonrpc", VERSION)
                                                .put("id", id)
                                                .put("method", method)
                                                .put("params", params))
                        .bytes());
    }

    public static Envelope notification(String method) {
        return Envelope.parse(
                Json.object(message -> message.put("jsonrpc", VERSION).put("method", method))
                        .bytes());
    }

    public static Envelope notification(String method, Json params) {
        return Envelope.parse(
                Json.object(
                                message ->
                                        message.put("jsonrpc", VERSION)
                                                .put("method", method)
                                                .put("params", params))
                        .bytes());
    }

    public static Envelope result(Json id, Json result) {
        return Envelope.parse(
                Json.object(
                                message ->
                                        message.put("jsonrpc", VERSION)
                                                .put("id", id)
                                                .put("result", result))
                        .bytes());
    }

    public static Envelope error(Json id, int code, String message) {
        return error(id, code, message, Json.NULL);
    }

    /** An error whose {@code data} is left out where it is {@link Json#NULL}. */
    public static Envelope error(Json id, int code, String message, Json data) {
        var error =
                Json.object(
                        members -> {
                            members.put("code", code).put("message", message);
                            if (data.kind() != Json.Kind.NULL) {
                                members.put("data", data);
                            }
                        });
        return error(id, error);
    }

    /** An error object as it is. */
    public static Envelope error(Json id, Json error) {
        return Envelope.parse(
                Json.object(
                                members ->
                                        members.put("jsonrpc", VERSION)
                                                .put("id", id)
                                                .put("error", error))
                        .bytes());
    }
}
