package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The official conformance suite, with Heddle between it and a server that has all it asks for. */
class ConformanceTest {
    @TempDir private static Path folder;
    private static Child server;
    private static Heddle heddle;

    @BeforeAll
    static void serve() {
        server = Child.start(Map.of(), Peers.node(), Peers.fixture("conformant.mjs"), "sessions");
        var url = server.line(line -> line.startsWith("http"));
        heddle =
                Heddle.serve(
                        folder,
                        "backends:\n  - {name: only, transport: streamable-http, url: \""
                                + url
                                + "\"}");
        heddle.client().initialize();
    }

    @AfterAll
    static void end() {
        heddle.close();
        server.close();
    }

    private static String suite(String... options) {
        var command = new ArrayList<String>();
        command.addAll(List.of(Peers.node(), Peers.conformance(), "server", "--url"));
        command.add(heddle.endpoint().toString());
        command.addAll(List.of(options));
        return Peers.run(command.toArray(String[]::new));
    }

    @Test
    void clients_with_sessions_find_all_that_their_newest_revision_requires() {
        var printed =
                suite("--requirements", "2025-11-25", "-o", folder.resolve("results").toString());
        assertThat(printed).contains("0 failing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "completion-complete",
                "tools-list",
                "tools-call-simple-text",
                "tools-call-image",
                "tools-call-audio",
                "tools-call-embedded-resource",
                "tools-call-mixed-content",
                "tools-call-error",
                "tools-call-with-progress",
                "server-sse-multiple-streams",
                "resources-list",
                "resources-read-text",
                "resources-read-binary",
                "resources-templates-read",
                "sep-2164-resource-not-found",
                "prompts-list",
                "prompts-get-simple",
                "prompts-get-with-args",
                "prompts-get-embedded-resource",
                "prompts-get-with-image",
                "dns-rebinding-protection",
                "caching",
                "http-header-validation",
                "http-custom-header-server-validation",
                "input-required-result-basic-sampling",
                "input-required-result-basic-list-roots",
                "input-required-result-request-state",
                "input-required-result-multi-round",
                "input-required-result-non-tool-request",
                "input-required-result-unsupported-methods",
                "input-required-result-tampered-state"
            })
    void clients_without_sessions_find_what_a_backend_with_sessions_can_give_them(String scenario) {
        var printed =
                suite(
                        "--scenario",
                        scenario,
                        "--spec-version",
                        "2026-07-28",
                        "-o",
                        folder.resolve("results").toString());
        assertThat(printed).doesNotContain("FAILURE");
    }
}
