package dev.heddle.transport.connect;

import io.netty.handler.codec.http2.Http2Headers;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The status of an HTTP answer, and those of its headers that mean something to a conversation.
 *
 * @param length how many bytes the body has, or -1 where that is not known before its end
 * @param sessionId {@code Mcp-Session-Id}
 * @param location where a redirect leads
 * @param cookies what the answer says about cookies, one {@code Set-Cookie} each
 */
record ResponseHead(
        int status,
        Content content,
        long length,
        Optional<String> sessionId,
        Optional<String> location,
        List<String> cookies) {

    /** What a body is said to be. */
    enum Content {
        JSON,
        EVENTS,
        OTHER;

        /** What the text of a {@code Content-Type} header means. */
        static Content of(String type) {
            var lower = type.toLowerCase(Locale.ROOT);
            if (lower.startsWith("application/json")) {
                return JSON;
            }
            return lower.startsWith("text/event-stream") ? EVENTS : OTHER;
        }
    }

    /**
     * What the head of an HTTP/2 answer says.
     *
     * @throws MalformedHttp if it is none
     */
    static ResponseHead of(Http2Headers head) {
        return new ResponseHead(
                (int) number(head.status(), "a status"),
                Content.of(text(head, "content-type").orElse("")),
                text(head, "content-length").map(text -> number(text, "a length")).orElse(-1L),
                text(head, "mcp-session-id"),
                text(head, "location"),
                head.getAll("set-cookie").stream().map(CharSequence::toString).toList());
    }

    private static Optional<String> text(Http2Headers head, String name) {
        var value = Optional.ofNullable(head.get(name)).map(CharSequence::toString);
        if (value.isPresent() && value.get().chars().anyMatch(Character::isISOControl)) {
            throw new MalformedHttp("found a control character in a header");
        }
        return value;
    }

    private static long number(@Nullable CharSequence text, String what) {
        try {
            return Long.parseLong(String.valueOf(text));
        } catch (NumberFormatException e) {
            throw new MalformedHttp("found '" + text + "' (expected: " + what + ")");
        }
    }

    boolean isSuccess() {
        return status >= 200 && status < 300;
    }

    boolean isEventStream() {
        return content == Content.EVENTS;
    }
}
