package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The front on standard input and output, message by message. */
class StdioTest {
    private static final String META =
            "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                    + "\"io.modelcontextprotocol/clientCapabilities\":{}}";

    @TempDir private Path folder;
    private final Stub stub = Stub.start();
    private Child heddle;

    private void serve(String more) throws IOException {
        var file = folder.resolve("heddle.yaml");
        Files.writeString(
                file,
                "backends: [{name: stub, url: \"%s\"}]\ncatalogs: {folder: %s}\n%s"
                        .formatted(stub.url(), folder.resolve("catalogs"), more));
        heddle = Child.start(Map.of(), Heddle.command("stdio", "--config", file.toString()));
    }

    @AfterEach
    void end() {
        heddle.close();
        stub.close();
    }

    private void say(String method, int id, String params) throws IOException {
        var writer = heddle.process().outputWriter();
        writer.write(
                "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\",\"params\":{%s}}\n"
                        .formatted(id, method, params));
        writer.flush();
    }

    /** The next message with this id. */
    private JsonNode hear(int id) {
        return RawClient.JSON.readTree(
                heddle.line(line -> RawClient.JSON.readTree(line).path("id").asInt(-1) == id));
    }

    private JsonNode initialize(int id) throws IOException {
        say(
                "initialize",
                id,
                "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":"
                        + "{\"name\":\"raw\",\"version\":\"1\"}");
        return hear(id);
    }

    private String count(int id) throws IOException {
        say("tools/call", id, "\"name\":\"count\",\"arguments\":{}");
        var reply = hear(id);
        return reply.path("result").path("content").path(0).path("text").asString("");
    }

    @Test
    void another_session_may_begin_when_the_first_has_lived_its_life_and_not_before()
            throws IOException {
        serve("sessions: {lifetime: 5s, ttl: 3s, coldStart: 10s}");
        assertThat(initialize(1).has("result")).isTrue();
        assertThat(initialize(2).path("error").path("message").asString(""))
                .contains("in an initialised session");
        assertThat(count(3)).isEqualTo("1");
        assertThat(count(4)).isEqualTo("2");
        await().atMost(Duration.ofSeconds(20)).until(() -> initialize(9).has("result"));
        assertThat(count(5)).isEqualTo("1");
    }

    @Test
    void what_comes_behind_initialize_waits_for_its_end() throws IOException {
        serve("");
        say(
                "initialize",
                1,
                "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":"
                        + "{\"name\":\"raw\",\"version\":\"1\"}");
        for (int id = 2; id < 50; id++) {
            say("tools/call", id, "\"name\":\"count\",\"arguments\":{}");
        }
        assertThat(hear(1).has("result")).isTrue();
        var missing = IntStream.range(2, 50).boxed().collect(Collectors.toSet());
        while (!missing.isEmpty()) {
            var response = RawClient.JSON.readTree(heddle.line(line -> line.contains("\"id\"")));
            assertThat(response.has("result")).as(response.toString()).isTrue();
            assertThat(missing.remove(response.path("id").asInt())).isTrue();
        }
    }

    @Test
    void an_id_is_taken_from_its_request_to_its_response() throws IOException {
        serve("");
        var slow = META + ",\"name\":\"slow\",\"arguments\":{\"ms\":1500}";
        say("tools/call", 1, slow);
        await().until(() -> stub.count("running") == 1);
        say("tools/call", 1, slow);
        assertThat(hear(1).path("error").path("message").asString(""))
                .contains("found an id that another request has");
        assertThat(hear(1).has("result")).isTrue();
        say("tools/call", 1, slow);
        assertThat(hear(1).has("result")).isTrue();
        assertThat(stub.count("runs")).isEqualTo(2);
    }
}
