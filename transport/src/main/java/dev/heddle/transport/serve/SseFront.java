package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.QueryStringDecoder;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    private final Optional<Peers> peers;
    private final Map<String, DuplexClient> clients = new ConcurrentHashMap<>();

    /**
     * @param peers the way to other processes, where clients' messages may come too
     */
    SseFront(DuplexClient.Service service, IncomingIdentity identities, Optional<Peers> peers) {
        this.service = service;
        this.identities = identities;
        this.peers = peers;
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
                reply.invalid(405, "found " + head.method() + " (expected: GET or POST)");
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
        var own = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        var name = peers.map(way -> way.placed(own)).orElse(own);
        var client = new DuplexClient(service, new ReplyWay(reply), reply.remote());
        clients.put(name, client);
        reply.begin("endpoint", place(name));
        reply.whenOver(
                () -> {
                    clients.remove(name);
                    client.leave();
                });
    }

    /** The stream is where it is; what is said to it may come to any process. */
    private void post(HttpRequest head, byte[] body, HttpReply reply) {
        var name = client(head);
        var home =
                name.filter(one -> !clients.containsKey(one))
                        .flatMap(one -> peers.flatMap(way -> way.home(one)));
        if (home.isPresent()) {
            peers.orElseThrow()
                    .forwarder()
                    .forward(home.get(), head, body, Json.NULL, reply, () -> notFound(reply));
        } else {
            handleHere(head, body, reply);
        }
    }

    /** Takes a message for a client whose stream can only be here. */
    void handleHere(HttpRequest head, byte[] body, HttpReply reply) {
        var client = client(head).map(clients::get);
        if (client.isEmpty()) {
            notFound(reply);
            return;
        }
        reply.empty(202);
        client.get().receive(body, identities.of(head.headers()));
    }

    /** The name of the client to whom a request belongs. */
    static Optional<String> client(HttpRequest head) {
        try {
            var given = new QueryStringDecoder(head.uri()).parameters();
            var names = given.getOrDefault(KEY, List.of());
            return names.size() == 1 ? Optional.of(names.getFirst()) : Optional.empty();
        } catch (IllegalArgumentException malformed) {
            return Optional.empty();
        }
    }

    /** Where a request belongs at another process; empty if it is not for here. */
    static Optional<String> target(HttpRequest head) {
        return McpServer.path(head.uri()).equals(PATH)
                ? client(head).map(name -> place(URLEncoder.encode(name, StandardCharsets.UTF_8)))
                : Optional.empty();
    }

    private static String place(String name) {
        return PATH + "?" + KEY + "=" + name;
    }

    private static void notFound(HttpReply reply) {
        reply.error(
                404, JsonRpc.error(Json.NULL, ErrorCode.SESSION_NOT_FOUND, "Session not found"));
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
