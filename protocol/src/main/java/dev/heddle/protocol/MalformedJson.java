package dev.heddle.protocol;

import java.io.Serial;

/**
 * Bytes that are not the JSON that was expected. The message says what was found, where, and what
 * was expected.
 */
public final class MalformedJson extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final String message;

    MalformedJson(String message) {
        super(message, null, false, false);
        this.message = message;
    }

    @Override
    public String getMessage() {
        return message;
    }
}
