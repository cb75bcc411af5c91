package dev.heddle.transport.connect;

/** Bytes that should have been an HTTP answer and are none. */
final class MalformedHttp extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MalformedHttp(String message) {
        super(message, null, false, false);
    }
}
