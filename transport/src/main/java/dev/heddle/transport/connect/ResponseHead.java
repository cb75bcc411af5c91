package dev.heddle.transport.connect;

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

    boolean isSuccess() {
        return status >= 200 && status < 300;
    }

    boolean isEventStream() {
        return content == Content.EVENTS;
    }
}
