package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.IntStream;

/** The ways to reach a backend that are not everyday. */
class TransportTest {
    @TempDir Path folder;

    private static final String PATIENT = "\nsessions: {coldStart: 10s}";

    @Test
    @Shows({"backends[].type", "backends[].caBundlePath"})
    void a_certificate_is_checked_against_the_configured_authorities() {
        var keys = Keys.make(folder);
        try (var stub = Stub.start(Map.of("TLS_PFX", keys.store()))) {
            var url = "https://localhost:" + stub.port() + "/mcp";
            try (var heddle =
                    Heddle.serve(
                            folder,
                            "backends: [{name: s, url: \""
                                    + url
                                    + "\", type: entry, caBundlePath: "
                                    + keys.certificate()
                                    + "}]"
                                    + PATIENT)) {
                var session = heddle.client().initialize();
                assertThat(session.call("count", "{}").text()).isEqualTo("1");
                assertThat(session.call("count", "{}").text()).isEqualTo("2");
            }
            try (var heddle =
                    Heddle.serve(folder, "backends: [{name: s, url: \"" + url + "\"}]" + PATIENT)) {
                await().until(
                                () ->
                                        RawClient.text(heddle.endpoint().resolve("/status"))
                                                .contains("TLS failed"));
            }
        }
    }

    @Test
    void a_redirect_on_the_same_host_is_followed() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [{name: s, url: \""
                                        + stub.url().replace("/mcp", "/moved")
                                        + "\"}]"
                                        + PATIENT)) {
            assertThat(heddle.client().initialize().call("count", "{}").text()).isEqualTo("1");
        }
    }

    @Test
    void pages_are_followed_and_a_cycle_of_cursors_ends() {
        try (var stub = Stub.start(Map.of("PAGES", "1"));
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [{name: s, url: \"" + stub.url() + "\"}]" + PATIENT)) {
            assertThat(heddle.client().initialize().tools())
                    .contains("count", "exotic")
                    .doesNotHaveDuplicates()
                    .hasSize(16);
        }
    }

    @Test
    @Shows({"backends[].shared"})
    void a_shared_process_serves_all_sessions_and_each_hears_its_own_answers() {
        try (var heddle =
                Heddle.serve(
                        folder,
                        "backends: [{name: l, command: \"%s\", args: [\"%s\"], shared: true}]"
                                        .formatted(Peers.node(), Peers.fixture("lines.mjs"))
                                + PATIENT)) {
            var sessions =
                    IntStream.range(0, 5).mapToObj(_ -> heddle.client().initialize()).toList();
            for (var session : sessions) {
                assertThat(session.call("lines", "{}").text()).contains("tools/call");
            }
            long programs =
                    heddle.child()
                            .process()
                            .descendants()
                            .filter(process -> process.info().command().orElse("").endsWith("node"))
                            .count();
            assertThat(programs).isEqualTo(1);
            sessions.getFirst().delete();
            assertThat(sessions.getLast().call("lines", "{}").status()).isEqualTo(200);
            assertThat(sessions.getLast().call("die", "{}").errorCode()).isEqualTo(-32603);
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> sessions.get(2).call("lines", "{}").reply().has("result"));
        }
    }

    @Test
    @Shows({"backends[].idleStop"})
    void a_process_that_is_not_used_is_stopped_and_the_next_call_starts_another() {
        try (var heddle =
                Heddle.serve(
                        folder,
                        "backends: [{name: l, command: \"%s\", args: [\"%s\"], idleStop: 1s}]"
                                        .formatted(Peers.node(), Peers.fixture("lines.mjs"))
                                + PATIENT)) {
            var session = heddle.client().initialize();
            assertThat(session.call("lines", "{}").text()).contains("initialize");
            await().atMost(Duration.ofSeconds(20))
                    .until(() -> running(heddle) <= 1); // the watch's may stay
            assertThat(session.call("lines", "{}").text()).contains("initialize");
        }
    }

    private static long running(Heddle heddle) {
        return heddle.child()
                .process()
                .descendants()
                .filter(process -> process.info().command().orElse("").endsWith("node"))
                .count();
    }

    @Test
    @Shows({"backends[].processes"})
    void processes_have_a_cap_with_a_clear_error() {
        try (var heddle =
                Heddle.serve(
                        folder,
                        "backends: [{name: l, command: \"%s\", args: [\"%s\"], processes: 2}]"
                                        .formatted(Peers.node(), Peers.fixture("lines.mjs"))
                                + PATIENT)) {
            var first = heddle.client().initialize();
            first.call("lines", "{}");
            heddle.client().initialize().call("lines", "{}");
            var refused = heddle.client().initialize().call("lines", "{}");
            assertThat(refused.errorText()).contains("has 2 processes already");
            first.delete();
            await().atMost(Duration.ofSeconds(15))
                    .until(
                            () ->
                                    heddle.client()
                                            .initialize()
                                            .call("lines", "{}")
                                            .reply()
                                            .has("result"));
        }
    }
}
