package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Clients of MCP 2026-07-28, which have no sessions, in front of a backend that has. */
class StatelessTest {
    private static final String VERSION = "2026-07-28";
    private static final String NOTHING = "{}";
    private static final String PERSON = "{\"elicitation\":{}}";
    private static final String OPENER = "{\"elicitation\":{\"url\":{}}}";

    @TempDir private Path folder;
    private Stub stub;
    private Heddle heddle;

    private void serve(String incomingAuth) {
        heddle =
                Heddle.serve(
                        folder,
                        "incomingAuth: {type: "
                                + incomingAuth
                                + "}\n"
                                + "backends:\n"
                                + "  - {name: stub, transport: streamable-http, url: \""
                                + stub.url()
                                + "\"}");
    }

    @BeforeEach
    void begin() {
        stub = Stub.start();
    }

    @AfterEach
    void end() {
        heddle.close();
        stub.close();
    }

    private RawClient client(String method, String name) {
        var client =
                new RawClient(heddle.endpoint())
                        .header("MCP-Protocol-Version", VERSION)
                        .header("Mcp-Method", method);
        return name.isEmpty() ? client : client.header("Mcp-Name", name);
    }

    private static String meta(String capabilities) {
        return "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\""
                + VERSION
                + "\",\"io.modelcontextprotocol/clientCapabilities\":"
                + capabilities
                + "}";
    }

    private Answer call(String tool, String capabilities) {
        return client("tools/call", tool)
                .request(
                        "tools/call",
                        "{\"name\":\"" + tool + "\",\"arguments\":{}," + meta(capabilities) + "}");
    }

