package dev.heddle.protocol;

/** The error codes of JSON-RPC 2.0 and of MCP that the gateway emits or understands. */
public final class ErrorCode {
    public static final int PARSE_ERROR = -32700;
    public static final int INVALID_REQUEST = -32600;
    public static final int METHOD_NOT_FOUND = -32601;
    public static final int INVALID_PARAMS = -32602;
    public static final int INTERNAL_ERROR = -32603;

    /** The session is unknown or has ended; clients answer it with a new {@code initialize}. */
    public static final int SESSION_NOT_FOUND = -32001;

    /** The resource is unknown (MCP 2024-11-05 to 2025-11-25, Resources, Error Handling). */
    public static final int RESOURCE_NOT_FOUND = -32002;

    private ErrorCode() {}
}
