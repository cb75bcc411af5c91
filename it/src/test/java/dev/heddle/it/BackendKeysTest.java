package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;

/** What the keys of {@code backends} and {@code outgoingAuth} do. */
class BackendKeysTest {
    private static final String PATIENT = "\nsessions: {coldStart: 10s}";

    @TempDir Path folder;

    private Heddle serve(String yaml) {
        return Heddle.serve(folder, yaml + PATIENT);
    }

    private static String backend(String name, Stub stub, String more) {
        return "{name: " + name + ", url: \"" + stub.url() + "\"" + more + "}";
    }

    @Test
    @Shows({"backends[].url", "backends[].name", "backends[].headers"})
    void a_backend_is_reached_at_its_url_with_its_headers_and_nothing_of_the_clients() {
        try (var stub = Stub.start();
                var heddle =
                        serve(
                                "backends: ["
                                        + backend("s", stub, ", headers: {X-Team: blue}")
                                        + "]\naggregation: {conflictResolution: prefix}")) {
            var session =
                    heddle.client()
                            .header("Authorization", "Bearer secret")
                            .header("X-Client", "mine")
                            .initialize();
            var headers = RawClient.JSON.readTree(session.call("s_headers", "{}").text());
            assertThat(headers.path("x-team").asString("")).isEqualTo("blue");
            assertThat(headers.has("authorization") || headers.has("x-client")).isFalse();
        }
    }

    @Test
    @Shows({
        "outgoingAuth.source",
        "outgoingAuth.default.type",
        "outgoingAuth.default.headerInjection.headerName",
        "outgoingAuth.default.headerInjection.headerValue",
        "outgoingAuth.backends.*.type",
        "outgoingAuth.backends.*.headerInjection.headerName",
        "outgoingAuth.backends.*.headerInjection.headerValue"
    })
    void credentials_are_put_in_by_default_or_by_backend() {
        try (var a = Stub.start();
                var b = Stub.start();
                var c = Stub.start();
                var heddle =
                        serve(
                                "backends: ["
                                        + backend("a", a, "")
                                        + ", "
                                        + backend("b", b, "")
                                        + ", "
                                        + backend("c", c, "")
                                        + "]\n"
                                        + """
                                        outgoingAuth:
                                          source: inline
                                          default:
                                            type: header_injection
                                            headerInjection: {headerName: X-Key, headerValue: common}
                                          backends:
                                            b:
                                              type: header_injection
                                              headerInjection: {headerName: X-Own, headerValue: special}
                                            c: {type: unauthenticated}
                                        """)) {
            var session = heddle.client().initialize();
            assertThat(session.call("a_headers", "{}").text()).contains("\"x-key\":\"common\"");
            assertThat(session.call("b_headers", "{}").text())
                    .contains("\"x-own\":\"special\"")
                    .doesNotContain("x-key");
            assertThat(session.call("c_headers", "{}").text()).doesNotContain("x-key", "x-own");
        }
    }

    @Test
    @Shows({
        "outgoingAuth.default.headerInjection.headerValueEnv",
        "outgoingAuth.backends.*.headerInjection.headerValueEnv"
    })
    void credentials_may_come_from_the_environment() {
        try (var a = Stub.start();
                var b = Stub.start();
                var heddle =
                        Heddle.serve(
                                Map.of("KEY_A", "from a", "KEY_B", "from b"),
                                folder,
                                "backends: ["
                                        + backend("a", a, "")
                                        + ", "
                                        + backend("b", b, "")
                                        + "]\n"
                                        + """
                                        outgoingAuth:
                                          default:
                                            type: header_injection
                                            headerInjection: {headerName: X-Key, headerValueEnv: KEY_A}
                                          backends:
                                            b:
                                              type: header_injection
                                              headerInjection: {headerName: X-Key, headerValueEnv: KEY_B}
                                        """
                                        + PATIENT)) {
            var session = heddle.client().initialize();
            assertThat(session.call("a_headers", "{}").text()).contains("\"x-key\":\"from a\"");
            assertThat(session.call("b_headers", "{}").text()).contains("\"x-key\":\"from b\"");
        }
    }

