package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.redis.testkit.RedisServer;
import dev.heddle.redis.testkit.Topology;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What becomes of sessions when their store is slow, ends, comes back, or is another one. */
class StoreFaultsTest {
    private static final Duration LONG = Duration.ofSeconds(60);

    @TempDir private Path folder;

    private static int count(Nodes nodes, int node, RawClient client) {
        var answer = client.at(nodes.node(node).endpoint()).call("count", "{}");
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return Integer.parseInt(answer.text());
    }

    /** A session moves to and fro, its stream too, and ends for all. */
    private static void works(Nodes nodes) {
        var client = nodes.node(0).client().initialize();
        nodes.stub().reset();
        for (int i = 0; i < 6; i++) {
            assertThat(count(nodes, i % 2, client)).isEqualTo(i + 1);
        }
        streamMoves(nodes, client);
        var elsewhere = client.at(nodes.node(1).endpoint());
        assertThat(client.delete().status()).isEqualTo(200);
        await().until(() -> elsewhere.call("count", "{}").status() == 404);
    }

    /** An answer that is cut at one node is told on at the other. */
    private static void streamMoves(Nodes nodes, RawClient client) {
        var there = nodes.node(1);
        String seen;
        try (var raw = RawHttp.calling(nodes.node(0), client, "slow", "{\"ms\":1500}")) {
            raw.head();
            seen = raw.readTo("\n\n");
        }
        var last = seen.replaceAll("(?s).*id: (\\S+).*", "$1");
        var rest =
                client.at(there.endpoint())
                        .send(
                                client.at(there.endpoint())
                                        .builder()
                                        .setHeader("Accept", "text/event-stream")
                                        .setHeader("Last-Event-ID", last)
                                        .GET());
        assertThat(rest.status()).isEqualTo(200);
        assertThat(rest.reply().path("id").asString("")).isEqualTo("mine");
    }

    @Test
    void with_a_store_that_answers_half_a_second_late_everything_works() {
        var redis = RedisServer.start();
        try (var relay = new Relay(redis.port());
                var nodes = Nodes.on(redis, _ -> Nodes.address(relay.port()), folder, 2, "")) {
            relay.late(Duration.ofMillis(250));
            works(nodes);
        }
    }

    @Test
    void a_call_that_is_answered_at_once_does_not_wait_for_the_store() {
        var redis = RedisServer.start();
        try (var relay = new Relay(redis.port());
                var nodes =
                        Nodes.on(
                                redis,
                                _ -> Nodes.address(relay.port()) + "\n  timeout: 10m",
                                folder,
                                1,
                                "")) {
            var client = nodes.node(0).client().initialize();
            count(nodes, 0, client);
            relay.hold(Relay.Way.THERE);
            for (int i = 2; i < 50; i++) {
                assertThat(count(nodes, 0, client)).isEqualTo(i);
            }
        }
    }

