package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A backend that offers HTTP/2 is spoken to in it, over TLS. */
class Http2Test {
    @TempDir static Path folder;

    private static Keys keys;
    private static Stub stub;
    private static Heddle heddle;

    @BeforeAll
    static void start() {
        keys = Keys.make(folder);
        stub = stub(0);
        heddle = Heddle.serve(folder, backend(stub.port()));
    }

    private static Stub stub(int port) {
        var environment =
                Map.of("TLS_PFX", keys.store(), "HTTP2", "1", "PORT", Integer.toString(port));
        return Stub.start(environment);
    }

    private static String backend(int port) {
        return """
        backends:
          - {name: s, url: "https://localhost:%d/mcp", type: entry, caBundlePath: "%s", timeout: 5s}
        sessions: {coldStart: 10s}
        """
                .formatted(port, keys.certificate());
    }

    @AfterAll
    static void stop() {
        heddle.close();
        stub.close();
    }

    @Test
    void its_requests_say_what_http_1_requests_say() {
        var client = heddle.client().initialize();
        assertThat(client.call("headers", "{}").text())
                .contains(
                        "\":method\":\"POST\"",
                        "\":scheme\":\"https\"",
                        "\":path\":\"/mcp\"",
                        "\":authority\":\"localhost:" + stub.port() + "\"",
                        "\"accept\":\"application/json, text/event-stream\"",
                        "\"content-type\":\"application/json\"",
                        "\"mcp-protocol-version\":\"2025-11-25\"",
                        "\"mcp-session-id\":");
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
        assertThat(client.call("count", "{}").text()).isEqualTo("2");
    }

    @Test
    void many_calls_at_once_share_a_few_connections() throws Exception {
        heddle.client().initialize().call("count", "{}");
        int before = stub.count("connections");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var calls = new ArrayList<Future<RawClient.Answer>>();
            for (int i = 0; i < 60; i++) {
                var client = heddle.client().initialize();
                calls.add(threads.submit(() -> client.call("slow", "{\"ms\":1000}")));
            }
            for (var call : calls) {
                assertThat(call.get().result().has("content")).isTrue();
            }
        }
        assertThat(stub.count("mostRunning")).isGreaterThan(20);
        assertThat(stub.count("connections") - before).isBetween(0, 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"bytes\":6000000}", "{\"bytes\":6000000,\"events\":true}"})
    void large_results_arrive_as_they_were_sent(String arguments) {
        var text = heddle.client().initialize().call("big", arguments).text();
        assertThat(text.equals("y\u00e9".repeat(2_000_000))).isTrue();
    }

    @Test
    void a_client_that_does_not_read_is_in_nobodys_way_and_loses_nothing() {
        var client = heddle.client().initialize();
        try (var slow = RawHttp.calling(heddle, client, "flood", "{\"messages\":60000}")) {
            for (int i = 1; i <= 200; i++) {
                assertThat(client.call("count", "{}").text()).isEqualTo(Integer.toString(i));
            }
            var all = slow.readMuchTo("\r\n0\r\n\r\n");
            assertThat(all.split("notifications/message", -1).length - 1).isEqualTo(60_000);
            assertThat(all).contains("done");
        }
    }

    @Test
    void a_call_that_times_out_ends_its_stream_and_no_other() {
        var client = heddle.client().initialize();
        int before = stub.count("cancelled");
        assertThat(client.call("never", "{}").errorText()).contains("no sign of life");
        await().until(() -> stub.count("cancelled") > before);
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void a_server_that_comes_back_is_reached_again(@TempDir Path own) {
        try (var first = stub(0);
                var other = Heddle.serve(own, backend(first.port()))) {
            var client = other.client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            first.stop();
            assertThat(client.call("count", "{}").reply().has("error")).isTrue();
            try (var again = stub(first.port())) {
                await().until(() -> client.call("count", "{}").reply().has("result"));
                assertThat(again.count("sessions")).isPositive();
            }
        }
    }

    @Test
    void a_server_that_falls_silent_is_found_out_and_reached_again_when_it_speaks(
            @TempDir Path own) {
        try (var sleepy = stub(0);
                var other = Heddle.serve(own, backend(sleepy.port()).replace("5s", "100s"))) {
            var client = other.client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            sleepy.sleep();
            assertThat(client.call("count", "{}").errorText()).contains("closed the connection");
            sleepy.wake();
            await().until(() -> client.call("count", "{}").reply().has("result"));
        }
    }

    @Test
    void a_connection_that_cannot_be_made_costs_one_call_and_no_other(@TempDir Path own)
            throws Exception {
        try (var plain = Stub.start(Map.of("TLS_PFX", keys.store()));
                var relay = new Relay(plain.port());
                var other = Heddle.serve(own, backend(relay.port()));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var clients = new ArrayList<RawClient>();
            for (int i = 0; i < 100; i++) {
                clients.add(other.client().initialize());
                clients.getLast().call("count", "{}");
            }
            relay.drop(1);
            var calls = new ArrayList<Future<RawClient.Answer>>();
            for (var client : clients) {
                calls.add(threads.submit(() -> client.call("slow", "{\"ms\":1000}")));
            }
            int failed = 0;
            for (var call : calls) {
                failed += call.get().reply().has("error") ? 1 : 0;
            }
            assertThat(failed).isEqualTo(1);
        }
    }
}
