package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import tools.jackson.databind.json.JsonMapper;

import java.nio.file.Path;
import java.util.Map;

/**
 * The official conformance suite grades how the gateway treats a server, with the official client
 * in front of it.
 */
class RefereeTest {
    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({
        "initialize, 2025-11-25",
        "tools_call, 2025-11-25",
        "elicitation-sep1034-client-defaults, 2025-11-25",
        "sse-retry, 2025-11-25",
        "json-schema-2020-12-preservation, 2025-11-25",
        "tools_call, 2026-07-28",
        "request-metadata, 2026-07-28",
        "sep-2322-client-request-state, 2026-07-28",
        "http-standard-headers, 2026-07-28",
        "http-custom-headers, 2026-07-28",
        "http-invalid-tool-headers, 2026-07-28",
        "json-schema-ref-no-deref, 2026-07-28",
        "json-schema-2020-12-preservation, 2026-07-28",
    })
    void a_server_is_treated_as_the_specification_says(String scenario, String revision) {
        var graded =
                Peers.end(
                        Map.of("HEDDLE", JsonMapper.shared().writeValueAsString(Heddle.command())),
                        Peers.node(),
                        Peers.conformance(),
                        "client",
                        "--command",
                        Peers.node() + " " + Peers.fixture("referee.mjs"),
                        "--scenario",
                        scenario,
                        "--spec-version",
                        revision,
                        "-o",
                        folder.toString());
        assertThat(graded.code()).as(graded.printed()).isZero();
    }
}
