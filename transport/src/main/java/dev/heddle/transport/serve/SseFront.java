package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The endpoint for clients of HTTP+SSE: a GET opens the stream on which everything comes, and says
 * where to send messages (MCP 2024-11-05, Transports, HTTP with SSE). Thread-safe.
 */
final class SseFront {
    static final String PATH = "/sse";
    private static final String KEY = "sessionId";
    private static final int NAME_BYTES = 24;
    private static final int MANY = 10_000;

    private final DuplexClient.Service service;
    private final IncomingIdentity identities;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, DuplexClient> clients = new ConcurrentHashMap<>();

    SseFront(DuplexClient.Service service, IncomingIdentity identities) {
        this.service = service;
        this.identities = identities;
    }

    /** How many streams are open. */
    int openStreams() {
        return clients.size();
    }

    void handle(HttpRequest head, byte[] body, HttpReply reply) {
        switch (head.method().name()) {
            case "GET" -> open(reply);
            case "POST" -> post(head, body, reply);
            default -> {
                reply.header(HttpHeaderNames.ALLOW, "GET, POST, OPTIONS");
                refuse(reply, 405, "found " + head.method() + " (expected: GET or POST)");
            }
        }
    }

    private void open(HttpReply reply) {
        if (clients.size() >= MANY) {
            reply.fault(
                    Json.NULL,
                    new Fault.LimitReached("too many streams are open", Duration.ofSeconds(1)));
            return;
        }
        var bytes = new byte[NAME_BYTES];
        random.nextBytes(bytes);
        var name = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        var client = new DuplexClient(service, new ReplyWay(reply), reply.remote());
        clients.put(name, client);
        reply.begin("endpoint", PATH + "?" + KEY + "=" + name);
        reply.whenOver(
                () -> {
                    clients.remove(name);
                    client.leave();
                });
    }

    private void post(HttpRequest head, byte[] body, HttpReply reply) {
        var names = new QueryStringDecoder(head.uri()).parameters().getOrDefault(KEY, List.of());
        var client = names.size() == 1 ? clients.get(names.getFirst()) : null;
        if (client == null) {
            reply.error(
                    404,
                    JsonRpc.error(Json.NULL, ErrorCode.SESSION_NOT_FOUND, "Session not found"));
            return;
        }
        reply.empty(202);
        client.receive(body, identities.of(head.headers()));
    }

    private static void refuse(HttpReply reply, int status, String why) {
        reply.error(
                status,
                JsonRpc.error(Json.NULL, ErrorCode.INVALID_REQUEST, "Invalid Request: " + why));
    }

    /** The stream of one client. */
    private record ReplyWay(HttpReply reply) implements Way {
        @Override
        public void send(Spliced message) {
            reply.event(message);
        }

        /** A batch is no single message, so that each response is an event of its own. */
        @Override
        public void send(Json batch) {
            batch.elements().forEach(one -> reply.event(Spliced.of(Batch.message(one))));
        }

        @Override
        public boolean isWritable() {
            return reply.isWritable();
        }

        @Override
        public boolean isCrowded() {
            return reply.isCrowded();
        }

        @Override
        public void whenWritable(Runnable task) {
            reply.whenWritable(task);
        }

        @Override
        public void sessionEnded() {
            reply.end();
        }
    }
}
