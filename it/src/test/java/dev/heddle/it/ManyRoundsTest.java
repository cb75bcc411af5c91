package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.Map;

/** A client without a session takes each round at whichever node. */
class ManyRoundsTest {
    private static final String VERSION = "2026-07-28";
    private static final String PERSON = "{\"elicitation\":{\"form\":{},\"url\":{}}}";

    private static final String CONTENT = "{\"name\":\"Ann\",\"color\":\"red\"}";
    private static final String OWNED = "incomingAuth: {type: local}";

    private static final String RESEARCH = "simulate-research-query";
    private static final String EVERYTHING =
            "- {name: everything, transport: stdio, command: \"%s\", args: [\"%s\"]}"
                    .formatted(Peers.node(), Peers.server("everything"));

    @TempDir private Path folder;
    private Nodes nodes;

    @BeforeEach
    void begin() {
        nodes = Nodes.start(folder, 2, "");
    }

    @AfterEach
    void end() {
        nodes.close();
    }

    private Answer call(int node, String tool, String rest) {
        return call(nodes, node, tool, rest);
    }

    private static Answer call(Nodes nodes, int node, String tool, String rest) {
        return nodes.node(node)
                .client()
                .header("MCP-Protocol-Version", VERSION)
                .header("Mcp-Method", "tools/call")
                .header("Mcp-Name", tool)
                .request(
                        "tools/call",
                        "{\"name\":\""
                                + tool
                                + "\",\"arguments\":{},"
                                + rest
                                + "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\""
                                + VERSION
                                + "\",\"io.modelcontextprotocol/clientCapabilities\":"
                                + PERSON
                                + "}}");
    }

    /** The round that follows on {@code asked}, with a consent to all that it asks. */
    private Answer next(int node, String tool, Answer asked) {
        return next(nodes, node, tool, asked);
    }

    private static Answer next(Nodes nodes, int node, String tool, Answer asked) {
        var keys = asked.result().path("inputRequests").propertyNames();
        var answers = new StringBuilder();
        for (var key : keys) {
            answers.append(answers.isEmpty() ? "" : ",")
                    .append('"')
                    .append(key)
                    .append("\":{\"action\":\"accept\",\"content\":")
                    .append(CONTENT)
                    .append('}');
        }
        return call(
                nodes,
                node,
                tool,
                "\"requestState\":"
                        + asked.result().path("requestState")
                        + ",\"inputResponses\":{"
                        + answers
                        + "},");
    }

    @Test
    void a_question_is_answered_at_whichever_node() {
        isAnsweredAtWhicheverNode(nodes);
    }

    @Test
    void a_question_to_an_owner_is_answered_at_whichever_node() {
        try (var owned = Nodes.start(folder.resolve("owned"), 2, OWNED)) {
            isAnsweredAtWhicheverNode(owned);
        }
    }

    private static void isAnsweredAtWhicheverNode(Nodes nodes) {
        for (int i = 0; i < 6; i++) {
            var asked = call(nodes, i % 2, "ask", "");
            assertThat(asks(asked)).isTrue();
            var answer = next(nodes, (i + i / 2) % 2, "ask", asked);
            assertThat(answer.text()).as(answer.body()).contains("accept");
        }
    }

    private static boolean asks(Answer answer) {
        return answer.result().path("resultType").asString("").equals("input_required");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", OWNED})
    void rounds_at_a_server_without_sessions_go_on_at_whichever_node_even_if_theirs_are_gone(
            String yaml) {
        var rounds = "test_input_required_result_multi_round";
        try (var server =
                        Child.start(
                                Map.of(),
                                Peers.node(),
                                Peers.fixture("conformant.mjs"),
                                "stateless");
                var both = Nodes.start(folder.resolve("stateless"), 2, backend(server), yaml)) {
            for (int i = 0; i < 4; i++) {
                var first = call(both, i % 2, rounds, "");
                var second = next(both, (i + 1) % 2, rounds, first);
                assertThat(asks(first) && asks(second)).as(second.body()).isTrue();
                assertThat(next(both, i / 2, rounds, second).text()).isEqualTo("Ann likes red");
            }
            var first = call(both, 0, rounds, "");
            both.kill(0);
            var second = next(both, 1, rounds, first);
            assertThat(asks(second)).as(second.body()).isTrue();
            both.restart(0);
            both.kill(1);
            assertThat(next(both, 0, rounds, second).text()).isEqualTo("Ann likes red");
        }
    }

    private static String backend(Child server) {
        return "- {name: stateless, transport: streamable-http, url: \""
                + server.line(text -> text.startsWith("http"))
                + "\"}";
    }

    @Test
    void who_had_to_open_a_url_first_comes_back_to_the_same_server_through_any_node() {
        for (int i = 0; i < 4; i++) {
            var shut = call(0, "door", "");
            assertThat(asks(shut)).isTrue();
            assertThat(next(i % 2, "door", shut).text()).isEqualTo("open");
        }
    }

    /** At a server with sessions, in which each node has its own. */
    @Test
    void a_task_is_asked_after_at_whichever_node() {
        try (var both = Nodes.start(folder.resolve("tasks"), 2, EVERYTHING, "")) {
            var made = ask(both, 0, "tools/call", RESEARCH, "\"name\":\"%s\"".formatted(RESEARCH));
            var id = made.result().path("taskId").asString("");
            assertThat(id).as(made.body()).isNotEmpty();
            for (int i = 0; i < 4; i++) {
                var found = ask(both, i % 2, "tasks/get", id, "\"taskId\":\"" + id + "\"");
                assertThat(found.result().path("taskId").asString("")).isEqualTo(id);
                assertThat(found.result().path("status").asString("")).isNotEmpty();
            }
            both.kill(0);
            var lost = ask(both, 1, "tasks/get", id, "\"taskId\":\"" + id + "\"");
            assertThat(lost.errorText()).contains("may have been carried out");
        }
    }

    private static Answer ask(Nodes nodes, int node, String method, String name, String params) {
        return nodes.node(node)
                .client()
                .header("MCP-Protocol-Version", VERSION)
                .header("Mcp-Method", method)
                .header("Mcp-Name", name)
                .request(
                        method,
                        """
                        {%s,"arguments":{"topic":"looms"},"_meta":{\
                        "io.modelcontextprotocol/protocolVersion":"%s",\
                        "io.modelcontextprotocol/clientCapabilities":\
                        {"extensions":{"io.modelcontextprotocol/tasks":{}}}}}\
                        """
                                .formatted(params, VERSION));
    }

    @Test
    void a_round_whose_node_is_gone_ends_with_an_error_that_says_so() {
        var asked = call(0, "ask", "");
        nodes.kill(0);
        var lost = next(1, "ask", asked);
        assertThat(lost.errorText()).contains("has ended; the request may have been carried out");
        assertThat(lost.reply().path("error").path("data").path("mayHaveRun").asBoolean(false))
                .isTrue();
    }

    @Test
    void a_round_is_taken_once_wherever_it_is_tried() {
        var asked = call(0, "ask", "");
        assertThat(next(1, "ask", asked).text()).contains("accept");
        assertThat(next(0, "ask", asked).errorText()).contains("has been used");
        assertThat(next(1, "ask", asked).errorText()).contains("has been used");
    }
}
