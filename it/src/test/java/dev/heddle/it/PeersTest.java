package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Official clients of each era in front of a real server that has sessions only. */
class PeersTest {
    @TempDir private static Path folder;
    private static Heddle heddle;

    @BeforeAll
    static void serve() {
        heddle = Heddle.serve(folder, config());
    }

    @AfterAll
    static void end() {
        heddle.close();
    }

    private static String config() {
        return "incomingAuth: {type: local}\nbackends:\n  - {name: real, command: \""
                + Peers.node()
                + "\", args: [\""
                + Peers.server("everything")
                + "\", stdio]}";
    }

    private static void findsEverything(String era, String transport, String where) {
        var printed = Peers.run(Peers.node(), Peers.fixture("peer.mjs"), era, transport, where);
        var found = RawClient.JSON.readTree(printed.lines().toList().getLast());
        assertThat(found.path("server").asString("")).isEqualTo("heddle");
        assertThat(found.path("version").asString(""))
                .satisfies(
                        version ->
                                assertThat(version.equals("2026-07-28"))
                                        .isEqualTo(!era.equals("legacy")));
        assertThat(found.path("echo").asString("")).isEqualTo("Echo: hi");
        // on one wire the client may take the reply before what came right before it
        // and in a call of several rounds it counts these as progress too
        assertThat(found.path("progress").valueStream().map(JsonNode::asInt).distinct())
                .startsWith(1, 2);
        assertThat(found.path("sampling").asString("")).contains("sampled");
        assertThat(found.path("elicitation").asString("")).contains("\"name\": \"x\"");
        assertThat(found.path("roots").asString("")).contains("file:///tmp");
        assertThat(found.path("resource").asString("")).contains("demo://resource/dynamic/text/1");
        assertThat(found.path("prompt").asInt()).isPositive();
        assertThat(found.path("task").asString("")).contains("looms");
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "auto", "2026-07-28"})
    void the_official_client_finds_everything_in_each_era(String era) {
        findsEverything(era, "http", heddle.endpoint().toString());
    }

    @ParameterizedTest
    @CsvSource({"legacy, local", "2026-07-28, local", "2026-07-28, anonymous"})
    void what_a_server_asks_on_a_stream_of_its_own_finds_the_client(
            String era, String auth, @TempDir Path own) {
        int port = Child.freePort();
        try (var _ = Peers.everything("streamableHttp", port).listening(port);
                var gateway =
                        Heddle.serve(
                                own,
                                "incomingAuth: {type: "
                                        + auth
                                        + "}\nbackends: [{name: real, transport:"
                                        + " streamable-http, url: \"http://127.0.0.1:"
                                        + port
                                        + "/mcp\"}]")) {
            findsEverything(era, "http", gateway.endpoint().toString());
        }
    }

    @Test
    void the_official_client_of_the_old_transport_finds_everything() {
        findsEverything("legacy", "sse", heddle.endpoint().resolve("/sse").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "auto", "2026-07-28"})
    void a_client_that_starts_the_gateway_finds_everything(String era) throws IOException {
        var file = folder.resolve("stdio.yaml");
        Files.writeString(
                file, config() + "\ncatalogs: {folder: " + folder.resolve("stdio") + "}\n");
        findsEverything(era, "stdio", json(Heddle.command("stdio", "--config", file.toString())));
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "2026-07-28"})
    void a_bridge_between_finds_everything(String era) {
        var bridge =
                new String[] {
                    Peers.node(),
                    Peers.bridge(),
                    heddle.endpoint().toString(),
                    "--allow-http",
                    "--protocol",
                    era.equals("legacy") ? "legacy" : "auto"
                };
        findsEverything("legacy", "stdio", json(bridge));
    }

    private static String json(String[] command) {
        return JsonMapper.shared().writeValueAsString(command);
    }

    @ParameterizedTest
    @CsvSource({"legacy", "auto", "modern"})
    void the_inspector_lists_and_calls_in_each_era(String era) throws IOException {
        var config = folder.resolve("inspector-" + era + ".json");
        Files.writeString(
                config,
                "{\"mcpServers\":{\"heddle\":{\"type\":\"streamable-http\",\"protocolEra\":\""
                        + era
                        + "\",\"url\":\""
                        + heddle.endpoint()
                        + "\"}}}");
        assertThat(Peers.inspect(config, "--method", "tools/list")).contains("echo", "get-sum");
        assertThat(
                        Peers.inspect(
                                config,
                                "--method",
                                "tools/call",
                                "--tool-name",
                                "echo",
                                "--tool-arg",
                                "message=inspected"))
                .contains("Echo: inspected");
    }
}
