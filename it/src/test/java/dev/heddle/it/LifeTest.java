package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Backends, sessions, configurations and gateways that come and go. */
class LifeTest {
    @TempDir Path folder;

    private static String backend(Stub stub) {
        return "{name: stub, url: \"" + stub.url() + "\", transport: streamable-http}";
    }

    @ParameterizedTest
    @CsvSource({
        "404,Session not found",
        "400,Bad Request: No valid session ID provided",
        "401,Unauthorized: session expired"
    })
    void a_session_that_a_backend_has_forgotten_heals_without_the_client_noticing(
            int status, String body) {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [" + backend(stub) + "]\nsessions: {coldStart: 10s}")) {
            var session = heddle.client().initialize();
            assertThat(session.call("count", "{}").text()).isEqualTo("1");
            stub.forget(status, body);
            assertThat(session.call("count", "{}").text()).isEqualTo("1");
            assertThat(session.call("count", "{}").text()).isEqualTo("2");
        }
    }

    @Test
    void a_backend_that_is_killed_and_started_again_heals_under_the_session() {
        int port = Child.freePort();
        var first = Peers.everything("streamableHttp", port).listening(port);
        try (var heddle =
                Heddle.serve(
                        folder,
                        "backends: [{name: e, url: \"http://127.0.0.1:"
                                + port
                                + "/mcp\"}]\nsessions: {coldStart: 10s}")) {
            var session = heddle.client().initialize();
            assertThat(session.call("echo", "{\"message\":\"1\"}").text()).isEqualTo("Echo: 1");
            first.close();
            assertThat(session.call("echo", "{\"message\":\"2\"}").errorCode()).isEqualTo(-32603);
            try (var second = Peers.everything("streamableHttp", port).listening(port)) {
                await().atMost(Duration.ofSeconds(20))
                        .until(
                                () -> {
                                    var answer = session.call("echo", "{\"message\":\"3\"}");
                                    return answer.reply().has("result")
                                            && answer.text().equals("Echo: 3");
                                });
                assertThat(second.process().isAlive()).isTrue();
            }
        }
    }

    @Test
    void a_program_that_is_replaced_by_one_without_sessions_is_found_out() throws IOException {
        var revision = folder.resolve("revision");
        Files.writeString(revision, "2025-11-25");
        var command =
                "exec "
                        + Peers.node()
                        + " "
                        + Peers.fixture("matrix/server.mjs")
                        + " $(cat "
                        + revision
                        + ") stdio";
        try (var heddle =
                Heddle.serve(
                        folder,
                        "backends: [{name: m, command: sh, args: [-c, '" + command + "']}]")) {
            var before = heddle.client().initialize();
            assertThat(before.call("call", "{\"key\":1}").text()).isEqualTo("{\"key\":1}");
            Files.writeString(revision, "2026-07-28");
            var after = heddle.client().initialize();
            assertThat(after.call("call", "{\"key\":2}").text()).isEqualTo("{\"key\":2}");
        }
    }

    @Test
    void a_backend_that_refuses_a_second_get_stream_is_waited_for_and_not_healed() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [" + backend(stub) + "]\nsessions: {coldStart: 10s}")) {
            var session = heddle.client().initialize();
            session.call("count", "{}");
            int opened = stub.count("initializes");
            var stream = session.listen();
            await().until(() -> stub.count("streams") == 2); // the session's and the watch's
            stream.body().close();
            try (var _ = session.listen().body()) { // it has come back at once
                assertThat(session.call("count", "{}").text()).isEqualTo("2");
                assertThat(stub.count("streams")).isEqualTo(2);
                assertThat(stub.count("initializes")).isEqualTo(opened);
            }
        }
    }

    @Test
    @Shows({"sessions.ttl"})
    void sessions_that_are_abandoned_leave_nothing_behind() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                """
                                backends:
                                  - %s
                                  - {name: lines, command: "%s", args: ["%s"]}
                                sessions: {coldStart: 10s, ttl: 2s}
                                """
                                        .formatted(
                                                backend(stub),
                                                Peers.node(),
                                                Peers.fixture("lines.mjs")))) {
            var process = heddle.child().process();
            use(heddle, 20);
            await().atMost(Duration.ofSeconds(30)).until(() -> stub.count("sessions") == 1);
            long files = openFiles(process.pid());
            long children = process.descendants().count();
            long heap = liveHeap(process.pid());
            use(heddle, 200);
            await().atMost(Duration.ofSeconds(60)).until(() -> stub.count("sessions") == 1);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> process.descendants().count() <= children);
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () ->
                                    assertThat(openFiles(process.pid()))
                                            .isLessThanOrEqualTo(files + files / 20));
            await().atMost(Duration.ofSeconds(60))
                    .untilAsserted(
                            () ->
                                    assertThat(liveHeap(process.pid()))
                                            .isLessThanOrEqualTo(heap + heap / 20));
        }
    }

    /** Opens sessions, uses both backends of some, and walks away. */
    private static void use(Heddle heddle, int count) {
        var streams = new ArrayList<AutoCloseable>();
        IntStream.range(0, count)
                .forEach(
                        i -> {
                            var session = heddle.client().initialize();
                            session.call("count", "{}");
                            if (i % 10 == 0) {
                                session.call("lines", "{}");
                                var stream = session.listen().body();
                                streams.add(stream);
                            }
                        });
        for (var stream : streams) {
            try {
                stream.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    private static long openFiles(long pid) {
        try (var files = Files.list(Path.of("/proc/" + pid + "/fd"))) {
            return files.count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** Bytes that are alive after a full collection. */
    private static long liveHeap(long pid) {
        var jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
        var id = Long.toString(pid);
        Peers.run(jcmd, id, "GC.run");
        var histogram = Peers.run(jcmd, id, "GC.class_histogram");
        var total =
                histogram
                        .lines()
                        .filter(line -> line.startsWith("Total"))
                        .findFirst()
                        .orElseThrow();
        return Long.parseLong(total.strip().split("\\s+", -1)[2]);
    }

    @Test
    void children_end_with_the_gateway_even_when_it_is_killed_and_they_are_stubborn() {
        for (var signal : new String[] {"TERM", "KILL"}) {
            var marker = Integer.toString(100_000 + Child.freePort());
            var heddle =
                    Heddle.serve(
                            folder,
                            """
                            backends:
                              - {name: lines, command: "%s", args: ["%s"], env: {GRANDCHILD: "%s", STUBBORN: "1"}}
                            sessions: {coldStart: 10s}
                            """
                                    .formatted(Peers.node(), Peers.fixture("lines.mjs"), marker));
            var session = heddle.client().initialize();
            session.call("lines", "{}");
            await().until(() -> sleepers(marker) == 2); // of the session and of the watch
            heddle.child().signal(signal);
            heddle.child().awaitExit();
            await().atMost(Duration.ofSeconds(20)).until(() -> sleepers(marker) == 0);
        }
    }

    private static long sleepers(String seconds) {
        return ProcessHandle.allProcesses()
                .filter(
                        process ->
                                process.info()
                                        .arguments()
                                        .filter(args -> args.length == 1 && args[0].equals(seconds))
                                        .isPresent())
                .count();
    }

    @Test
    void a_call_that_outlasts_its_session_is_told_that_it_may_have_run() throws Exception {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [" + backend(stub) + "]\nsessions: {coldStart: 10s}")) {
            var session = heddle.client().initialize();
            var answer = new CompletableFuture<RawClient.Answer>();
            Thread.ofVirtual().start(() -> answer.complete(session.call("never", "{}")));
            await().until(() -> stub.count("runs") == 1);
            assertThat(session.delete().status()).isEqualTo(200);
            var told = answer.get(30, TimeUnit.SECONDS);
            assertThat(told.status()).isEqualTo(200);
            var data = told.reply().path("error").path("data");
            assertThat(data.path("reason").asString("")).isEqualTo("closed");
            assertThat(data.path("mayHaveRun").asBoolean()).isTrue();
        }
    }

    @Test
    void a_call_in_flight_finishes_within_the_grace_when_the_gateway_is_told_to_stop()
            throws Exception {
        try (var stub = Stub.start()) {
            var heddle =
                    Heddle.serve(
                            folder,
                            "backends: [" + backend(stub) + "]\nsessions: {coldStart: 10s}");
            var session = heddle.client().initialize();
            var answer = new CompletableFuture<RawClient.Answer>();
            Thread.ofVirtual().start(() -> answer.complete(session.call("slow", "{\"ms\":3000}")));
            await().until(() -> stub.count("runs") == 1);
            heddle.child().signal("TERM");
            assertThat(answer.get().result().path("content").isArray()).isTrue();
            assertThat(heddle.child().awaitExit()).isIn(0, 143);
            assertThat(stub.count("sessions")).isZero();
        }
    }

    @Test
    void the_configuration_is_read_again_and_a_bad_one_changes_nothing() throws IOException {
        try (var stays = Stub.start();
                var comes = Stub.start()) {
            var file = folder.resolve("heddle.yaml");
            var one = "backends: [" + backend(stays) + "]\nsessions: {coldStart: 10s}";
            try (var heddle = Heddle.serve(folder, one)) {
                var session = heddle.client().initialize();
                assertThat(session.call("count", "{}").text()).isEqualTo("1");
                Files.writeString(
                        file, one.replace("]", ", {name: second, url: \"" + comes.url() + "\"}]"));
                await().atMost(Duration.ofSeconds(15))
                        .until(() -> session.tools().contains("second_count"));
                assertThat(session.call("stub_count", "{}").text()).isEqualTo("2");
                assertThat(session.call("count", "{}").text())
                        .isEqualTo("3"); // the name that it was shown first
                Files.writeString(file, "backends: [{name: stub}]");
                await().atMost(Duration.ofSeconds(15))
                        .until(
                                () ->
                                        heddle.child().errors().stream()
                                                .anyMatch(
                                                        line ->
                                                                line.contains(
                                                                        "neither url nor"
                                                                                + " command")));
                assertThat(session.call("stub_count", "{}").text()).isEqualTo("4");
                Files.writeString(file, one);
                heddle.child().signal("HUP");
                await().atMost(Duration.ofSeconds(15))
                        .until(() -> !session.tools().contains("second_count"));
                assertThat(session.call("count", "{}").text()).isEqualTo("5");
            }
        }
    }

    @Test
    @Shows({"catalogs.folder"})
    void a_restart_knows_the_catalogs_and_does_not_wait_for_a_backend_that_is_away() {
        int port = Child.freePort();
        var yaml =
                "backends: [{name: stub, url: \"http://127.0.0.1:"
                        + port
                        + "/mcp\"}]\nsessions: {coldStart: 30s}";
        try (var stub = Stub.start(port);
                var heddle = Heddle.serve(folder, yaml)) {
            assertThat(heddle.client().initialize().tools()).contains("count");
            assertThat(stub.count("sessions")).isPositive();
        }
        try (var heddle = Heddle.serve(folder, yaml)) {
            assertThat(heddle.client().initialize().tools()).contains("count");
        }
    }

    @Test
    @Shows({"sessions.max"})
    void sessions_have_caps_that_refuse_the_newcomer() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: ["
                                        + backend(stub)
                                        + "]\nsessions: {max: 2, coldStart: 10s}")) {
            var first = heddle.client().initialize();
            heddle.client().initialize();
            var refused =
                    heddle.client()
                            .post(
                                    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
                                        + "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{}}}");
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("retry-after")).isPresent();
            assertThat(first.call("count", "{}").text()).isEqualTo("1");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2024-11-05,2024-11-05",
        "2025-03-26,2025-03-26",
        "2025-06-18,2025-06-18",
        "2025-11-25,2025-11-25",
        "2099-01-01,2025-11-25"
    })
    void the_revision_is_the_clients_or_the_newest(String asked, String agreed) {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [" + backend(stub) + "]\nsessions: {coldStart: 10s}")) {
            var answer =
                    heddle.client()
                            .post(
                                    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
                                        + "{\"protocolVersion\":\""
                                            + asked
                                            + "\",\"capabilities\":{},\"clientInfo\":{}}}");
            assertThat(answer.result().path("protocolVersion").asString("")).isEqualTo(agreed);
        }
    }
}
