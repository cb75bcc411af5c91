package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What the keys of {@code operational}, {@code sessions} and {@code sessionStorage} do. */
class OperationKeysTest {
    private static final String PATIENT = "\nsessions: {coldStart: 10s}";

    @TempDir Path folder;

    private static String over(Stub... stubs) {
        var yaml = new StringBuilder("backends:\n");
        for (int i = 0; i < stubs.length; i++) {
            yaml.append("  - {name: s").append(i).append(", url: \"").append(stubs[i].url());
            yaml.append("\"}\n");
        }
        return yaml.toString();
    }

    private static JsonNode status(Heddle heddle) {
        return RawClient.page(heddle.endpoint().resolve("/status"));
    }

    private static JsonNode backend(Heddle heddle) {
        return status(heddle).path("backends").path(0);
    }

    @Test
    @Shows({"operational.timeouts.default", "operational.timeouts.perWorkload"})
    void calls_may_be_silent_for_the_time_that_is_set_for_all_or_for_one() {
        try (var a = Stub.start();
                var b = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                over(a, b)
                                        + "operational: {timeouts: {default: 300ms, perWorkload:"
                                        + " {s1: 60s}}}"
                                        + PATIENT)) {
            var session = heddle.client().initialize();
            assertThat(session.call("s0_slow", "{\"ms\":2000}").errorText())
                    .contains("no sign of life for 300 ms");
            assertThat(session.call("s1_slow", "{\"ms\":2000}").result().has("content")).isTrue();
        }
    }

    @Test
    @Shows({
        "operational.failureHandling.healthCheckInterval",
        "operational.failureHandling.healthCheckTimeout",
        "operational.failureHandling.unhealthyThreshold"
    })
    void probes_come_in_their_interval_and_so_many_that_fail_make_a_backend_unhealthy() {
        var rules =
                "operational: {failureHandling: {healthCheckInterval: 200ms, healthCheckTimeout:"
                        + " 100ms, unhealthyThreshold: ";
        try (var slow = Stub.start(Map.of("PING_MS", "60000"));
                var heddle = Heddle.serve(folder, over(slow) + rules + "2}}" + PATIENT)) {
            await().until(
                            () ->
                                    backend(heddle)
                                            .path("last_error")
                                            .asString("")
                                            .contains("ping within 100 ms"));
        }
        var well = Stub.start();
        try (var strict = Heddle.serve(folder, over(well) + rules + "2}}" + PATIENT);
                var lenient = Heddle.serve(folder, over(well) + rules + "1000}}" + PATIENT)) {
            await().until(() -> well.count("pings") > 5);
            assertThat(backend(strict).path("health").asString("")).isEqualTo("healthy");
            well.close();
            await().until(() -> backend(strict).path("health").asString("").equals("unhealthy"));
            await().until(() -> backend(lenient).path("failures").asInt() > 3);
            assertThat(backend(lenient).path("health").asString("")).isEqualTo("unknown");
        }
    }

    @Test
    @Shows({"operational.logLevel", "operational.failureHandling.statusReportingInterval"})
    void the_state_of_backends_is_logged_in_its_interval_at_level_debug() {
        var yaml = "operational: {failureHandling: {statusReportingInterval: 1s}, logLevel: ";
        try (var stub = Stub.start();
                var talkative = Heddle.serve(folder, over(stub) + yaml + "debug}")) {
            await().until(
                            () ->
                                    talkative.child().errors().stream()
                                                    .filter(line -> line.contains("s0 is healthy"))
                                                    .count()
                                            >= 2);
            try (var quiet = Heddle.serve(folder, over(stub) + yaml + "error}")) {
                quiet.client().initialize();
                assertThat(quiet.child().errors()).isEmpty();
            }
        }
    }

    @Test
    @Shows({"operational.failureHandling.partialFailureMode"})
    void a_session_may_be_refused_unless_every_backend_is_there() {
        try (var stub = Stub.start()) {
            var yaml =
                    over(stub)
                            + "  - {name: away, url: \"http://127.0.0.1:"
                            + Child.freePort()
                            + "/mcp\"}\noperational: {failureHandling: {partialFailureMode: ";
            try (var heddle = Heddle.serve(folder, yaml + "fail}}")) {
                var refused = heddle.client().post(RawHttp.INITIALIZE);
                assertThat(refused.errorText()).contains("away");
                assertThat(refused.header("mcp-session-id")).isEmpty();
            }
            try (var heddle = Heddle.serve(folder, yaml + "best_effort}}")) {
                assertThat(heddle.client().initialize().tools()).contains("count");
            }
        }
    }

    @Test
    @Shows({
        "operational.failureHandling.circuitBreaker.enabled",
        "operational.failureHandling.circuitBreaker.failureThreshold",
        "operational.failureHandling.circuitBreaker.timeout"
    })
    void a_backend_that_has_failed_too_often_is_left_in_peace_for_a_while() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                over(stub)
                                        + "operational: {failureHandling: {circuitBreaker:"
                                        + " {enabled: true, failureThreshold: 2, timeout: 1s}}}"
                                        + PATIENT)) {
            var session = heddle.client().initialize();
            assertThat(session.call("garbage", "{}").errorText()).contains("no JSON-RPC message");
            assertThat(session.call("count", "{}").text()).isEqualTo("1");
            session.call("garbage", "{}");
            session.call("garbage", "{}");
            int runs = stub.count("runs");
            assertThat(session.call("count", "{}").errorText()).contains("circuit breaker is open");
            assertThat(stub.count("runs")).isEqualTo(runs);
            assertThat(backend(heddle).path("circuit").asString("")).isEqualTo("open");
            await().until(() -> session.call("count", "{}").reply().has("result"));
            assertThat(backend(heddle).path("circuit").asString("")).isEqualTo("closed");
        }
    }

    @Test
    void without_a_circuit_breaker_every_call_is_tried() {
        try (var stub = Stub.start();
                var heddle = Heddle.serve(folder, over(stub) + PATIENT)) {
            var session = heddle.client().initialize();
            for (int i = 0; i < 10; i++) {
                session.call("garbage", "{}");
            }
            assertThat(stub.count("runs")).isEqualTo(10);
            assertThat(session.call("count", "{}").text()).isEqualTo("1");
        }
    }

    @Test
    @Shows({"sessions.lifetime", "sessionStorage.provider"})
    void a_session_ends_when_its_lifetime_is_over_even_if_it_is_used() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                over(stub)
                                        + "sessionStorage: {provider: memory}\n"
                                        + "sessions: {lifetime: 2s, ttl: 3s, coldStart: 10s}")) {
            var session = heddle.client().initialize();
            assertThat(session.call("count", "{}").text()).isEqualTo("1");
            await().until(() -> session.call("count", "{}").status() == 404);
            assertThat(heddle.client().initialize().call("count", "{}").text()).isEqualTo("1");
        }
    }

    @Test
    @Shows({"sessions.streams"})
    void a_session_has_no_more_streams_than_allowed() {
        try (var stub = Stub.start();
                var heddle = Heddle.serve(folder, over(stub) + "sessions: {streams: 2}");
                var first = RawHttp.to(heddle.endpoint());
                var second = RawHttp.to(heddle.endpoint());
                var third = RawHttp.to(heddle.endpoint())) {
            var session = heddle.client().initialize();
            assertThat(listen(first, session).status()).isEqualTo(200);
            assertThat(listen(second, session).status()).isEqualTo(200);
            assertThat(listen(third, session).head()).contains(" 503 ").contains("retry-after");
            second.hangUp();
            await().until(
                            () -> {
                                try (var again = RawHttp.to(heddle.endpoint())) {
                                    return listen(again, session).status() == 200;
                                }
                            });
        }
    }

    private static RawHttp listen(RawHttp connection, RawClient session) {
        return connection.write(
                "GET /mcp HTTP/1.1\r\n"
                        + connection.hostHeader()
                        + "Accept: text/event-stream\r\nMcp-Session-Id: "
                        + session.session()
                        + "\r\n\r\n");
    }

    @Test
    @Shows({"sessions.inFlight"})
    void a_session_has_no_more_calls_at_backends_than_allowed_and_the_others_wait()
            throws Exception {
        try (var stub = Stub.start();
                var heddle = Heddle.serve(folder, over(stub) + "sessions: {inFlight: 2}");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var client = heddle.client().initialize();
            client.call("count", "{}");
            stub.reset();
            var calls = new ArrayList<Future<RawClient.Answer>>();
            for (int i = 0; i < 6; i++) {
                calls.add(threads.submit(() -> client.call("slow", "{\"ms\": 300}")));
            }
            for (var call : calls) {
                assertThat(call.get().reply().has("result")).isTrue();
            }
            assertThat(stub.count("mostRunning")).isEqualTo(2);
            assertThat(stub.count("runs")).isEqualTo(6);
        }
    }

    @Test
    @Shows({"sessions.openings"})
    void a_session_opens_no_more_backends_at_once_than_allowed() {
        try (var stub = Stub.start(Map.of("INIT_MS", "100"));
                var heddle =
                        Heddle.serve(
                                folder,
                                over(stub, stub, stub, stub)
                                        + "sessions: {openings: 1, coldStart: 10s}")) {
            await().until(() -> status(heddle).path("tools").asInt() > 0);
            await().until(() -> stub.count("sessions") == 4);
            stub.reset();
            heddle.client().initialize();
            await().until(() -> stub.count("sessions") == 8);
            assertThat(stub.count("mostInitializing")).isEqualTo(1);
        }
    }

    @Test
    @Shows({"sessions.coldStart"})
    void initialize_waits_for_unknown_backends_as_long_as_it_is_told() {
        try (var slow = Stub.start(Map.of("INIT_MS", "3000"))) {
            try (var heddle = Heddle.serve(folder, over(slow) + "sessions: {coldStart: 0s}")) {
                assertThat(heddle.client().initialize().tools()).isEmpty();
            }
            try (var heddle = Heddle.serve(folder, over(slow) + "sessions: {coldStart: 30s}")) {
                assertThat(heddle.client().initialize().tools()).contains("count");
            }
        }
    }

    @Test
    @Shows({"sessions.maxPerOwner", "incomingAuth.type"})
    void anonymous_sessions_count_for_their_address_and_local_ones_for_the_user() {
        try (var stub = Stub.start()) {
            var yaml = over(stub) + "sessions: {maxPerOwner: 1}\nincomingAuth: {type: ";
            try (var heddle = Heddle.serve(folder, yaml + "anonymous}")) {
                assertThat(initializeFrom("127.0.0.1", heddle)).isEqualTo(200);
                assertThat(initializeFrom("127.0.0.1", heddle)).isEqualTo(503);
                assertThat(initializeFrom("127.0.0.2", heddle)).isEqualTo(200);
            }
            try (var heddle = Heddle.serve(folder, yaml + "local}")) {
                assertThat(initializeFrom("127.0.0.1", heddle)).isEqualTo(200);
                assertThat(initializeFrom("127.0.0.2", heddle)).isEqualTo(503);
            }
        }
    }

    private static int initializeFrom(String address, Heddle heddle) {
        try (var connection = RawHttp.from(address, heddle.endpoint())) {
            return connection.post(connection.hostHeader(), RawHttp.INITIALIZE).status();
        }
    }
}
