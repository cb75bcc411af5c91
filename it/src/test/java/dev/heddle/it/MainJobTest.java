package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.spec.McpSchema;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One session over six real servers, while one more hangs for ever and another refuses connections.
 */
class MainJobTest {
    @TempDir static Path folder;

    private static ServerSocket hanging;
    private static Child streamable;
    private static Child sse;
    private static Heddle heddle;

    @BeforeAll
    static void start() throws IOException {
        hanging = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
        int streamablePort = Child.freePort();
        int ssePort = Child.freePort();
        streamable = Peers.everything("streamableHttp", streamablePort).listening(streamablePort);
        sse = Peers.everything("sse", ssePort).listening(ssePort);
        var node = Peers.node();
        heddle =
                Heddle.serve(
                        folder,
                        """
                        name: everything-at-once
                        backends:
                          - {name: http, url: http://127.0.0.1:%d/mcp, transport: streamable-http}
                          - {name: sse, url: http://127.0.0.1:%d/sse, transport: sse}
                          - {name: stdio, command: %s, args: [%s, stdio]}
                          - {name: files, command: %s, args: [%s, /tmp]}
                          - {name: memory, command: %s, args: [%s], env: {MEMORY_FILE_PATH: %s}}
                          - {name: thinking, command: %s, args: [%s]}
                          - {name: hangs, url: http://127.0.0.1:%d/mcp}
                          - {name: refuses, url: http://127.0.0.1:%d/mcp}
                        sessions: {coldStart: 10s}
                        """
                                .formatted(
                                        streamablePort,
                                        ssePort,
                                        node,
                                        Peers.server("everything"),
                                        node,
                                        Peers.server("filesystem"),
                                        node,
                                        Peers.server("memory"),
                                        folder.resolve("memory.json"),
                                        node,
                                        Peers.server("sequential-thinking"),
                                        hanging.getLocalPort(),
                                        Child.freePort()));
        await().atMost(Duration.ofSeconds(30)).until(() -> usable() == 6);
    }

    private static long usable() {
        return RawClient.page(heddle.endpoint().resolve("/status"))
                .path("backends")
                .valueStream()
                .filter(backend -> backend.path("health").asString("").equals("healthy"))
                .count();
    }

    @AfterAll
    static void stop() throws IOException {
        heddle.close();
        streamable.close();
        sse.close();
        hanging.close();
    }

    @Test
    void the_typescript_client_uses_all_of_them_in_one_session() {
        var steps = new LinkedHashMap<String, JsonNode>();
        var out =
                Peers.run(
                        Peers.node(),
                        Peers.fixture("scenario.mjs"),
                        heddle.endpoint().toString(),
                        "http",
                        "sse",
                        "stdio");
        out.lines()
                .map(RawClient.JSON::readTree)
                .forEach(step -> steps.put(step.path("step").asString(""), step.path("value")));
        for (var backend : new String[] {"http", "sse", "stdio"}) {
            assertThat(steps.get(backend + " echo").asString("")).isEqualTo("Echo: hi");
            assertThat(steps.get(backend + " progress")).hasToString("[1,2,3]");
            assertThat(steps.get(backend + " sampling").asString("")).contains("sampled");
            assertThat(steps.get(backend + " elicitation").asString(""))
                    .contains("provided the requested information");
            assertThat(steps.get(backend + " roots").asString("")).contains("file:///tmp");
            assertThat(steps.get(backend + " asked").toString())
                    .contains("sampling", "elicitation");
        }
        assertThat(steps.get("files").asString("")).contains("/tmp");
        assertThat(steps.get("thought 1").asInt()).isEqualTo(1);
        assertThat(steps.get("thought 2").asInt()).isEqualTo(2);
        assertThat(steps.get("memory").asString("")).contains("entities");
        assertThat(steps.get("read").asString("")).isEqualTo("demo://resource/dynamic/text/1");
        assertThat(steps.get("prompt").asInt()).isPositive();
        assertThat(steps.get("completion")).hasToString("[\"Engineering\"]");
        assertThat(steps.get("updated").asBoolean()).isTrue();
        assertThat(steps.get("cancelled").asString("")).isEqualTo("cancelled");
        assertThat(steps.get("error").asInt()).isEqualTo(-32602);
        assertThat(steps.get("after").asInt())
                .isEqualTo(400); // the client has dropped its session id
    }

    @Test
    void the_java_client_lists_and_calls() {
        var transport =
                HttpClientStreamableHttpTransport.builder(
                                "http://127.0.0.1:" + heddle.endpoint().getPort())
                        .endpoint("/mcp")
                        .build();
        try (var client =
                McpClient.sync(transport).requestTimeout(Duration.ofSeconds(30)).build()) {
            assertThat(client.initialize().serverInfo().name()).isEqualTo("everything-at-once");
            assertThat(client.listTools().tools())
                    .extracting(McpSchema.Tool::name)
                    .contains("http_echo", "sse_echo", "stdio_echo");
            for (var tool : new String[] {"http_echo", "sse_echo", "stdio_echo"}) {
                var result =
                        client.callTool(
                                McpSchema.CallToolRequest.builder(tool)
                                        .arguments(Map.of("message", "java"))
                                        .build());
                assertThat(((McpSchema.TextContent) result.content().getFirst()).text())
                        .isEqualTo("Echo: java");
            }
            assertThat(client.listResources().resources()).isNotEmpty();
            assertThat(client.listPrompts().prompts()).isNotEmpty();
        }
    }

    @Test
    void the_inspector_lists_and_calls() throws IOException {
        var config = folder.resolve("inspector.json");
        Files.writeString(
                config,
                "{\"mcpServers\":{\"heddle\":{\"type\":\"streamable-http\",\"url\":\""
                        + heddle.endpoint()
                        + "\"}}}");
        var listed = Peers.inspect(config, "--method", "tools/list");
        assertThat(listed)
                .contains(
                        "http_echo",
                        "sse_echo",
                        "stdio_echo",
                        "list_allowed_directories",
                        "read_graph",
                        "sequentialthinking");
        var called =
                Peers.inspect(
                        config,
                        "--method",
                        "tools/call",
                        "--tool-name",
                        "stdio_echo",
                        "--tool-arg",
                        "message=inspected");
        assertThat(called).contains("Echo: inspected");
    }

    @Test
    void initialize_waits_once_for_one_that_hangs_and_never_again() {
        heddle.client().initialize();
        var client = assertTimeout(Duration.ofSeconds(5), () -> heddle.client().initialize());
        assertThat(client.tools()).contains("http_echo");
        assertThat(client.delete().status()).isEqualTo(200);
    }

    @Test
    void pages_tell_how_the_gateway_is() {
        var base = heddle.endpoint();
        assertThat(RawClient.page(base.resolve("/health")).path("status").asString(""))
                .isEqualTo("ok");
        assertThat(RawClient.page(base.resolve("/readyz")).path("status").asString(""))
                .isEqualTo("ready");
        var session = heddle.client().initialize();
        session.call("http_echo", "{\"message\":\"x\"}");
        var metrics = RawClient.text(base.resolve("/metrics"));
        assertThat(metrics)
                .contains("heddle_sessions", "heddle_backend_sessions{backend=\"http\"}")
                .contains(
                        "heddle_calls_seconds_count{backend=\"http\",method=\"tools/call\",outcome=\"result\"}")
                .doesNotContain(session.session());
        assertThat(RawClient.text(base.resolve("/status"))).doesNotContain(session.session());
    }
}