    @Test
    void what_can_be_done_here_is_told_without_a_session() {
        serve("anonymous");
        var answer =
                client("server/discover", "").request("server/discover", "{" + meta(NOTHING) + "}");
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("mcp-session-id")).isEmpty();
        assertThat(answer.result().path("supportedVersions").toString())
                .isEqualTo("[\"" + VERSION + "\"]");
        assertThat(answer.result().path("resultType").asString("")).isEqualTo("complete");
    }

    @Test
    void calls_that_cannot_be_asked_anything_share_a_backend_session() {
        serve("anonymous");
        assertThat(call("count", NOTHING).text()).isEqualTo("1");
        assertThat(call("count", NOTHING).text()).isEqualTo("2");
    }

    @Test
    void strangers_that_can_be_asked_share_no_backend_session_and_one_owner_does() {
        serve("anonymous");
        assertThat(call("count", PERSON).text()).isEqualTo("1");
        assertThat(call("count", PERSON).text()).isEqualTo("1");
        heddle.close();
        serve("local");
        assertThat(call("count", PERSON).text()).isEqualTo("1");
        assertThat(call("count", PERSON).text()).isEqualTo("2");
    }

    @ParameterizedTest
    @CsvSource({
        "Mcp-Method, tools/list, -32020",
        "Mcp-Name, other, -32020",
        "MCP-Protocol-Version, 2025-11-25, -32020",
    })
    void a_header_that_does_not_say_what_the_body_says_is_refused(
            String header, String value, int code) {
        serve("anonymous");
        var answer =
                client("tools/call", "count")
                        .header(header, value)
                        .request(
                                "tools/call",
                                "{\"name\":\"count\",\"arguments\":{}," + meta(NOTHING) + "}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.errorCode()).isEqualTo(code);
    }

    @ParameterizedTest
    @CsvSource({"initialize", "ping", "logging/setLevel", "resources/subscribe", "no/such"})
    void what_this_revision_does_not_have_is_not_found(String method) {
        serve("anonymous");
        var answer = client(method, "").request(method, "{" + meta(NOTHING) + "}");
        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.errorCode()).isEqualTo(-32601);
    }

    @Test
    void listening_for_nothing_in_particular_is_refused() {
        serve("anonymous");
        var answer =
                client("subscriptions/listen", "")
                        .request("subscriptions/listen", "{" + meta(NOTHING) + "}");
        assertThat(answer.errorCode()).isEqualTo(-32602);
        assertThat(answer.errorText()).contains("params.notifications");
    }

    @Test
    void listening_to_tasks_takes_a_client_that_knows_them() {
        serve("anonymous");
        var answer =
                client("subscriptions/listen", "")
                        .request(
                                "subscriptions/listen",
                                "{\"notifications\":{\"taskIds\":[\"x\"]}," + meta(NOTHING) + "}");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.errorCode()).isEqualTo(-32021);
    }

    @Test
    void a_notification_means_nothing_here_and_is_taken() {
        serve("anonymous");
        var answer =
                client("notifications/cancelled", "")
                        .post(
                                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}");
        assertThat(answer.status()).isEqualTo(202);
    }

    @Test
    void a_state_that_nobody_sealed_here_is_refused() {
        serve("anonymous");
        var answer =
                client("tools/call", "count")
                        .request(
                                "tools/call",
                                "{\"name\":\"count\",\"requestState\":\"mine\","
                                        + meta(PERSON)
                                        + "}");
        assertThat(answer.errorCode()).isEqualTo(-32602);
        assertThat(answer.errorText()).contains("requestState");
    }

    @Test
    void clients_that_number_their_requests_alike_are_in_nobodys_way() throws Exception {
        serve("anonymous");
        assertThat(call("count", NOTHING).text()).isEqualTo("1");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<Answer>>();
            for (int i = 0; i < 8; i++) {
                all.add(threads.submit(() -> call("slow", NOTHING)));
            }
            for (var one : all) {
                assertThat(one.get().status()).isEqualTo(200);
                assertThat(one.get().reply().path("id").asInt()).isEqualTo(1);
                assertThat(one.get().reply().has("result")).isTrue();
            }
        }
    }

    @Test
    void a_question_comes_as_a_result_and_the_answer_with_the_next_request() {
        serve("anonymous");
        var client = client("tools/call", "ask");
        var asked =
                client.request(
                        "tools/call", "{\"name\":\"ask\",\"arguments\":{}," + meta(PERSON) + "}");
        assertThat(asked.result().path("resultType").asString("")).isEqualTo("input_required");
        var requests = asked.result().path("inputRequests");
        var key = requests.propertyNames().iterator().next();
        assertThat(requests.path(key).path("method").asString("")).isEqualTo("elicitation/create");
        var next =
                "{\"name\":\"ask\",\"arguments\":{},\"requestState\":"
                        + asked.result().path("requestState")
                        + ",\"inputResponses\":{\""
                        + key
                        + "\":{\"action\":\"accept\",\"content\":{}}},"
                        + meta(PERSON)
                        + "}";
        var answered = client.request("tools/call", next);
        assertThat(answered.text()).contains("accept");
        assertThat(answered.reply().path("id").asInt()).isEqualTo(2);
        assertThat(client.request("tools/call", next).errorText()).contains("has been used");
    }

    @Test
    void what_a_header_says_of_an_argument_is_looked_at_in_each_round() {
        serve("anonymous");
        var place = "{\"name\":\"ask\",\"arguments\":{\"place\":\"here\"}";
        var asked =
                client("tools/call", "ask")
                        .header("Mcp-Param-Place", "here")
                        .request("tools/call", place + "," + meta(PERSON) + "}");
        assertThat(asked.result().path("resultType").asString("")).isEqualTo("input_required");
        var key = asked.result().path("inputRequests").propertyNames().iterator().next();
        var next =
                place
                        + ",\"requestState\":"
                        + asked.result().path("requestState")
                        + ",\"inputResponses\":{\""
                        + key
                        + "\":{\"action\":\"decline\"}},"
                        + meta(PERSON)
                        + "}";
        var wrong =
                client("tools/call", "ask")
                        .header("Mcp-Param-Place", "there")
                        .request("tools/call", next);
        assertThat(wrong.status()).isEqualTo(400);
        assertThat(wrong.errorCode()).isEqualTo(-32020);
        var right =
                client("tools/call", "ask")
                        .header("Mcp-Param-Place", "here")
                        .request("tools/call", next);
        assertThat(right.text()).contains("decline");
    }

    @ParameterizedTest
    @ValueSource(strings = {"decline", "cancel"})
    void who_will_not_open_a_url_is_told_what_the_server_said_and_not_asked_again(String action) {
        stub.close();
        stub = Stub.start(Map.of("TOOLS", "door"));
        serve("anonymous");
        var shut = call("door", OPENER);
        var answer =
                client("tools/call", "door")
                        .request(
                                "tools/call",
                                "{\"name\":\"door\",\"arguments\":{},\"requestState\":"
                                        + shut.result().path("requestState")
                                        + ",\"inputResponses\":{\"url1\":{\"action\":\""
                                        + action
                                        + "\"}},"
                                        + meta(OPENER)
                                        + "}");
        assertThat(answer.errorText()).isEqualTo("the door is shut");
        assertThat(stub.count("runs")).isEqualTo(1);
        await().until(() -> stub.count("ended") == 1);
    }

    /** The server remembers in its session what has been opened. */
    @Test
    void a_stranger_that_has_opened_a_url_comes_back_to_the_session_that_wanted_it() {
        stub.close();
        stub = Stub.start(Map.of("TOOLS", "door"));
        serve("anonymous");
        var shut = call("door", OPENER);
        assertThat(shut.result().path("resultType").asString("")).isEqualTo("input_required");
        var wanted = shut.result().path("inputRequests").path("url1");
        assertThat(wanted.path("method").asString("")).isEqualTo("elicitation/create");
        assertThat(wanted.path("params").path("url").asString(""))
                .isEqualTo("https://door.example/bell");
        var again =
                client("tools/call", "door")
                        .request(
                                "tools/call",
                                "{\"name\":\"door\",\"arguments\":{},\"requestState\":"
                                        + shut.result().path("requestState")
                                        + ",\"inputResponses\":{\"url1\":{\"action\":\"accept\"}},"
                                        + meta(OPENER)
                                        + "}");
        assertThat(again.text()).isEqualTo("open");
        assertThat(call("door", OPENER).result().path("resultType").asString(""))
                .as("somebody else's")
                .isEqualTo("input_required");
        assertThat(stub.count("runs")).isEqualTo(3);
        await().until(() -> stub.count("ended") == 1); // the other one's client may come back
    }
}
