package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The command line, through the launcher at the root. */
class CommandLineTest {
    private static final String LAUNCHER = Peers.ROOT.resolve("heddle").toString();

    @TempDir Path folder;

    private record Result(int code, String out, String err) {}

    private Result run(String... args) {
        var command = new ArrayList<>(List.of(LAUNCHER));
        command.addAll(List.of(args));
        try {
            var builder = new ProcessBuilder(command);
            builder.environment().put("XDG_CACHE_HOME", folder.resolve("cache").toString());
            var process = builder.start();
            process.getOutputStream().close();
            var err = new StringBuilder();
            var reader =
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        try {
                                            err.append(
                                                    new String(
                                                            process.getErrorStream().readAllBytes(),
                                                            StandardCharsets.UTF_8));
                                        } catch (IOException e) {
                                            err.append(e.getMessage());
                                        }
                                    });
            var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            reader.join();
            return new Result(process.exitValue(), out, err.toString());
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void serving_needs_no_configuration() {
        try (var child = Child.start(Map.of(), LAUNCHER, "serve", "--port", "0")) {
            var line = child.line(text -> text.contains("Heddle serves MCP at "));
            var url = URI.create(line.substring(line.indexOf("http")));
            assertThat(child.line(text -> text.contains("mcpServers"))).contains(url.toString());
            assertThat(child.line(text -> text.contains("heddle serve "))).contains("npx");
            var session = new RawClient(url).initialize();
            assertThat(session.tools()).containsExactly("now", "write_note");
            assertThat(session.call("write_note", "{\"title\":\"a b\",\"text\":\"x\"}").text())
                    .isEqualTo("There is 1 note.");
            assertThat(session.call("write_note", "{\"title\":\"c\",\"text\":\"y\"}").text())
                    .isEqualTo("There are 2 notes.");
            var note = session.request("resources/read", "{\"uri\":\"note:///a%20b\"}");
            assertThat(note.result().path("contents").path(0).path("text").asString(""))
                    .isEqualTo("x");
        }
    }

    @Test
    void tools_and_call_need_no_client() {
        assertThat(run("tools").out()).contains("now", "clock", "write_note");
        var called = run("call", "now", "{\"zone\":\"Europe/Vienna\"}");
        assertThat(called.code()).isZero();
        assertThat(called.out()).contains("\"type\":\"text\"");
        assertThat(run("call", "now", "{\"zone\":\"Nowhere\"}").code()).isEqualTo(3);
        assertThat(run("call", "nope", "{}"))
                .satisfies(
                        result -> {
                            assertThat(result.code()).isEqualTo(1);
                            assertThat(result.err()).contains("tool 'nope' not found");
                        });
        assertThat(run("call", "now", "[]").code()).isEqualTo(2);
    }

    @RepeatedTest(5)
    void a_program_that_cannot_start_says_why() {
        var failed = run("tools", "sh -c 'echo MISSING_API_KEY is not set >&2; exit 3'");
        assertThat(failed.code()).isEqualTo(1);
        assertThat(failed.err()).contains("MISSING_API_KEY is not set", "exit code 3");
        assertThat(run("tools", "http://127.0.0.1:" + Child.freePort() + "/mcp").code())
                .isEqualTo(1);
    }

    @Test
    void a_call_waits_for_no_other_backend_than_its_own() throws IOException {
        try (var hangs = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
                var stub = Stub.start()) {
            var called =
                    assertTimeout(
                            Duration.ofSeconds(15),
                            () ->
                                    run(
                                            "call",
                                            "count",
                                            "{}",
                                            stub.url(),
                                            "http://127.0.0.1:" + hangs.getLocalPort() + "/mcp"));
            assertThat(called.out()).contains("\"text\":\"1\"");
        }
    }

