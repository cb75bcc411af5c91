package dev.heddle.transport.connect;

import dev.heddle.transport.connect.ResponseHead.Content;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Reads the head of one HTTP/1.1 response (RFC 9112, sections 2 to 6). Strict where a mistake would
 * make the end of the body uncertain. Confined to one thread; good for one head.
 */
final class Http1Head {
    private static final byte[] CONTENT_TYPE = name("content-type");
    private static final byte[] CONTENT_LENGTH = name("content-length");
    private static final byte[] TRANSFER_ENCODING = name("transfer-encoding");
    private static final byte[] CONNECTION = name("connection");
    private static final byte[] KEEP_ALIVE = name("keep-alive");
    private static final byte[] SESSION_ID = name("mcp-session-id");
    private static final byte[] LOCATION = name("location");
    private static final byte[] SET_COOKIE = name("set-cookie");
    private static final byte[] JSON = name("application/json");

    private static final int STATUS_LINE = 12;
    private static final int MAX_DIGITS = 18;

    private final byte[] bytes;
    private int status;
    private boolean old;
    private Content content = Content.OTHER;
    private long length = -1;
    private boolean chunked;
    private boolean encoded;
    private boolean close;
    private boolean keepAlive;
    private long keepAliveSeconds = -1;
    private Optional<String> sessionId = Optional.empty();
    private Optional<String> location = Optional.empty();
    private List<String> cookies = List.of();

    private Http1Head(byte[] bytes) {
        this.bytes = bytes;
    }

