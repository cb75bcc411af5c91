package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;

/** A client without a session takes each round at whichever node. */
class ManyRoundsTest {
    private static final String VERSION = "2026-07-28";
    private static final String PERSON = "{\"elicitation\":{\"form\":{},\"url\":{}}}";

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
        var keys = asked.result().path("inputRequests").propertyNames();
        var answers = new StringBuilder();
        for (var key : keys) {
            answers.append(answers.isEmpty() ? "" : ",")
                    .append('"')
                    .append(key)
                    .append("\":{\"action\":\"accept\",\"content\":{}}");
        }
        return call(
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
        for (int i = 0; i < 6; i++) {
            var asked = call(i % 2, "ask", "");
            assertThat(asked.result().path("resultType").asString("")).isEqualTo("input_required");
            var answer = next((i + i / 2) % 2, "ask", asked);
            assertThat(answer.text()).as(answer.body()).contains("accept");
        }
    }

    @Test
    void who_had_to_open_a_url_first_comes_back_to_the_same_server_through_any_node() {
        for (int i = 0; i < 4; i++) {
            var shut = call(0, "door", "");
            assertThat(shut.result().path("resultType").asString("")).isEqualTo("input_required");
            assertThat(next(i % 2, "door", shut).text()).isEqualTo("open");
        }
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
