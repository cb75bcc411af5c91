package dev.heddle.transport.connect;

import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.Http2Headers;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;

/**
 * One HTTP request to a backend, and how HTTP/1.1 and HTTP/2 write it. Immutable.
 *
 * @param message what a POST carries
 * @param lastEventId where a stream is to go on; empty text for its beginning
 * @param fields further headers
 */
record Outgoing(
        Verb verb,
        Endpoint endpoint,
        Endpoint.Talk talk,
        @Nullable Spliced message,
        String lastEventId,
        Map<String, String> fields) {
    private static final byte[] SESSION_ID_LINE = bytes("Mcp-Session-Id: ");
    private static final byte[] PROTOCOL_VERSION_LINE = bytes("MCP-Protocol-Version: ");
    private static final byte[] CONTENT_LENGTH_LINE = bytes("Content-Length: ");
    private static final byte[] COOKIE_LINE = bytes("Cookie: ");
    private static final byte[] LAST_EVENT_ID_LINE = bytes("Last-Event-ID: ");
    private static final byte[] LINE_END = bytes("\r\n");

    /** A room for what differs between the heads of two requests. */
    private static final int SPARE = 256;

    /** What is to be done, and what is understood as an answer. */
    enum Verb {
        POST("application/json, text/event-stream"),
        GET("text/event-stream"),
        DELETE("application/json, text/event-stream");

        private final String accept;

        Verb(String accept) {
            this.accept = accept;
        }

        /** What every request of this kind begins with. */
        byte[] head(Endpoint endpoint) {
            var text = new StringBuilder();
            text.append(name()).append(' ').append(endpoint.target()).append(" HTTP/1.1\r\n");
            text.append("Host: ").append(endpoint.host()).append("\r\n");
            text.append("Accept: ").append(accept).append("\r\n");
            if (this == POST) {
                text.append("Content-Type: application/json\r\n");
            }
            endpoint.headers()
                    .forEach(
                            (name, value) ->
                                    text.append(name).append(": ").append(value).append("\r\n"));
            return bytes(text.toString());
        }
    }

    static Outgoing post(Endpoint endpoint, Endpoint.Talk talk, Spliced message) {
        return post(endpoint, talk, message, Map.of());
    }

    static Outgoing post(
            Endpoint endpoint, Endpoint.Talk talk, Spliced message, Map<String, String> fields) {
        return new Outgoing(Verb.POST, endpoint, talk, message, "", fields);
    }

    static Outgoing get(Endpoint endpoint, Endpoint.Talk talk, String lastEventId) {
        return new Outgoing(Verb.GET, endpoint, talk, null, lastEventId, Map.of());
    }

    static Outgoing delete(Endpoint endpoint, Endpoint.Talk talk) {
        return new Outgoing(Verb.DELETE, endpoint, talk, null, "", Map.of());
    }

    /** All cookies, the configured ones first; empty text if there are none. */
    String cookies() {
        var given = talk.cookies().header();
        var configured = endpoint.cookies();
        return configured.isEmpty() || given.isEmpty()
                ? configured + given
                : configured + "; " + given;
    }

    /** The request as HTTP/1.1 has it, for the caller to release. */
    ByteBuf http1(ByteBufAllocator buffers) {
        var head = verb == Verb.POST ? endpoint.postHead() : verb.head(endpoint);
        int length = message == null ? 0 : message.length();
        var out = buffers.ioBuffer(head.length + SPARE + length).writeBytes(head);
        line(out, SESSION_ID_LINE, talk.sessionId());
        line(out, PROTOCOL_VERSION_LINE, talk.version());
        line(out, COOKIE_LINE, cookies());
        line(out, LAST_EVENT_ID_LINE, lastEventId);
        fields.forEach((name, value) -> out.writeBytes(bytes(name + ": " + value + "\r\n")));
        if (message == null) {
            return out.writeBytes(LINE_END);
        }
        line(out, CONTENT_LENGTH_LINE, Integer.toString(length));
        out.writeBytes(LINE_END);
        message.writeTo(out::writeBytes);
        return out;
    }

    /** The head of the request as HTTP/2 has it. */
    Http2Headers http2() {
        var head = new DefaultHttp2Headers();
        head.method(verb.name()).scheme("https").authority(endpoint.host()).path(endpoint.target());
        head.set("accept", verb.accept);
        endpoint.headers().forEach((name, value) -> head.set(name.toLowerCase(Locale.ROOT), value));
        field(head, "mcp-session-id", talk.sessionId());
        field(head, "mcp-protocol-version", talk.version());
        field(head, "cookie", cookies());
        field(head, "last-event-id", lastEventId);
        fields.forEach((name, value) -> head.set(name.toLowerCase(Locale.ROOT), value));
        if (message != null) {
            head.set("content-type", "application/json");
            head.set("content-length", Integer.toString(message.length()));
        }
        return head;
    }

    private static void field(Http2Headers head, String name, String value) {
        if (!value.isEmpty()) {
            head.set(name, value);
        }
    }

    private static void line(ByteBuf out, byte[] name, String value) {
        if (!value.isEmpty()) {
            out.writeBytes(name).writeBytes(bytes(value)).writeBytes(LINE_END);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