    @Test
    void a_file_of_toolhives_starts_unchanged() throws IOException {
        var file = folder.resolve("judge.yaml");
        Files.writeString(
                file,
                """
                name: judge
                groupRef: judge
                backends: [{name: a, url: http://127.0.0.1:3101/mcp, transport: streamable-http}, {name: b, url: http://127.0.0.1:3102/mcp, transport: sse}]
                incomingAuth: {type: anonymous}
                outgoingAuth: {source: inline, default: {type: unauthenticated}}
                aggregation: {conflictResolution: prefix, conflictResolutionConfig: {prefixFormat: "{workload}_"}, tools: [{workload: a, filter: [x], overrides: {y: {name: x, description: X}}}]}
                operational: {timeouts: {default: 30s, perWorkload: {a: 45s}}, failureHandling: {healthCheckInterval: 30s, unhealthyThreshold: 3, partialFailureMode: best_effort, circuitBreaker: {enabled: true, failureThreshold: 5, timeout: 60s}}}
                sessionStorage: {provider: memory}
                """);
        try (var heddle = Heddle.start("serve", "--config", file.toString(), "--port", "0")) {
            assertThat(heddle.client().initialize().tools()).isEmpty();
            var status = RawClient.page(heddle.endpoint().resolve("/status"));
            assertThat(status.path("group_ref").asString("")).isEqualTo("judge");
        }
    }

    @Test
    void quick_mode_takes_urls_and_commands() {
        try (var stub = Stub.start()) {
            var listed =
                    run(
                            "tools",
                            stub.url(),
                            "mine=" + Peers.node() + " " + Peers.fixture("lines.mjs"));
            assertThat(listed.out()).contains("count", "127.0.0.1", "lines", "mine");
        }
    }

    @Test
    void an_mcp_config_file_is_enough() throws IOException {
        var file = folder.resolve("mcp.json");
        Files.writeString(
                file,
                "{\"mcpServers\":{\"l\":{\"command\":\""
                        + Peers.node()
                        + "\",\"args\":[\""
                        + Peers.fixture("lines.mjs")
                        + "\"]}}}");
        assertThat(run("tools", "--mcp-config", file.toString()).out()).contains("environment");
        assertThat(run("validate", "--mcp-config", file.toString()).out())
                .contains("valid: 1 backend.");
        var written = folder.resolve("out.yaml");
        assertThat(run("init", "--from", file.toString(), "-o", written.toString()).code())
                .isZero();
        assertThat(run("validate", "-c", written.toString()).code()).isZero();
        assertThat(run("init", "-o", written.toString()).err()).contains("found a file there");
    }

    @Test
    void a_wrong_file_is_refused_with_all_its_problems() throws IOException {
        var file = folder.resolve("bad.yaml");
        Files.writeString(file, "nmae: x\nserver: {port: many}\n");
        var refused = run("validate", "--config", file.toString());
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains("did you mean 'name'", "server.port: found 'many'");
        assertThat(run("serve", "--config", file.toString()).code()).isEqualTo(2);
        assertThat(run("validate", "--config", folder.resolve("none").toString()).err())
                .contains("found no such file");
    }

    @Test
    void a_port_in_use_is_named() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var refused = run("serve", "--port", Integer.toString(taken.getLocalPort()));
            assertThat(refused.code()).isEqualTo(1);
            assertThat(refused.err()).contains(":" + taken.getLocalPort());
        }
    }

    @Test
    void an_address_that_others_reach_needs_a_flag() {
        var refused = run("serve", "--host", "0.0.0.0", "--port", "0");
        assertThat(refused.code()).isEqualTo(1);
        assertThat(refused.err()).contains("--allow-anonymous-remote");
    }

    @ParameterizedTest
    @CsvSource({"--port,99999", "--session-ttl,soon", "--log-level,loud", "--log-format,xml"})
    void a_wrong_flag_names_what_was_expected(String flag, String value) {
        var refused = run("serve", flag, value);
        assertThat(refused.code()).isEqualTo(2);
        assertThat(refused.err()).contains(flag, value, "expected");
    }

    @Test
    void help_version_and_completion_are_there() {
        assertThat(run("--help").out())
                .contains("serve", "tools", "call", "validate", "init", "Exit codes");
        assertThat(run("version").out()).contains("heddle 0.1.0");
        assertThat(run("generate-completion").out()).contains("complete -F");
        assertThat(run("nonsense").code()).isEqualTo(2);
    }
}
