package dev.heddle.transport.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Adopted;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuth;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.net.EventLoops;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** What becomes of a call on its way over HTTP, as the server behaves. */
class HttpBackendTest {
    /** Hears nothing and answers nothing. */
    static class Deaf implements BackendEvents {
        @Override
        public void notification(Envelope message) {}

        @Override
        public void question(Question question) {
            question.refuse("nobody is here");
        }

        @Override
        public void lost(Fault.BackendFailed why) {}
    }

    static final BackendEvents DEAF = new Deaf();

    private static final Duration PATIENCE = Duration.ofSeconds(10);

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
        return connect(server, DEAF, Optional.empty());
    }

    private BackendSession connect(
            RawServer server, BackendEvents events, Optional<Adopted> adopted) {
        var backend =
                new Backend(
                        new BackendId("raw"),
                        new Target.Remote(server.url(), Target.Wire.STREAMABLE_HTTP));
        return connectors.connect(backend, opening(events, adopted)).session();
    }

    private static Opening opening(BackendEvents events, Optional<Adopted> adopted) {
        var profile = ClientProfile.gateway("test", "1");
        return new Opening(Identity.NONE, profile, events, adopted, false);
    }

    private Json call(BackendSession session) {
        return begin(session).await(PATIENCE).orElseThrow();
    }

    private BlockingCall begin(BackendSession session) {
        return begin(session, ids.next());
    }

    private static BlockingCall begin(BackendSession session, long id) {
        var call = new BlockingCall();
        send(session, id, call);
        return call;
    }

    private static void send(BackendSession session, long id, Sink sink) {
        session.send(
                id,
                Spliced.of(JsonRpc.request(Json.of(id), Method.TOOLS_CALL, Json.EMPTY_OBJECT)),
                sink);
    }

    /** One to which a large result may be handed on while it comes. */
    private static final class Flowing extends WrappedSink {
        Flowing(Sink next) {
            super(next);
        }

        @Override
        public boolean takesFlow(int held) {
            return true;
        }

        @Override
        public void reply(Reply reply) {
            next().reply(reply);
        }
    }

    private static void assertFails(ThrowingCallable call, Reason reason, boolean mayHaveRun) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> {
                            assertThat(fault.reason()).isEqualTo(reason);
                            assertThat(fault.mayHaveRun()).isEqualTo(mayHaveRun);
                        });
    }

    private static RawServer answering(String format) {
        return RawServer.mcp(
                request -> {
                    var result = RawServer.result(request);
                    return Optional.of(
                            format.replace("LENGTH", Integer.toString(result.length()))
                                    .replace("RESULT", result));
                });
    }

    private static final String CUT_SHORT =
            http(
                    """
                    HTTP/1.1 200 OK
                    Content-Type: application/json
                    Connection: close
                    Content-Length: 500

                    {\
                    """);

    private static final String FORGOTTEN =
            http(
                    """
                    HTTP/1.1 404 Not Found
                    Content-Length: 0

                    """);

    private static final String GOOD =
            http(
                    """
                    HTTP/1.1 200 OK
                    Content-Type: application/json
                    Content-Length: LENGTH

                    RESULT\
                    """);

    private static String http(String lines) {
        return lines.replace("\n", "\r\n");
    }

    @Test
    void calls_one_after_the_other_share_a_connection() {
        try (var server = answering(GOOD);
                var session = open(server)) {
            for (int i = 0; i < 20; i++) {
                assertThat(call(session).get("ok")).isPresent();
            }
            assertThat(server.connections()).isEqualTo(1);
        }
    }

    @Test
    void a_crowd_that_comes_at_once_is_served_by_the_connections_that_come_back() {
        int crowd = 2000;
        try (var server = answering(GOOD);
                var session = open(server)) {
            var calls = IntStream.range(0, crowd).mapToObj(_ -> begin(session)).toList();
            for (var call : calls) {
                assertThat(call.await(PATIENCE).orElseThrow().get("ok")).isPresent();
            }
            assertThat(server.connections()).isLessThan(crowd / 2);
        }
    }

    @Test
    void calls_that_are_given_up_while_they_wait_for_a_connection_are_in_nobodys_way() {
        int crowd = 500;
        try (var server = answering(GOOD);
                var session = open(server)) {
            for (int i = 0; i < crowd; i++) {
                long id = ids.next();
                begin(session, id);
                session.cancel(id, "given up");
            }
            assertThat(call(session).get("ok")).isPresent();
        }
    }

    @Test
    void a_crowd_is_told_at_once_that_the_server_is_not_there() {
        var server = answering(GOOD);
        var session = open(server);
        server.close();
        var calls = IntStream.range(0, 500).mapToObj(_ -> begin(session)).toList();
        calls.forEach(
                call ->
                        assertThatThrownBy(() -> call.await(PATIENCE))
                                .isInstanceOf(Fault.BackendFailed.class));
        session.close();
    }

    @Test
    void a_connection_that_the_server_wants_to_close_is_not_used_again() {
        try (var server = answering(GOOD.replace("OK\r\n", "OK\r\nConnection: close\r\n"));
                var session = open(server)) {
            call(session);
            call(session);
            assertThat(server.connections()).isEqualTo(2);
        }
    }

    @Test
    void a_connection_is_left_before_the_server_leaves_it() {
        try (var server = answering(GOOD.replace("OK\r\n", "OK\r\nKeep-Alive: timeout=1\r\n"));
                var session = open(server)) {
            call(session);
            await().until(() -> server.open() == 0);
            call(session);
            assertThat(server.connections()).isEqualTo(2);
        }
    }

    @Test
    void an_answer_may_end_with_its_connection_or_follow_a_first_word_or_be_a_stream() {
        for (var form :
                List.of(
                        http("HTTP/1.1 102 Processing\n\n") + GOOD,
                        http(
                                """
                                HTTP/1.1 200 OK
                                Content-Type: application/json
                                Connection: close

                                RESULT\
                                """),
                        http(
                                """
                                HTTP/1.1 200 OK
                                Content-Type: text/event-stream
                                Connection: close

                                : hello

                                id: 7
                                data: RESULT

                                """))) {
            try (var server = answering(form);
                    var session = open(server)) {
                assertThat(call(session).get("ok")).as(form).isPresent();
                assertThat(call(session).get("ok")).as(form).isPresent();
            }
        }
    }

    @Test
    void bytes_that_nobody_asked_for_cost_the_connection_and_no_call() {
        try (var server = answering(GOOD + GOOD);
                var session = open(server)) {
            for (int i = 0; i < 10; i++) {
                assertThat(call(session).get("ok")).isPresent();
            }
        }
    }

    @Test
    void a_server_that_hangs_up_may_have_run_the_call_and_is_not_asked_again() {
        try (var server = RawServer.mcp(_ -> Optional.empty());
                var session = open(server)) {
            assertFails(() -> call(session), Reason.DISCONNECTED, true);
            assertThat(
                            server.requests().stream()
                                    .filter(request -> request.isFor(Method.TOOLS_CALL)))
                    .hasSize(1);
        }
    }

    @Test
    void an_answer_that_is_cut_short_is_no_answer() {
        try (var server = RawServer.mcp(_ -> Optional.of(CUT_SHORT));
                var session = open(server)) {
            assertFails(() -> call(session), Reason.DISCONNECTED, true);
        }
    }

    @Test
    void an_answer_that_is_no_http_is_garbage_or_the_end_of_the_connection() {
        try (var server = RawServer.mcp(_ -> Optional.of("SSH-2.0-OpenSSH_9.6\r\n\r\n"));
                var session = open(server)) {
            assertThatThrownBy(() -> call(session)).isInstanceOf(Fault.BackendFailed.class);
        }
    }

    @Test
    void a_session_that_the_server_has_forgotten_was_not_run() {
        try (var server = RawServer.mcp(_ -> Optional.of(FORGOTTEN));
                var session = open(server)) {
            assertFails(() -> call(session), Reason.SESSION_GONE, false);
        }
    }

    private static String refusal(RawServer.Request request, int status, int code, String why) {
        var body =
                "{\"jsonrpc\":\"2.0\",\"id\":"
                        + request.id()
                        + ",\"error\":{\"code\":"
                        + code
                        + ",\"message\":\""
                        + why
                        + "\"}}";
        return "HTTP/1.1 "
                + status
                + " No\r\nContent-Type: application/json\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n"
                + body;
    }

    @ParameterizedTest
    @CsvSource({
        "404, -32001, Session not found",
        "404, -32603, gone",
        "400, -32000, no valid session ID",
        "401, -32600, unknown session",
        "400, -32022, unsupported protocol version",
    })
    void a_session_that_is_gone_is_so_even_if_the_error_answers_the_request(
            int status, int code, String why) {
        try (var server =
                        RawServer.mcp(request -> Optional.of(refusal(request, status, code, why)));
                var session = open(server)) {
            assertFails(() -> call(session), Reason.SESSION_GONE, false);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "404, -32601, no such method",
        "400, -32602, params.session: found nothing",
        "400, -32000, out of paper",
    })
    void an_error_of_another_kind_is_the_answer(int status, int code, String why) {
        try (var server =
                        RawServer.mcp(request -> Optional.of(refusal(request, status, code, why)));
                var session = open(server)) {
            assertThatThrownBy(() -> call(session))
                    .isInstanceOf(Fault.ErrorReply.class)
                    .hasMessageContaining(why);
        }
    }

    @Test
    void a_server_that_is_not_there_was_not_asked() {
        var server = answering(GOOD);
        server.close();
        assertFails(() -> open(server), Reason.UNREACHABLE, false);
    }

    private static final String PAGE =
            http(
                    """
                    HTTP/1.1 200 OK
                    Content-Type: text/html
                    Content-Length: 6

                    <html>\
                    """);

    private static final String SHORT_STREAM =
            http(
                    """
                    HTTP/1.1 200 OK
                    Content-Type: text/event-stream
                    Connection: close

                    """);

    private static long gets(RawServer server) {
        return server.requests().stream()
                .filter(request -> request.head().startsWith("get "))
                .count();
    }

    @Test
    void a_page_where_a_stream_should_be_is_not_asked_for_again() {
        try (var server =
                        RawServer.mcp(
                                request ->
                                        Optional.of(
                                                request.head().startsWith("get ")
                                                        ? PAGE
                                                        : RawServer.json(
                                                                "", RawServer.result(request))));
                var session = open(server)) {
            session.listen(true);
            await().until(() -> gets(server) == 1);
            await().during(Duration.ofSeconds(2)).until(() -> gets(server) == 1);
        }
    }

    @Test
    void a_stream_that_ends_at_once_is_opened_again_ever_more_rarely() {
        try (var server = RawServer.mcp(_ -> Optional.of(SHORT_STREAM));
                var session = open(server)) {
            session.listen(true);
            await().until(() -> gets(server) == 3); // at 0, 0.5 and 1.5 s
            await().during(Duration.ofMillis(1200)).until(() -> gets(server) == 3);
        }
    }

    @Test
    void who_listens_in_the_place_of_others_is_told_when_nothing_is_missed_any_more() {
        try (var server = RawServer.mcp(_ -> Optional.of(SHORT_STREAM))) {
            var missed = new AtomicInteger();
            var own = connect(server, counting(missed), Optional.empty());
            own.listen(true);
            await().until(() -> gets(server) >= 2);
            assertThat(missed).as("nobody has listened before").hasValue(0);
            own.listen(false);
            own.listen(true); // others may have listened meanwhile
            await().until(() -> missed.get() == 1);
            own.leave();
            var known = new Adopted("s1", Revision.LATEST, "");
            var takenOver = connect(server, counting(missed), Optional.of(known));
            takenOver.listen(true);
            await().until(() -> missed.get() == 2);
            takenOver.leave();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "200 OK,true",
        "202 Accepted,true",
        "404 Not Found,true",
        "405 Method Not Allowed,true",
        "501 Not Implemented,true",
        "500 Internal Server Error,false",
        "503 Service Unavailable,false"
    })
    void a_server_has_heard_of_the_end_unless_it_is_not_well(String farewell, boolean heard) {
        try (var server = RawServer.mcp(farewell, _ -> Optional.of(SHORT_STREAM))) {
            var session = open(server);
            session.close();
            assertThat(session.hasHeardEnd()).isEqualTo(heard);
        }
    }

    @Test
    void a_server_that_is_gone_has_not_heard_of_the_end() {
        BackendSession session;
        try (var server = RawServer.mcp(_ -> Optional.of(SHORT_STREAM))) {
            session = open(server);
        }
        session.close();
        assertThat(session.hasHeardEnd()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void what_others_have_heard_is_not_heard_again(boolean others) {
        var stream = SHORT_STREAM + http("retry: 60000\nid: old\ndata: " + LOG + "\n\n");
        try (var server = RawServer.mcp(_ -> Optional.of(stream))) {
            var missed = new AtomicInteger();
            var session = connect(server, counting(missed), Optional.empty());
            session.listen(true);
            await().until(() -> gets(server) == 1);
            await().untilAsserted(
                            () -> {
                                session.listen(false);
                                session.listen(true);
                                assertThat(lastGet(server)).contains("last-event-id: old");
                            });
            if (others) {
                session.listenElsewhere();
            } else {
                session.listen(false);
            }
            long before = gets(server);
            session.listen(true);
            await().until(() -> gets(server) > before);
            if (others) {
                assertThat(lastGet(server)).doesNotContain("last-event-id");
                await().until(() -> missed.get() == 1);
            } else {
                assertThat(lastGet(server)).contains("last-event-id: old");
            }
            session.leave();
        }
    }

    private static String lastGet(RawServer server) {
        return server.requests().stream()
                .map(RawServer.Request::head)
                .filter(head -> head.startsWith("get "))
                .toList()
                .getLast();
    }

    private static BackendEvents counting(AtomicInteger missed) {
        return new Deaf() {
            @Override
            public void missed() {
                missed.incrementAndGet();
            }
        };
    }

    @Test
    void a_server_that_says_when_to_come_back_is_believed() {
        var polite = SHORT_STREAM + http("retry: 5000\n: see you\ndata: " + LOG + "\n\n");
        try (var server = RawServer.mcp(_ -> Optional.of(polite));
                var session = open(server)) {
            session.listen(true);
            await().until(() -> gets(server) == 1);
            await().during(Duration.ofSeconds(2)).until(() -> gets(server) == 1);
        }
    }

    /** The place of an event that was cut is not behind it. */
    @Test
    void a_stream_that_is_cut_inside_an_event_goes_on_before_that_event() {
        try (var server =
                        RawServer.mcp(
                                request -> {
                                    boolean back = request.head().contains("last-event-id: one");
                                    var rest =
                                            "id: two\n"
                                                    + "data:"
                                                    + " {\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{";
                                    return Optional.of(
                                            SHORT_STREAM
                                                    + (back
                                                            ? rest + "\"ok\":true}}\n\n"
                                                            : "retry: 10\nid: one\ndata:\n\n"
                                                                    + rest));
                                });
                var session = open(server)) {
            assertThat(begin(session, 2).await(PATIENCE).orElseThrow())
                    .isEqualTo(Json.parse("{\"ok\":true}"));
            assertThat(gets(server)).isEqualTo(1);
        }
    }

    /** What can be asked for again is not given up because its beginning has been handed on. */
    @Test
    void a_large_result_that_is_cut_is_asked_for_again() {
        var large = "x".repeat(500_000);
        var result = "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"text\":\"" + large;
        try (var server =
                        RawServer.mcp(
                                request -> {
                                    boolean back = request.head().contains("last-event-id: one");
                                    return Optional.of(
                                            SHORT_STREAM
                                                    + (back
                                                            ? "id: two\ndata: "
                                                                    + result
                                                                    + "\"}}\n\n"
                                                            : "retry: 10\nid: one\ndata:\n\ndata: "
                                                                    + result));
                                });
                var session = open(server)) {
            var call = new BlockingCall();
            send(session, 2, new Flowing(call));
            assertThat(call.await(PATIENCE).orElseThrow().text("text")).contains(large);
        }
    }

    @Test
    void a_stream_whose_place_the_server_has_forgotten_is_opened_anew_without_it() {
        try (var server =
                        RawServer.mcp(
                                request ->
                                        Optional.of(
                                                request.head().contains("last-event-id")
                                                        ? BAD_PLACE
                                                        : SHORT_STREAM
                                                                + "retry: 10\nid: old\ndata: "
                                                                + LOG
                                                                + "\n\n"));
                var session = open(server)) {
            session.listen(true);
            await().until(() -> gets(server) >= 3);
            assertThat(server.requests().stream().map(RawServer.Request::head))
                    .filteredOn(head -> head.startsWith("get "))
                    .satisfies(
                            heads -> {
                                assertThat(heads.get(1)).contains("last-event-id: old");
                                assertThat(heads.get(2)).doesNotContain("last-event-id");
                            });
        }
    }

    private static final String BAD_PLACE =
            http(
                    """
                    HTTP/1.1 400 Bad Request
                    Content-Length: 0

                    """);

    private static final String LOG =
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}";

    @Test
    void a_call_over_sse_that_is_never_taken_leaves_no_connection_behind() {
        try (var server =
                new RawServer(
                        request -> {
                            if (request.head().startsWith("get ")) {
                                return Optional.of(
                                        http(
                                                """
                                                HTTP/1.1 200 OK
                                                Content-Type: text/event-stream

                                                event: endpoint
                                                data: /mcp

                                                """));
                            }
                            return RawServer.silence();
                        })) {
            var backend =
                    new Backend(
                            new BackendId("raw"),
                            new Target.Remote(server.url(), Target.Wire.SSE),
                            OutgoingAuth.UNAUTHENTICATED,
                            Map.of(),
                            new Backend.Limits(Duration.ofMillis(300), Duration.ofMinutes(5), 64));
            assertFails(
                    () -> connectors.connect(backend, opening(DEAF, Optional.empty())),
                    Reason.TIMEOUT,
                    false);
            assertThat(server.connections()).isEqualTo(2);
            await().until(() -> server.open() == 0);
        }
    }

    private static final String STICKY =
            http(
                    """
                    HTTP/1.1 200 OK
                    Set-Cookie: route=1; Path=/; HttpOnly
                    Set-Cookie: old=; Max-Age=0
                    Content-Type: application/json
                    Content-Length: LENGTH

                    RESULT\
                    """);

    @Test
    void a_conversation_that_is_taken_over_goes_on_with_its_cookies_and_without_a_handshake() {
        try (var server = answering(STICKY);
                var session = open(server)) {
            call(session);
            assertThat(session.cookies()).isEqualTo("route=1");
            var known = new Adopted("s1", Revision.LATEST, session.cookies());
            int before = server.requests().size();
            call(connect(server, DEAF, Optional.of(known)));
            assertThat(server.requests()).hasSize(before + 1);
            assertThat(server.requests().getLast().head())
                    .contains("cookie: route=1", "mcp-session-id: s1");
        }
    }

    @Test
    void every_message_names_the_session_and_its_revision_and_the_end_is_told() {
        try (var server = answering(GOOD)) {
            try (var session = open(server)) {
                call(session);
            }
            var later =
                    server.requests().stream()
                            .filter(request -> !request.isFor("initialize"))
                            .filter(request -> !request.isFor("server/discover"))
                            .toList();
            assertThat(later)
                    .allMatch(request -> request.head().contains("mcp-session-id: s1"))
                    .allMatch(
                            request -> request.head().contains("mcp-protocol-version: 2025-11-25"));
            assertThat(later.getLast().head()).startsWith("delete /mcp ");
        }
    }

    @Test
    void bytes_behind_an_answer_are_never_taken_for_the_answer_to_the_next_request() {
        try (var server =
                        RawServer.mcp(
                                request ->
                                        Optional.of(
                                                request.head().startsWith("post /other ")
                                                        ? RawServer.json(
                                                                "", RawServer.result(request))
                                                        : redirectAndMore(request)));
                var session = open(server)) {
            assertThat(call(session).toString()).isEqualTo("{\"ok\":true}");
            assertThat(call(session).toString()).isEqualTo("{\"ok\":true}");
        }
    }

    private static String redirectAndMore(RawServer.Request request) {
        var forged =
                "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"forged\":true}}";
        return "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
                + RawServer.json("", forged);
    }

    @Test
    void a_stream_that_does_not_end_is_ended_behind_a_redirect_too() {
        try (var server =
                        RawServer.mcp(
                                request ->
                                        Optional.of(
                                                request.head().startsWith("post /other ")
                                                        ? unending(request)
                                                        : REDIRECT));
                var session = open(server)) {
            assertThat(call(session).toString()).isEqualTo("{\"ok\":true}");
            await().until(() -> server.open() <= 1); // the one that has been redirected
        }
    }

    private static final String REDIRECT =
            http(
                    """
                    HTTP/1.1 307 Elsewhere
                    Location: /other
                    Content-Length: 0

                    """);

    private static String unending(RawServer.Request request) {
        var event = "data: " + RawServer.result(request) + "\n\n";
        return http(
                        """
                        HTTP/1.1 200 OK
                        Content-Type: text/event-stream
                        Transfer-Encoding: chunked

                        """)
                + Integer.toHexString(event.length())
                + "\r\n"
                + event
                + "\r\n";
    }
}
