package dev.heddle.transport.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.net.EventLoops;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** Servers without sessions, and servers that turn out to be of the other era. */
class StatelessBackendTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String NOT_INITIALIZED =
            "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":\"Server not"
                    + " initialized\"}}";

    private final Ids ids = new Ids();
    private final EventLoops loops = new EventLoops(EventLoops.Io.NIO, 1);
    private final Connectors connectors =
            new Connectors(
                    loops,
                    new OutgoingAuthRegistry(List.of()),
                    ids,
                    ClientProfile.gateway("test", "1"));

    @AfterEach
    void close() {
        connectors.close();
        loops.close();
    }

    private BackendSession open(RawServer server) {
        var backend =
                new Backend(
                        new BackendId("raw"),
                        new Target.Remote(server.url(), Target.Wire.STREAMABLE_HTTP));
        var client =
                new ClientProfile(
                        Revision.LATEST,
                        Json.parse("{\"elicitation\":{}}"),
                        Json.parse("{\"name\":\"client\",\"version\":\"1\"}"));
        return connectors
                .connect(
                        backend,
                        new Opening(
                                Identity.NONE,
                                client,
                                HttpBackendTest.DEAF,
                                Optional.empty(),
                                false))
                .session();
    }

    private Spliced request(long id) {
        var params = Json.parse("{\"name\":\"t\",\"arguments\":{\"region\":\"us west \"}}");
        return Spliced.of(JsonRpc.request(Json.of(id), Method.TOOLS_CALL, params));
    }

    private Json call(BackendSession session) {
        var call = new BlockingCall();
        long id = ids.next();
        session.send(id, request(id), call);
        return call.await(PATIENCE).orElseThrow();
    }

    private static Optional<String> result(RawServer.Request request, String result) {
        return Optional.of(
                RawServer.json(
                        "",
                        "{\"jsonrpc\":\"2.0\",\"id\":"
                                + request.id()
                                + ",\"result\":"
                                + result
                                + "}"));
    }

    private static Optional<String> discovered(RawServer.Request request) {
        return result(
                request,
                "{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":"
                    + "{\"tools\":{}},\"ttlMs\":0,\"cacheScope\":\"private\"}");
    }

    private static Optional<String> refusal(int status, String body) {
        return Optional.of(
                "HTTP/1.1 "
                        + status
                        + " No\r\nContent-Type: application/json\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body);
    }

    private static Optional<String> error(RawServer.Request request, int status, int code) {
        return refusal(
                status,
                "{\"jsonrpc\":\"2.0\",\"id\":"
                        + request.id()
                        + ",\"error\":{\"code\":"
                        + code
                        + ",\"message\":\"no\"}}");
    }

    /** What a server with sessions says. */
    private static Optional<String> withSession(RawServer.Request request) {
        if (request.isFor("initialize")) {
            return Optional.of(
                    RawServer.json(
                            "Mcp-Session-Id: s1\r\n",
                            "{\"jsonrpc\":\"2.0\",\"id\":"
                                    + request.id()
                                    + ",\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"
                                    + "\"serverInfo\":{\"name\":\"raw\",\"version\":\"1\"}}}"));
        } else if (request.isFor("notifications/initialized")
                || request.head().startsWith("delete")) {
            return Optional.of("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
        } else if (!request.head().contains("mcp-session-id")) {
            return refusal(400, NOT_INITIALIZED);
        }
        return Optional.of(RawServer.json("", RawServer.result(request)));
    }

    @Test
    void each_request_says_who_asks_in_its_body_and_what_it_is_about_in_its_headers() {
        try (var server =
                        new RawServer(
                                request ->
                                        request.isFor("server/discover")
                                                ? discovered(request)
                                                : result(
                                                        request,
                                                        "{\"resultType\":\"complete\",\"content\":[],"
                                                            + "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{}}}"));
                var session = open(server)) {
            assertThat(call(session)).hasToString("{\"content\":[]}");
            assertThat(server.requests().getLast().head())
                    .contains("mcp-method: tools/call", "mcp-name: t")
                    .contains("mcp-protocol-version: 2026-07-28")
                    .doesNotContain("mcp-session-id");
            assertThat(server.requests().getLast().body())
                    .contains("\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"")
                    .contains(
                            "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}");
        }
    }

    @Test
    void a_server_that_has_got_sessions_is_found_out_and_the_request_has_not_been_run() {
        var old = new AtomicInteger();
        try (var server =
                new RawServer(
                        request -> {
                            if (old.get() > 0) {
                                return withSession(request);
                            }
                            return request.isFor("server/discover")
                                    ? discovered(request)
                                    : result(request, "{\"resultType\":\"complete\"}");
                        })) {
            try (var session = open(server)) {
                call(session);
                old.set(1);
                assertThatThrownBy(() -> call(session))
                        .isInstanceOfSatisfying(
                                Fault.BackendFailed.class,
                                fault -> {
                                    assertThat(fault.reason())
                                            .isEqualTo(Fault.BackendFailed.Reason.SESSION_GONE);
                                    assertThat(fault.mayHaveRun()).isFalse();
                                });
            }
            try (var session = open(server)) {
                assertThat(call(session)).hasToString("{\"ok\":true}");
                assertThat(session.sessionId()).contains("s1");
            }
        }
    }

    @Test
    void a_server_that_refuses_one_request_without_a_reason_is_still_what_it_was() {
        try (var server =
                        new RawServer(
                                request ->
                                        request.isFor("server/discover")
                                                ? discovered(request)
                                                : refusal(413, "too much"));
                var session = open(server)) {
            assertThatThrownBy(() -> call(session))
                    .isInstanceOfSatisfying(
                            Fault.BackendFailed.class,
                            fault ->
                                    assertThat(fault.reason())
                                            .isEqualTo(Fault.BackendFailed.Reason.GARBAGE));
            assertThat(server.requests())
                    .filteredOn(request -> request.isFor("server/discover"))
                    .hasSize(2);
        }
    }

    @Test
    void a_server_that_does_not_know_the_first_request_is_asked_again_what_it_is() {
        var asked = new AtomicInteger();
        try (var server =
                        new RawServer(
                                request ->
                                        request.isFor("server/discover")
                                                        && asked.getAndIncrement() == 0
                                                ? discovered(request)
                                                : error(request, 200, -32601));
                var session = open(server)) {
            assertThatThrownBy(() -> call(session))
                    .isInstanceOfSatisfying(
                            Fault.BackendFailed.class,
                            fault ->
                                    assertThat(fault.reason())
                                            .isEqualTo(Fault.BackendFailed.Reason.SESSION_GONE));
        }
    }

    @Test
    void a_server_that_has_shown_what_it_is_may_refuse_a_request() {
        var calls = new AtomicInteger();
        try (var server =
                        new RawServer(
                                request -> {
                                    if (request.isFor("server/discover")) {
                                        return discovered(request);
                                    }
                                    return calls.getAndIncrement() == 0
                                            ? result(request, "{\"resultType\":\"complete\"}")
                                            : error(request, 200, -32602);
                                });
                var session = open(server)) {
            call(session);
            assertThatThrownBy(() -> call(session)).isInstanceOf(Fault.ErrorReply.class);
            assertThat(server.requests())
                    .filteredOn(request -> request.isFor("server/discover"))
                    .hasSize(1);
        }
    }

    @Test
    void a_server_that_is_not_there_for_a_moment_is_not_taken_for_another() {
        var server =
                new RawServer(
                        request ->
                                request.isFor("server/discover")
                                        ? discovered(request)
                                        : result(request, "{\"resultType\":\"complete\"}"));
        try (var session = open(server)) {
            server.close();
            assertThatThrownBy(() -> call(session))
                    .isInstanceOfSatisfying(
                            Fault.BackendFailed.class,
                            fault ->
                                    assertThat(fault.reason()) // as the kept connection's
                                            // end is seen
                                            .isIn(
                                                    Fault.BackendFailed.Reason.UNREACHABLE,
                                                    Fault.BackendFailed.Reason.DISCONNECTED));
        }
    }

    @Test
    void a_server_that_has_lost_its_sessions_for_good_is_found_out_when_the_next_one_begins() {
        var fresh = new AtomicInteger();
        try (var server =
                new RawServer(
                        request -> {
                            if (fresh.get() == 0) {
                                return withSession(request);
                            } else if (request.isFor("server/discover")) {
                                return discovered(request);
                            }
                            return request.isFor("initialize")
                                    ? error(request, 400, -32022)
                                    : result(request, "{\"resultType\":\"complete\"}");
                        })) {
            open(server).close();
            fresh.set(1);
            try (var session = open(server)) {
                assertThat(call(session)).hasToString("{}");
                assertThat(session.sessionId()).isEmpty();
            }
        }
    }

    @Test
    void a_server_that_never_named_its_sessions_and_has_none_any_more_is_found_out() {
        var fresh = new AtomicInteger();
        try (var server =
                        new RawServer(
                                request -> {
                                    if (fresh.get() > 0) {
                                        return error(request, 400, -32022);
                                    } else if (request.isFor("server/discover")) {
                                        return refusal(400, NOT_INITIALIZED);
                                    } else if (request.isFor("initialize")) {
                                        return result(
                                                request,
                                                "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}");
                                    }
                                    return request.isFor("notifications/initialized")
                                            ? withSession(request)
                                            : Optional.of(
                                                    RawServer.json("", RawServer.result(request)));
                                });
                var session = open(server)) {
            assertThat(call(session)).hasToString("{\"ok\":true}");
            fresh.set(1);
            assertThatThrownBy(() -> call(session))
                    .isInstanceOfSatisfying(
                            Fault.BackendFailed.class,
                            fault ->
                                    assertThat(fault.reason())
                                            .isEqualTo(Fault.BackendFailed.Reason.SESSION_GONE));
        }
    }

    @Test
    void a_server_that_answers_the_question_with_a_failure_and_begins_a_session_is_asked_once() {
        try (var server =
                new RawServer(
                        request ->
                                request.isFor("server/discover")
                                        ? refusal(500, "")
                                        : withSession(request))) {
            open(server).close();
            try (var session = open(server)) {
                assertThat(session.sessionId()).contains("s1");
            }
            assertThat(server.requests())
                    .filteredOn(request -> request.isFor("server/discover"))
                    .hasSize(1);
        }
    }

    @Test
    void a_server_that_misses_a_header_is_asked_again_with_what_its_list_asks_for_now() {
        try (var server =
                        new RawServer(
                                request -> {
                                    if (request.isFor("server/discover")) {
                                        return discovered(request);
                                    } else if (request.isFor("tools/list")) {
                                        return result(
                                                request,
                                                "{\"tools\":[{\"name\":\"t\",\"inputSchema\":{\"properties\":"
                                                    + "{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}}}}]}");
                                    }
                                    return request.head().contains("mcp-param-region")
                                            ? result(request, "{\"resultType\":\"complete\"}")
                                            : error(request, 400, -32020);
                                });
                var session = open(server)) {
            assertThat(call(session)).hasToString("{}");
            assertThat(server.requests().getLast().head()).contains("mcp-param-region: =?base64?");
        }
    }

    /** Answers every question at once. */
    private static final class Willing implements Sink {
        private final BlockingCall call = new BlockingCall();
        private final AtomicInteger asked = new AtomicInteger();
        private final AtomicInteger signs = new AtomicInteger();

        @Override
        public void alive(Duration pause) {
            signs.incrementAndGet();
        }

        @Override
        public void notification(Spliced message) {}

        @Override
        public boolean question(Question question) {
            asked.incrementAndGet();
            var answer = Json.parse("{\"action\":\"accept\",\"content\":{}}");
            question.answer().accept(Spliced.of(JsonRpc.result(question.id(), answer)));
            return true;
        }

        @Override
        public void reply(Reply reply) {
            call.reply(reply);
        }
    }

    @Test
    void a_server_that_only_wants_to_be_asked_once_more_shows_that_it_is_at_work() {
        var asked = new AtomicInteger();
        try (var server =
                        new RawServer(
                                request -> {
                                    if (request.isFor("server/discover")) {
                                        return discovered(request);
                                    }
                                    return result(
                                            request,
                                            asked.incrementAndGet() < 4
                                                    ? "{\"resultType\":\"input_required\",\"requestState\":\"s\"}"
                                                    : "{\"resultType\":\"complete\"}");
                                });
                var session = open(server)) {
            var willing = new Willing();
            long id = ids.next();
            session.send(id, request(id), willing);
            assertThat(willing.call.await(PATIENCE)).isPresent();
            assertThat(willing.signs).hasValue(3);
        }
    }

    @Test
    void a_server_that_never_knows_enough_is_not_asked_for_ever() {
        try (var server =
                        new RawServer(
                                request ->
                                        request.isFor("server/discover")
                                                ? discovered(request)
                                                : result(
                                                        request,
                                                        "{\"resultType\":\"input_required\",\"requestState\":\"s\","
                                                            + "\"inputRequests\":{\"a\":{\"method\":\"elicitation/create\",\"params\":{}}}}"));
                var session = open(server)) {
            var willing = new Willing();
            long id = ids.next();
            session.send(id, request(id), willing);
            assertThatThrownBy(() -> willing.call.await(PATIENCE))
                    .isInstanceOf(Fault.ErrorReply.class)
                    .hasMessageContaining("10 rounds");
            assertThat(willing.asked).hasValue(9);
            assertThat(server.requests().getLast().body())
                    .contains("\"requestState\":\"s\"")
                    .contains("\"inputResponses\":{\"a\":{\"action\":\"accept\",\"content\":{}}}");
        }
    }
}
