package dev.heddle.protocol;

import java.io.Serial;

/**
 * Bytes that are not the JSON-RPC message that was expected, and the error that their sender is to
 * get.
 */
public final class Malformed extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final String message;
    private final int code;
    private final transient Json id;

    /** JSON that is no message here, for the reason {@code why}. */
    public static Malformed invalid(String why) {
        return new Malformed(ErrorCode.INVALID_REQUEST, "Invalid Request: " + why, Json.NULL);
    }

    /** No JSON at all. */
    public static Malformed unreadable(MalformedJson why) {
        return new Malformed(ErrorCode.PARSE_ERROR, "Parse error: " + why.getMessage(), Json.NULL);
    }

    Malformed(int code, String message, Json id) {
        super(message, null, false, false);
        this.message = message;
        this.code = code;
        this.id = id;
    }

    /**
     * A JSON-RPC error code: {@link ErrorCode#PARSE_ERROR} or {@link ErrorCode#INVALID_REQUEST}.
     */
    public int code() {
        return code;
    }

    /** The id of the refused message, or {@link Json#NULL} where none could be read. */
    public Json id() {
        return id;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
