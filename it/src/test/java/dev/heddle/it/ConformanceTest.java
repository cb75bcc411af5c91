package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The official conformance suite, with Heddle between it and a server that has all it asks for. */
class ConformanceTest {
    @TempDir private Path folder;

    /** Runs a part of the suite, with more backends beside the one that is asked. */
    private Peers.Ended suite(String era, String more, String... options) {
        try (var server =
                        Child.start(Map.of(), Peers.node(), Peers.fixture("conformant.mjs"), era);
                var heddle = serve(server.line(line -> line.startsWith("http")), more)) {
            heddle.client().initialize();
            var command = new ArrayList<String>();
            command.addAll(List.of(Peers.node(), Peers.conformance(), "server", "--url"));
            command.add(heddle.endpoint().toString());
            command.addAll(List.of("-o", folder.resolve("results").toString()));
            command.addAll(List.of(options));
            return Peers.end(command.toArray(String[]::new));
        }
    }

    private Heddle serve(String url, String more) {
        return Heddle.serve(
                folder,
                "backends:\n"
                        + more
                        + "  - {name: only, transport: streamable-http, url: \""
                        + url
                        + "\"}");
    }

    @ParameterizedTest
    @CsvSource({
        "dual, 2025-11-25",
        "dual, 2026-07-28",
        "sessions, 2025-11-25",
        "stateless, 2025-11-25",
        "stateless, 2026-07-28",
    })
    void all_that_a_revision_requires_is_found_through_the_gateway(String era, String revision) {
        assertThat(suite(era, "", "--requirements", revision)).satisfies(this::isWhole);
        if (revision.equals("2025-11-25")) {
            assertThat(checks("server-sse-polling"))
                    .contains("server-sse-priming-event SUCCESS", "server-sse-retry-field SUCCESS");
        }
    }

    /** What a scenario has looked at, and what came of it: it may end well without a look. */
    private List<String> checks(String scenario) {
        try (var results = Files.list(folder.resolve("results"))) {
            var last = results.filter(path -> path.toString().contains(scenario)).findAny();
            var checks =
                    RawClient.JSON.readTree(last.orElseThrow().resolve("checks.json").toFile());
            return checks.valueStream()
                    .map(
                            check ->
                                    check.path("id").asString()
                                            + " "
                                            + check.path("status").asString())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void isWhole(Peers.Ended suite) {
        assertThat(suite.code()).as(suite.printed()).isZero();
        assertThat(suite.printed()).doesNotContain("✗ ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2025-11-25", "2026-07-28"})
    void nothing_of_it_is_lost_beside_other_servers(String revision) {
        assertThat(suite("dual", others(), "--requirements", revision)).satisfies(this::isWhole);
    }

    private String others() {
        return program("everything", Peers.server("everything"), "stdio")
                + program("files", Peers.server("filesystem"), folder.toString())
                + program("memory", Peers.server("memory"));
    }

    private static String program(String name, String... arguments) {
        return "  - {name: "
                + name
                + ", command: \""
                + Peers.node()
                + "\", args: ["
                + String.join(", ", arguments)
                + "]}\n";
    }

    @ParameterizedTest
    @CsvSource({"2025-03-26, false", "2025-06-18, false", "2025-03-26, true", "2025-06-18, true"})
    void older_revisions_are_spoken_as_well(String revision, boolean besideOthers) {
        var more = besideOthers ? others() : "";
        assertThat(suite("dual", more, "--suite", "all", "--spec-version", revision))
                .satisfies(this::isWhole);
    }

    /** A server with sessions has no key for what it asks, and one scenario wants a certain one. */
    @Test
    void clients_without_sessions_find_what_a_server_with_sessions_can_give_them() {
        var printed = suite("sessions", "", "--requirements", "2026-07-28").printed();
        var failing =
                printed.lines()
                        .filter(line -> line.startsWith("✗ "))
                        .map(line -> line.substring(2, line.indexOf(':')))
                        .filter(name -> !name.startsWith("tasks-"));
        assertThat(failing).containsExactly("input-required-result-basic-elicitation");
    }
}
