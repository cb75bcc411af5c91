package dev.heddle.transport.connect;

import java.io.IOException;
import java.io.Serial;

/** A server takes no more requests at once, and has not looked at this one (RFC 9113, 8.7). */
final class StreamRefused extends IOException {
    @Serial private static final long serialVersionUID = 1L;

    StreamRefused() {
        super("stream refused");
    }
}