    private static byte[] name(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** Where the head that begins at {@code from} ends, or -1 if more bytes are needed. */
    static int end(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != '\n') {
                continue;
            }
            if (i + 1 < to && bytes[i + 1] == '\n') {
                return i + 2;
            } else if (i + 2 < to && bytes[i + 1] == '\r' && bytes[i + 2] == '\n') {
                return i + 3;
            }
        }
        return -1;
    }

    /**
     * Reads the head in {@code [from, to)}, the empty line behind it included.
     *
     * @throws MalformedHttp if it is not one
     */
    static Http1Head read(byte[] bytes, int from, int to) {
        var head = new Http1Head(bytes);
        int at = head.lineEnd(from, to);
        head.statusLine(from, head.trimmed(from, at));
        at++;
        while (at < to) {
            int end = head.lineEnd(at, to);
            int last = head.trimmed(at, end);
            if (last > at) {
                head.field(at, last);
            }
            at = end + 1;
        }
        return head;
    }

    private int lineEnd(int from, int to) {
        int at = from;
        while (at < to && bytes[at] != '\n') {
            at++;
        }
        return at;
    }

    private int trimmed(int from, int end) {
        return end > from && bytes[end - 1] == '\r' ? end - 1 : end;
    }

    private void statusLine(int from, int to) {
        boolean legal =
                to - from >= STATUS_LINE
                        && text(from, from + 7).equals("HTTP/1.")
                        && (bytes[from + 7] == '1' || bytes[from + 7] == '0')
                        && bytes[from + 8] == ' '
                        && (to - from == STATUS_LINE || bytes[from + STATUS_LINE] == ' ');
        if (!legal) {
            throw new MalformedHttp("found no HTTP/1.1 status line");
        }
        old = bytes[from + 7] == '0';
        status = (int) number(from + 9, from + STATUS_LINE, "a status");
        if (status < 100 || status == 101) {
            throw new MalformedHttp("found status " + status);
        }
    }

    private void field(int from, int to) {
        int colon = from;
        while (colon < to && isToken(bytes[colon])) {
            colon++;
        }
        if (colon == from || colon == to || bytes[colon] != ':') {
            throw new MalformedHttp("found a header line that is none");
        }
        int start = colon + 1;
        while (start < to && isBlank(bytes[start])) {
            start++;
        }
        int end = to;
        while (end > start && isBlank(bytes[end - 1])) {
            end--;
        }
        value(from, colon, start, end);
    }

    private void value(int name, int colon, int start, int end) {
        switch (colon - name) {
            case 8 -> {
                if (matches(name, colon, LOCATION)) {
                    location = Optional.of(checked(start, end));
                }
            }
            case 10 -> {
                if (matches(name, colon, CONNECTION)) {
                    var options = checked(start, end).toLowerCase(Locale.ROOT);
                    close |= options.contains("close");
                    keepAlive |= options.contains("keep-alive");
                } else if (matches(name, colon, KEEP_ALIVE)) {
                    noteKeepAlive(checked(start, end));
                } else if (matches(name, colon, SET_COOKIE)) {
                    cookies = new ArrayList<>(cookies);
                    cookies.add(checked(start, end));
                }
            }
            case 12 -> {
                if (matches(name, colon, CONTENT_TYPE)) {
                    content =
                            matches(start, end, JSON)
                                    ? Content.JSON
                                    : Content.of(checked(start, end));
                }
            }
            case 14 -> {
                if (matches(name, colon, CONTENT_LENGTH)) {
                    noteLength(number(start, end, "a length"));
                } else if (matches(name, colon, SESSION_ID)) {
                    sessionId = Optional.of(checked(start, end));
                }
            }
            case 17 -> {
                if (matches(name, colon, TRANSFER_ENCODING)) {
                    noteEncoding(checked(start, end));
                }
            }
            default -> {} // means nothing here
        }
    }

    private void noteLength(long found) {
        if (length >= 0 && length != found) {
            throw new MalformedHttp("found two lengths of one body");
        }
        length = found;
    }

    private void noteEncoding(String found) {
        if (encoded || !found.equalsIgnoreCase("chunked")) {
            throw new MalformedHttp("found Transfer-Encoding '" + found + "' (expected: chunked)");
        }
        encoded = true;
        chunked = true;
    }

    private void noteKeepAlive(String text) {
        int at = text.indexOf("timeout=");
        int from = at + "timeout=".length();
        int to = from;
        while (at >= 0 && to < text.length() && to - from < 6 && isDigit(text.charAt(to))) {
            to++;
        }
        if (to > from && at >= 0) {
            keepAliveSeconds = Long.parseLong(text, from, to, 10);
        }
    }

    private long number(int from, int to, String what) {
        long value = 0;
        boolean legal = to > from && to - from <= MAX_DIGITS;
        for (int i = from; legal && i < to; i++) {
            legal = isDigit((char) bytes[i]);
            value = 10 * value + bytes[i] - '0';
        }
        if (!legal) {
            throw new MalformedHttp("found '" + text(from, to) + "' (expected: " + what + ")");
        }
        return value;
    }

    private boolean matches(int from, int to, byte[] lowerCase) {
        if (to - from != lowerCase.length) {
            return false;
        }
        for (int i = 0; i < lowerCase.length; i++) {
            int b = bytes[from + i];
            if ((b >= 'A' && b <= 'Z' ? b + 32 : b) != lowerCase[i]) {
                return false;
            }
        }
        return true;
    }

    /** A value that may be repeated towards others, and so must not hold control characters. */
    private String checked(int from, int to) {
        for (int i = from; i < to; i++) {
            int b = bytes[i] & 0xFF;
            if ((b < ' ' && b != '\t') || b == 0x7F) {
                throw new MalformedHttp("found a control character in a header");
            }
        }
        return text(from, to);
    }

    private String text(int from, int to) {
        return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    private static boolean isDigit(char c) {
        return c >= '0' && c <= '9';
    }

    private static boolean isToken(byte b) {
        return b > ' ' && b < 0x7F && "\"(),/:;<=>?@[\\]{}".indexOf(b) < 0;
    }

    boolean isInterim() {
        return status < 200;
    }

    /** Whether the body comes in chunks. */
    boolean isChunked() {
        return chunked && hasBody();
    }

    /** How many bytes the body has, or -1 if its end is that of the connection. */
    long length() {
        return hasBody() ? length : 0;
    }

    private boolean hasBody() {
        return status >= 200 && status != 204 && status != 304;
    }

    /** Whether the connection may carry another request once the body has been read. */
    boolean isReusable() {
        boolean wanted = old ? keepAlive && !close : !close;
        boolean bounded = chunked ? length < 0 && !old : length() >= 0;
        return wanted && bounded;
    }

    /** How long the server keeps the connection, in seconds, or -1 if it does not say. */
    long keepAliveSeconds() {
        return keepAliveSeconds;
    }

    ResponseHead head() {
        long known = chunked ? -1 : length();
        return new ResponseHead(status, content, known, sessionId, location, cookies);
    }
}