    /** As when a machine has lost its power, or a network is parted. */
    @Test
    void a_store_whose_connections_have_died_without_a_word_is_reached_by_others() {
        var redis = RedisServer.start();
        try (var relay = new Relay(redis.port());
                var nodes = Nodes.on(redis, _ -> Nodes.address(relay.port()), folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            count(nodes, 0, client);
            relay.freeze();
            await().atMost(LONG)
                    .until(() -> nodes.node(0).client().tryInitialize().status() == 200);
            await().atMost(LONG).until(() -> isServed(nodes, 1, client));
            works(nodes);
        }
    }

    /** While sessions are in use, their records are extended all the time. */
    @Test
    void a_store_that_is_emptied_loses_no_session_that_is_in_use() {
        var redis = RedisServer.start();
        var yaml = "sessions: {ttl: 8s}";
        try (var nodes = Nodes.on(redis, _ -> Nodes.address(redis.port()), folder, 2, yaml)) {
            var counts = new HashMap<RawClient, Integer>();
            for (int round = 0; round < 4; round++) {
                var clients =
                        IntStream.range(0, 20)
                                .mapToObj(_ -> nodes.node(0).client().initialize())
                                .toList();
                nodes.emptyStore();
                await().atMost(LONG)
                        .until(
                                () -> {
                                    clients.forEach(client -> goesOn(nodes, client, counts));
                                    return clients.stream()
                                            .allMatch(client -> isServed(nodes, 1, client));
                                });
            }
        }
    }

    /** In one and the same conversation. */
    private static void goesOn(Nodes nodes, RawClient client, Map<RawClient, Integer> counts) {
        int now = count(nodes, 0, client);
        assertThat(now).isGreaterThan(counts.getOrDefault(client, 0));
        counts.put(client, now);
    }

    @Test
    void a_store_that_is_restarted_with_its_data_has_lost_nothing() {
        var redis = RedisServer.start("--appendonly", "yes", "--appendfsync", "always");
        try (var nodes = Nodes.on(redis, _ -> Nodes.address(redis.port()), folder, 2, "")) {
            var clients =
                    IntStream.range(0, 5)
                            .mapToObj(_ -> nodes.node(0).client().initialize())
                            .toList();
            clients.forEach(client -> count(nodes, 0, client));
            var ended = nodes.node(0).client().initialize();
            ended.delete();
            redis.restart();
            nodes.stub().reset();
            for (var client : clients) {
                assertThat(count(nodes, 0, client)).isEqualTo(2);
                await().until(() -> isServed(nodes, 1, client));
            }
            assertThat(ended.at(nodes.node(1).endpoint()).call("count", "{}").status())
                    .isEqualTo(404);
            assertThat(nodes.stub().count("initializes")).as("taken over").isZero();
            works(nodes);
        }
    }

    private static boolean isServed(Nodes nodes, int node, RawClient client) {
        int status = client.at(nodes.node(node).endpoint()).call("count", "{}").status();
        assertThat(status).isIn(200, 503);
        return status == 200;
    }

    @Test
    void sessions_outlive_a_master_whose_replica_takes_its_place() {
        var master = RedisServer.start();
        try (var sentinel = Topology.sentinel(master);
                var nodes =
                        Nodes.on(
                                master,
                                _ ->
                                        "mode: sentinel\n  masterName: main\n  "
                                                + Nodes.address(sentinel.port()),
                                folder,
                                2,
                                "")) {
            works(nodes);
            var client = nodes.node(0).client().initialize();
            var ended = nodes.node(0).client().initialize();
            assertThat(count(nodes, 0, client)).isEqualTo(1);
            sentinel.awaitCopied();
            sentinel.part();
            ended.delete(); // of which the next master has not heard
            master.kill();
            assertThat(count(nodes, 0, client)).as("meanwhile").isEqualTo(2);
            await().atMost(LONG).until(() -> isServed(nodes, 1, client));
            var elsewhere = ended.at(nodes.node(1).endpoint());
            await().until(() -> elsewhere.call("count", "{}").status() == 404);
            await().atMost(LONG)
                    .until(() -> nodes.node(1).client().tryInitialize().status() == 200);
            works(nodes);
        }
    }

    @Test
    void a_cluster_keeps_sessions_like_one_server_and_when_a_replica_takes_a_masters_place() {
        var servers = Topology.cluster(3);
        try (var _ = Topology.replica(servers.getFirst());
                var nodes =
                        Nodes.on(
                                servers.getFirst(),
                                _ -> "mode: cluster\n  " + Nodes.address(servers.getLast().port()),
                                folder,
                                2,
                                "")) {
            for (int i = 0; i < 3; i++) {
                works(nodes);
            }
            var clients =
                    IntStream.range(0, 12)
                            .mapToObj(_ -> nodes.node(0).client().initialize())
                            .toList();
            clients.forEach(client -> count(nodes, 0, client));
            servers.getFirst().kill();
            for (var client : clients) {
                await().atMost(LONG).until(() -> isServed(nodes, 1, client));
                assertThat(count(nodes, 0, client)).isEqualTo(3);
            }
            await().atMost(LONG)
                    .until(() -> nodes.node(1).client().tryInitialize().status() == 200);
            works(nodes);
        } finally {
            List.copyOf(servers).forEach(RedisServer::close);
        }
    }
}