    @Test
    @Shows({"backends[].command", "backends[].args", "backends[].env", "backends[].cwd"})
    void a_program_gets_its_arguments_its_variables_and_its_folder() {
        try (var heddle =
                serve(
                        "backends: [{name: p, command: "
                                + Peers.node()
                                + ", args: ["
                                + Peers.fixture("lines.mjs")
                                + ", one, two words], env: {COLOUR: red}, cwd: "
                                + folder
                                + "}]")) {
            var session = heddle.client().initialize();
            var where = RawClient.JSON.readTree(session.call("where", "{}").text());
            assertThat(where.path("args").toString()).isEqualTo("[\"one\",\"two words\"]");
            assertThat(Path.of(where.path("cwd").asString("")).getFileName())
                    .isEqualTo(folder.getFileName());
            assertThat(session.call("environment", "{}").text()).contains("\"COLOUR\":\"red\"");
        }
    }

    @Test
    @Shows({"backends[].transport"})
    void the_transport_can_be_named() {
        try (var stub = Stub.start();
                var heddle =
                        serve(
                                "backends: ["
                                        + backend("right", stub, ", transport: streamable-http")
                                        + ", "
                                        + backend("wrong", stub, ", transport: sse")
                                        + "]")) {
            var status = heddle.endpoint().resolve("/status");
            await().until(() -> RawClient.text(status).contains("\"transport\":\"sse\""));
            heddle.client().initialize();
            var backends = RawClient.page(status).path("backends");
            assertThat(backends.path(0).path("transport").asString(""))
                    .isEqualTo("streamable-http");
            assertThat(backends.path(0).path("tools").asInt()).isPositive();
            await().until(() -> RawClient.page(status).path("backends").path(1).has("last_error"));
        }
    }

    @Test
    @Shows({"backends[].timeout"})
    void a_silent_call_ends_after_the_backends_own_time() {
        try (var quick = Stub.start();
                var heddle = serve("backends: [" + backend("q", quick, ", timeout: 300ms") + "]")) {
            var refused = heddle.client().initialize().call("never", "{}");
            assertThat(refused.errorText()).contains("gave no sign of life for 300 ms");
        }
    }

    @Test
    @Shows({"backends[].openTimeout"})
    void a_slow_opening_is_given_up_after_the_backends_own_time() {
        try (var slow = Stub.start(Map.of("INIT_MS", "60000"));
                var heddle = serve("backends: [" + backend("s", slow, ", openTimeout: 1s") + "]")) {
            await().until(
                            () ->
                                    RawClient.text(heddle.endpoint().resolve("/status"))
                                            .contains("within 1000 ms"));
        }
    }

    @Test
    @Shows({"backends[].openings"})
    void no_more_conversations_than_allowed_are_being_opened_at_once() throws Exception {
        try (var stub = Stub.start(Map.of("INIT_MS", "50"));
                var heddle = serve("backends: [" + backend("s", stub, ", openings: 2") + "]");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            heddle.client().initialize();
            for (int i = 0; i < 12; i++) {
                threads.submit(() -> heddle.client().initialize().call("count", "{}").text());
            }
            await().until(() -> stub.count("initializes") >= 14);
            assertThat(stub.count("mostInitializing")).isBetween(2, 3); // the watch is one more
        }
    }

    @Test
    @Shows({"backends[].metadata"})
    void what_is_said_of_a_backend_is_shown() {
        try (var stub = Stub.start();
                var heddle =
                        serve(
                                "backends: ["
                                        + backend("s", stub, ", metadata: {team: blue}")
                                        + "]")) {
            var backend =
                    RawClient.page(heddle.endpoint().resolve("/status")).path("backends").path(0);
            assertThat(backend.path("metadata").path("team").asString("")).isEqualTo("blue");
        }
    }

    @Test
    void a_load_balancer_in_front_of_a_backend_is_shown_its_own_cookies() {
        try (var sticky = Stub.start(Map.of("STICKY", "1"));
                var heddle = serve("backends: [" + backend("s", sticky, "") + "]")) {
            var session = heddle.client().initialize();
            var other = heddle.client().initialize();
            assertThat(session.call("count", "{}").text()).isEqualTo("1");
            assertThat(session.call("count", "{}").text()).isEqualTo("2");
            assertThat(other.call("count", "{}").text()).isEqualTo("1");
            assertThat(session.call("headers", "{}").text()).contains("route=").contains("other=1");
        }
    }
}
