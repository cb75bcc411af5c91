package dev.heddle.transport.serve;

import dev.heddle.protocol.Revision;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What a request to the MCP endpoint must say in its headers before anybody looks into it (MCP
 * 2025-11-25, Streamable HTTP, Sending Messages to the Server). What does not is refused here.
 */
final class RequestRules {
    private static final String EVENTS = "text/event-stream";
    private static final String JSON = "application/json";

    private RequestRules() {}

    /** Whether a POST brings what may be a message, and takes an answer. */
    static boolean isMessage(HttpRequest head, HttpReply reply) {
        var type = head.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
        if (!isJson(type)) {
            reply.invalid(415, "found Content-Type '" + type + "' (expected: " + JSON + ")");
            return false;
        }
        return mayAccept(head, JSON, JSON + ", " + EVENTS, reply);
    }

    /** Whether a GET takes a stream. */
    static boolean mayListen(HttpRequest head, HttpReply reply) {
        return mayAccept(head, EVENTS, EVENTS, reply);
    }

    private static boolean mayAccept(
            HttpRequest head, String type, String expected, HttpReply reply) {
        boolean accepts = accepts(head, type);
        if (!accepts) {
            reply.invalid(
                    406,
                    "found an Accept header without " + type + " (expected: " + expected + ")");
        }
        return accepts;
    }

    static boolean acceptsEvents(HttpRequest head) {
        return accepts(head, EVENTS);
    }

    /** Whether it is one that only clients with sessions make, and of a revision that is known. */
    static boolean isInSession(HttpRequest head, HttpReply reply) {
        return speaksKnownRevision(head, reply) && hasSessions(head, reply);
    }

    /** Refuses a request that names a revision which nobody knows. */
    static boolean speaksKnownRevision(HttpRequest head, HttpReply reply) {
        var version = head.headers().get(StatelessRules.VERSION_HEADER);
        if (version == null || Revision.of(version).isPresent()) {
            return true;
        }
        reply.invalid(
                400,
                "found "
                        + StatelessRules.VERSION_HEADER
                        + " '"
                        + version
                        + "' (expected: one of "
                        + revisions()
                        + ")");
        return false;
    }

    /** Refuses what only clients with sessions do. */
    private static boolean hasSessions(HttpRequest head, HttpReply reply) {
        if (!isStateless(head)) {
            return true;
        }
        reply.header(HttpHeaderNames.ALLOW, "POST, OPTIONS");
        reply.invalid(405, "found " + head.method() + " (expected: POST)");
        return false;
    }

    static boolean isStateless(HttpRequest head) {
        var version = head.headers().get(StatelessRules.VERSION_HEADER);
        return version != null
                && Revision.of(version).filter(known -> !known.hasSessions()).isPresent();
    }

    private static String revisions() {
        return Arrays.stream(Revision.values())
                .map(Revision::text)
                .collect(Collectors.joining(", "));
    }

    private static boolean isJson(String contentType) {
        int end = contentType.indexOf(';');
        var type = end < 0 ? contentType : contentType.substring(0, end);
        return type.equals(JSON) || type.strip().equalsIgnoreCase(JSON);
    }

    private static boolean accepts(HttpRequest head, String type) {
        var first = head.headers().get(HttpHeaderNames.ACCEPT);
        if (first == null || first.contains(type)) {
            return true;
        }
        var accept = head.headers().getAll(HttpHeaderNames.ACCEPT);
        var ranges = String.join(",", accept).toLowerCase(Locale.ROOT);
        var family = type.substring(0, type.indexOf('/')) + "/*";
        return ranges.contains(type) || ranges.contains("*/*") || ranges.contains(family);
    }
}
