package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The official client of tasks, in both eras, in front of a server whose tasks belong to sessions
 * and of one whose tasks are an extension.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TasksTest {
    private static final String SDK = "sdk";
    private static final String LEGACY = "legacy";
    private static final String MODERN = "2026-07-28";

    @TempDir private static Path folder;
    private Child extension;
    private Heddle heddle;

    @BeforeAll
    void begin() {
        extension =
                Child.start(Map.of(), Peers.node(), Peers.fixture("conformant.mjs"), "stateless");
        heddle =
                Heddle.serve(
                        folder,
                        "backends:\n"
                                + "  - {name: extension, transport: streamable-http, url: \""
                                + extension.line(text -> text.startsWith("http"))
                                + "\"}\n"
                                + "  - {name: sessions, transport: stdio, command: "
                                + Peers.node()
                                + ", args: ["
                                + Peers.server("everything")
                                + "]}");
    }

    @AfterAll
    void end() {
        heddle.close();
        extension.close();
    }

    private JsonNode call(String era, String tool, String arguments, String... more) {
        var command =
                new ArrayList<>(
                        List.of(
                                Peers.node(),
                                Peers.fixture("tasks.mjs"),
                                era,
                                heddle.endpoint().toString(),
                                tool,
                                arguments));
        command.addAll(List.of(more));
        var printed = Peers.run(command.toArray(String[]::new));
        return RawClient.JSON.readTree(printed.lines().toList().getLast());
    }

    @ParameterizedTest
    @ValueSource(strings = {SDK, MODERN})
    void a_task_of_a_session_asks_what_it_wants_to_know_and_brings_its_result(String era) {
        var found =
                call(era, "simulate-research-query", "{\"topic\":\"looms\",\"ambiguous\":true}");
        assertThat(found.path("capability").isObject()).as(found.toString()).isTrue();
        assertThat(found.path("kind").asString("")).isEqualTo("task");
        assertThat(found.path("asked").size()).as(found.toString()).isEqualTo(1);
        assertThat(found.path("asked").path(0).asString("")).contains("looms");
        assertThat(found.path("outcome").asString("")).as(found.toString()).isEqualTo("completed");
        assertThat(found.path("text").asString("")).contains("Research Report: looms (");
    }

    @ParameterizedTest
    @CsvSource({
        "sdk, confirm_delete, 1, deleted",
        "2026-07-28, confirm_delete, 1, deleted",
        "sdk, multi_input, 2, name likes color",
        "2026-07-28, multi_input, 2, name likes color",
        "legacy, slow_compute, 0, computed for 0 s",
        "2026-07-28, slow_compute, 0, computed for 0 s",
    })
    void a_task_of_the_extension_asks_what_it_wants_to_know_and_brings_its_result(
            String era, String tool, int asked, String text) {
        var found = call(era, tool, "{}");
        assertThat(found.path("kind").asString("")).as(found.toString()).isEqualTo("task");
        assertThat(found.path("text").asString("")).as(found.toString()).isEqualTo(text);
        assertThat(found.path("asked").size()).as(found.toString()).isEqualTo(asked);
        if (!era.equals(MODERN)) {
            assertThat(found.path("support").asString("")).isEqualTo("optional");
            assertThat(found.path("listed").toString()).isEqualTo("[\"completed\"]");
        }
    }

    @ParameterizedTest
    @CsvSource({"sdk, failed", "legacy, failed", "2026-07-28, completed"})
    void the_error_of_a_tool_is_what_the_clients_era_makes_of_it(String era, String outcome) {
        var found = call(era, "failing_job", "{}");
        assertThat(found.path("outcome").asString("")).as(found.toString()).isEqualTo(outcome);
    }

    @ParameterizedTest
    @ValueSource(strings = {SDK, LEGACY, MODERN})
    void a_failure_of_a_task_of_the_extension_is_its_outcome(String era) {
        var found = call(era, "protocol_error_job", "{}");
        assertThat(found.path("outcome").asString("")).as(found.toString()).isEqualTo("failed");
    }

    @Test
    void whoever_wants_a_task_gets_one_although_the_server_makes_none() {
        var found = call(LEGACY, "greet", "{\"name\":\"Ada\"}");
        assertThat(found.path("kind").asString("")).as(found.toString()).isEqualTo("task");
        assertThat(found.path("text").asString("")).isEqualTo("Hello, Ada!");
        assertThat(call(MODERN, "greet", "{\"name\":\"Ada\"}").path("kind").asString(""))
                .isEqualTo("immediate");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "legacy; slow_compute; {\"seconds\":60}",
                "2026-07-28; slow_compute; {\"seconds\":60}",
                "legacy; simulate-research-query; {\"topic\":\"looms\"}",
                "2026-07-28; simulate-research-query; {\"topic\":\"looms\"}",
            })
    void a_task_can_be_cancelled(String era, String tool, String arguments) {
        var found = call(era, tool, arguments, "cancel");
        assertThat(found.path("outcome").asString("")).as(found.toString()).isEqualTo("cancelled");
    }

    @Test
    void who_waits_for_a_task_waits_longer_than_a_backend_may_be_silent(@TempDir Path own) {
        try (var server =
                        Child.start(
                                Map.of(),
                                Peers.node(),
                                Peers.fixture("conformant.mjs"),
                                "stateless");
                var gateway =
                        Heddle.serve(
                                own,
                                "backends: [{name: e, transport: streamable-http, timeout: 1s,"
                                        + " url: \""
                                        + server.line(text -> text.startsWith("http"))
                                        + "\"}]")) {
            var answer = gateway.client().initialize().call("failing_job", "{\"seconds\":3}");
            assertThat(answer.text()).isEqualTo("The job has failed");
        }
    }

    private static String meta() {
        return "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\""
                + MODERN
                + "\",\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}}";
    }

    private RawClient client(String method) {
        return heddle.client().header("MCP-Protocol-Version", MODERN).header("Mcp-Method", method);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "slow_compute; {\"seconds\":0.5}; computed for 0.5 s",
                "simulate-research-query; {\"topic\":\"looms\"}; Research Report: looms",
            })
    void whoever_listens_is_told_of_a_tasks_changes_and_end(
            String tool, String arguments, String result) {
        call(MODERN, tool, arguments, "cancel"); // once it is listed
        var made =
                client("tools/call")
                        .header("Mcp-Name", tool)
                        .request(
                                "tools/call",
                                "{\"name\":\""
                                        + tool
                                        + "\",\"arguments\":"
                                        + arguments
                                        + ","
                                        + meta()
                                        + "}")
                        .result();
        assertThat(made.path("resultType").asString("")).isEqualTo("task");
        var id = made.path("taskId").asString("");
        try (var lines =
                client("subscriptions/listen").stream(
                        "subscriptions/listen",
                        "{\"notifications\":{\"taskIds\":[\"" + id + "\"]}," + meta() + "}")) {
            var messages =
                    lines.filter(line -> line.startsWith("data: {"))
                            .map(line -> RawClient.JSON.readTree(line.substring(6)))
                            .iterator();
            assertThat(messages.next().path("params").path("notifications").toString())
                    .isEqualTo("{\"taskIds\":[\"" + id + "\"]}");
            var last = messages.next();
            while (last.path("params").path("status").asString("").equals("working")) {
                assertThat(last.path("method").asString("")).isEqualTo("notifications/tasks");
                last = messages.next();
            }
            assertThat(last.path("params").path("taskId").asString("")).isEqualTo(id);
            assertThat(last.path("params").path("status").asString("")).isEqualTo("completed");
            assertThat(last.path("params").path("result").toString()).contains(result);
        }
    }
}
