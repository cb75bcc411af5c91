package dev.heddle.protocol;

import java.io.Serial;

/**
 * Bytes that are not the JSON that was expected. The message says what was found, where, and what
 * was expected.
 */
public final class MalformedJson extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final String message;
    private final boolean encoding;

    MalformedJson(String message) {
        this(message, false);
    }

    /**
     * @param encoding whether the bytes are not even UTF-8
     */
    MalformedJson(String message, boolean encoding) {
        super(message, null, false, false);
        this.message = message;
        this.encoding = encoding;
    }

    @Override
    public String getMessage() {
        return message;
    }

    /** Whether the bytes are not even UTF-8. */
    boolean isEncoding() {
        return encoding;
    }
}
