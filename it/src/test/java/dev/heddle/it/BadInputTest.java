package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.time.Duration;

/** What clients and backends may do wrong, and exactly what comes of it. */
class BadInputTest {
    @TempDir static Path folder;

    private static Stub stub;
    private static Heddle heddle;

    @BeforeAll
    static void start() {
        stub = Stub.start();
        heddle =
                Heddle.serve(
                        folder,
                        """
                        backends:
                          - {name: stub, url: "%s", transport: streamable-http, timeout: 2s}
                          - {name: lines, command: "%s", args: ["%s"]}
                        sessions: {coldStart: 10s}
                        server: {maxBody: 20000}
                        """
                                .formatted(stub.url(), Peers.node(), Peers.fixture("lines.mjs")));
    }

    @AfterAll
    static void stop() {
        heddle.close();
        stub.close();
    }

    private static RawClient session() {
        return heddle.client().initialize();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"jsonrpc\": | 400 | -32700 | JSON ends",
                "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}] | 400 | -32600 | found a"
                        + " batch in 2025-11-25",
                "{\"id\":1,\"method\":\"ping\"} | 400 | -32600 | jsonrpc",
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"} | 400 | -32600 | id",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"method\":\"ping\"} | 400 |"
                        + " -32600 | twice",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"count\",\"n\\u0061me\":\"echo\"}}"
                    + " | 400 | -32600 | twice",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"count\",\"Name\":\"echo\"}}"
                    + " | 400 | -32600 | two spellings",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"no/such\"} | 200 | -32601 | no/such",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{}} | 200 |"
                        + " -32602 | params.name",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"nope\"}}"
                    + " | 200 | -32602 | not found",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":\"x\"}}"
                    + " | 200 | -32602 | cursor",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"cursor\":7}}"
                        + " | 200 | -32602 | params.cursor",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\",\"params\":{\"uri\":\"x:///\"}}"
                    + " | 200 | -32002 | not found"
            })
    void a_wrong_message_is_answered_with_its_reason(
            String body, int status, int code, String reason) {
        var session = session();
        var answer = session.post(body);
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.errorCode()).isEqualTo(code);
        assertThat(answer.errorText()).contains(reason);
        assertThat(session.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void wrong_headers_are_answered_with_their_reason() {
        assertRefused(
                session().header("Content-Type", "text/plain").call("count", "{}"),
                415,
                "Content-Type");
        assertRefused(session().header("Accept", "text/html").call("count", "{}"), 406, "Accept");
        assertRefused(
                session().header("MCP-Protocol-Version", "1999-01-01").call("count", "{}"),
                400,
                "1999-01-01");
        assertRefused(
                session().without("Mcp-Session-Id").call("count", "{}"), 400, "Mcp-Session-Id");
        assertRefused(
                session().header("Origin", "http://evil.example.com").call("count", "{}"),
                403,
                "evil.example.com");
        assertThat(session().header("Origin", "http://localhost:5173").call("count", "{}").status())
                .isEqualTo(200);
    }

    private static void assertRefused(RawClient.Answer answer, int status, String reason) {
        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.errorCode()).isEqualTo(-32600);
        assertThat(answer.errorText()).contains(reason);
    }

    @Test
    @Shows({"server.maxBody"})
    void a_body_that_is_too_large_is_refused() {
        assertRefused(
                session().call("echo", "{\"x\":\"" + "y".repeat(30_000) + "\"}"), 413, "20000");
    }

    @Test
    void an_initialize_without_a_version_is_told_so() {
        var answer =
                heddle.client()
                        .post(
                                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"capabilities\":{}}}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.errorCode()).isEqualTo(-32602);
        assertThat(answer.errorText()).contains("protocolVersion");
    }

    @Test
    void initialize_in_a_session_is_refused_and_the_session_lives_on() {
        var session = session();
        var again = session.post(RawHttp.INITIALIZE);
        assertThat(again.status()).isEqualTo(400);
        assertThat(again.errorCode()).isEqualTo(-32600);
        assertThat(session.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void an_unknown_session_is_told_so_at_every_method() {
        var stranger = heddle.client().header("Mcp-Session-Id", "unknown");
        var posted = stranger.call("count", "{}");
        assertThat(posted.status()).isEqualTo(404);
        assertThat(posted.errorCode()).isEqualTo(-32001);
        assertThat(stranger.listen().statusCode()).isEqualTo(404);
        assertThat(stranger.delete().status()).isEqualTo(404);
        var ended = session();
        assertThat(ended.delete().status()).isEqualTo(200);
        assertThat(ended.delete().status()).isEqualTo(404);
        assertThat(ended.call("count", "{}").status()).isEqualTo(404);
    }

    @Test
    void a_session_does_not_see_another_ones_state() {
        var first = session();
        var second = session();
        assertThat(first.call("count", "{}").text()).isEqualTo("1");
        assertThat(first.call("count", "{}").text()).isEqualTo("2");
        assertThat(second.call("count", "{}").text()).isEqualTo("1");
        assertThat(first.call("count", "{}").text()).isEqualTo("3");
    }

    @ParameterizedTest
    @CsvSource({
        "garbage,garbage,true",
        "half,disconnected,true",
        "cut,disconnected,true",
        "never,timeout,true"
    })
    void a_backend_that_misbehaves_costs_its_call_alone(
            String tool, String reason, boolean mayHaveRun) {
        var session = session();
        assertThat(session.call("count", "{}").text()).isEqualTo("1");
        var answer = session.call(tool, "{}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.errorCode()).isEqualTo(-32603);
        var data = answer.reply().path("error").path("data");
        assertThat(data.path("backend").asString("")).isEqualTo("stub");
        assertThat(data.path("reason").asString("")).isEqualTo(reason);
        assertThat(data.path("mayHaveRun").asBoolean()).isEqualTo(mayHaveRun);
        assertThat(session.call("count", "{}").text()).isEqualTo("2");
    }

    @Test
    void a_refused_status_is_an_error_of_its_call() {
        assertThat(
                        session()
                                .call("status", "{\"status\":500}")
                                .reply()
                                .path("error")
                                .path("data")
                                .path("reason")
                                .asString(""))
                .isEqualTo("garbage");
        assertThat(
                        session()
                                .call("status", "{\"status\":503}")
                                .reply()
                                .path("error")
                                .path("data")
                                .path("reason")
                                .asString(""))
                .isEqualTo("unreachable");
        assertThat(
                        session()
                                .call("status", "{\"status\":403}")
                                .reply()
                                .path("error")
                                .path("data")
                                .path("reason")
                                .asString(""))
                .isEqualTo("authentication");
    }

    @Test
    void a_second_reply_and_a_flood_do_not_reach_the_client_twice() {
        var twice = session().call("twice", "{}");
        assertThat(twice.messages()).hasSize(1);
        assertThat(twice.text()).isEqualTo("first");
        assertThat(session().call("flood", "{\"messages\":5000}").text()).isEqualTo("done");
    }

    @Test
    void a_client_that_does_not_read_holds_its_backend_up_and_loses_nothing() {
        var client = session();
        try (var slow = RawHttp.calling(heddle, client, "flood", "{\"messages\":60000}")) {
            await().during(Duration.ofSeconds(1)).until(() -> stub.count("unsent") > 20_000_000);
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            var all = slow.readMuchTo("\r\n0\r\n\r\n");
            assertThat(all.split("notifications/message", -1).length - 1).isEqualTo(60_000);
            assertThat(all).contains("done");
        }
    }

    @Test
    void progress_keeps_a_call_alive_far_beyond_its_time_limit() {
        var answer =
                session()
                        .request(
                                "tools/call",
                                "{\"name\":\"slow\",\"arguments\":{\"ms\":5000,\"every\":500},\"_meta\":{\"progressToken\":\"p\"}}");
        assertThat(answer.result().path("content").isArray()).isTrue();
        assertThat(answer.messages().size()).isGreaterThan(5);
        assertThat(answer.messages().getFirst().path("params").path("progressToken").asString(""))
                .isEqualTo("p");
    }

    @Test
    void a_timed_out_call_is_cancelled_at_its_backend() {
        int before = stub.count("cancelled");
        session().call("never", "{}");
        await().until(() -> stub.count("cancelled") > before);
    }

    @Test
    void a_message_hidden_in_white_space_does_not_reach_a_stdio_backend() {
        var session = session();
        await().atMost(Duration.ofSeconds(10)).until(() -> session.tools().contains("lines"));
        var answer =
                session.post(
                        "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":\n"
                                + "{\"name\":\"lines\",\r\n"
                                + "\"arguments\":{\"x\":\"\\n"
                                + "\"}}\n"
                                + "}");
        var lines = RawClient.JSON.readTree(answer.text());
        var calls =
                lines.valueStream()
                        .filter(line -> line.asString("").contains("tools/call"))
                        .toList();
        assertThat(calls).hasSize(1);
        assertThat(lines.valueStream().map(line -> RawClient.JSON.readTree(line.asString(""))))
                .allMatch(line -> line.has("jsonrpc"));
    }

    @Test
    void a_child_sees_only_the_environment_that_it_needs() {
        var session = session();
        await().atMost(Duration.ofSeconds(10)).until(() -> session.tools().contains("environment"));
        assertThat(session.call("environment", "{}").text())
                .contains("PATH")
                .doesNotContain("JAVA_HOME", "SHLVL", "USER");
    }

    @Test
    void a_stdio_backend_that_dies_costs_its_call_and_starts_anew() {
        var session = session();
        await().atMost(Duration.ofSeconds(10)).until(() -> session.tools().contains("die"));
        var died = session.call("die", "{}");
        assertThat(died.reply().path("error").path("data").path("reason").asString(""))
                .isEqualTo("disconnected");
        assertThat(died.errorText()).contains("exit code 7");
        assertThat(session.call("environment", "{}").status()).isEqualTo(200);
        assertThat(session.call("environment", "{}").text()).contains("PATH");
    }

    @Test
    void browsers_of_an_allowed_origin_may_ask_first_and_read_the_session_id() {
        var preflight =
                heddle.client()
                        .header("Origin", "http://localhost:1")
                        .send(
                                HttpRequest.newBuilder(heddle.endpoint())
                                        .header("Origin", "http://localhost:1")
                                        .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
        assertThat(preflight.status()).isEqualTo(204);
        assertThat(preflight.header("access-control-allow-headers").orElse(""))
                .contains("Mcp-Session-Id");
        assertThat(preflight.header("access-control-expose-headers").orElse(""))
                .contains("Mcp-Session-Id");
    }

    @Test
    void an_unknown_path_is_told_where_the_endpoint_is() {
        var answer =
                new RawClient(URI.create(heddle.endpoint().resolve("/nope").toString())).post("{}");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.errorText()).contains("/mcp");
    }
}
