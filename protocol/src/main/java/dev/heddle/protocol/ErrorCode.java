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

    /** The client is to open a URL first (MCP 2025-11-25, Elicitation). */
    public static final int URL_ELICITATION_REQUIRED = -32042;

    /** A header does not say what the body says (MCP 2026-07-28, Streamable HTTP). */
    public static final int HEADER_MISMATCH = -32020;

    /** The request needs what its client did not declare (MCP 2026-07-28). */
    public static final int MISSING_CAPABILITY = -32021;

    /** The request is of a revision that is not spoken here (MCP 2026-07-28). */
    public static final int UNSUPPORTED_VERSION = -32022;

    private ErrorCode() {}
}
