package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.redis.testkit.Certificate;
import dev.heddle.redis.testkit.RedisServer;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What each key of the session storage does. */
class StorageKeysTest {
    private static final String KEYS = "keys: [a secret that all the nodes of a test share]";

    @TempDir private Path folder;
    private final Stub stub = Stub.start();

    @AfterEach
    void stop() {
        stub.close();
    }

    private Heddle serve(String storage) {
        return serve(Map.of(), storage);
    }

    private Heddle serve(Map<String, String> environment, String storage) {
        return Heddle.serve(
                environment,
                folder,
                "backends: [{name: stub, transport: streamable-http, url: \""
                        + stub.url()
                        + "\"}]\nsessionStorage: {provider: redis, "
                        + storage
                        + "}");
    }

    private static List<String> keys(RedisServer server, int database) {
        var uri = RedisURI.create("redis://127.0.0.1:" + server.port() + "/" + database);
        try (var client = RedisClient.create(uri)) {
            return client.connect().sync().keys("*");
        }
    }

    @Test
    @Shows({
        "sessionStorage.provider",
        "sessionStorage.address",
        "sessionStorage.db",
        "sessionStorage.keyPrefix",
        "sessionStorage.format",
        "sessionStorage.keys"
    })
    void records_are_where_they_are_said_to_be_and_tell_their_sessions_only_if_they_are_plain() {
        try (var server = RedisServer.start();
                var plain =
                        serve(
                                "address: '127.0.0.1:%d', db: 3, keyPrefix: 'mine:', format: plain"
                                        .formatted(server.port()));
                var sealed = serve("address: '127.0.0.1:%d', ".formatted(server.port()) + KEYS)) {
            var open = plain.client().initialize().session();
            var hidden = sealed.client().initialize().session();
            assertThat(keys(server, 3)).contains("mine:" + open);
            assertThat(keys(server, 0))
                    .hasSizeGreaterThan(1)
                    .allMatch(key -> key.startsWith("thv:vmcp:session:"))
                    .noneMatch(key -> key.contains(hidden));
        }
    }

    @Test
    @Shows({"sessionStorage.nodeHost", "sessionStorage.nodePort"})
    void other_nodes_are_let_in_where_it_says_and_nobody_else() {
        int port = RedisServer.freePort();
        try (var server = RedisServer.start();
                var node =
                        serve(
                                "address: '127.0.0.1:%d', nodeHost: 127.0.0.2, nodePort: %d, "
                                                .formatted(server.port(), port)
                                        + KEYS)) {
            var stranger = new RawClient(URI.create("http://127.0.0.2:" + port + "/mcp"));
            assertThat(stranger.tryInitialize().status()).isEqualTo(403);
            assertThat(node.client().tryInitialize().status()).isEqualTo(200);
        }
    }

    @Test
    @Shows("sessionStorage.whenAway")
    void sessions_begin_while_the_store_is_away_if_that_is_wanted_and_are_everywhere_afterwards() {
        var store = RedisServer.start("--appendonly", "yes", "--appendfsync", "always");
        try (var nodes =
                Nodes.on(store, _ -> Nodes.address(store.port()), folder, 2, "  whenAway: local")) {
            nodes.redis().kill();
            await().until(() -> nodes.node(0).client().tryInitialize().status() == 200);
            var client = nodes.node(0).client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            var elsewhere = client.at(nodes.node(1).endpoint());
            assertThat(elsewhere.call("count", "{}").status()).isEqualTo(503);
            nodes.redis().restart();
            await().until(
                            () -> {
                                int status = elsewhere.call("count", "{}").status();
                                assertThat(status).isIn(200, 503);
                                return status == 200;
                            });
            assertThat(client.call("count", "{}").text()).isEqualTo("3");
        }
    }

    @Test
    @Shows("sessionStorage.lostState")
    void a_client_hears_of_lost_state_by_a_log_message_if_that_is_wanted() {
        var keeper =
                "- {name: keeper, command: \"%s\", args: [\"%s\"]}"
                        .formatted(Peers.node(), Peers.fixture("keeper.mjs"));
        try (var nodes =
                Nodes.start(
                        folder,
                        2,
                        keeper,
                        "  lostState: log\naggregation: {conflictResolution: prefix}")) {
            var client = nodes.node(0).client().initialize();
            assertThat(client.call("keeper_count", "{}").text()).isEqualTo("1");
            nodes.restart(0);
            var answer = client.at(nodes.node(1).endpoint()).call("keeper_count", "{}");
            assertThat(answer.text()).as("by a new process").isEqualTo("1");
            assertThat(answer.body()).contains("notifications/message", "afresh");
        }
    }

    @Test
    void the_password_of_the_store_may_be_in_the_environment() {
        var word = "the-password";
        try (var server = RedisServer.start("--requirepass", word);
                var told =
                        serve(
                                Map.of("THV_SESSION_REDIS_PASSWORD", word),
                                Nodes.address(server.port()) + ", " + KEYS);
                var untold = serve(Nodes.address(server.port()) + ", " + KEYS)) {
            assertThat(told.client().tryInitialize().status()).isEqualTo(200);
            assertThat(untold.client().tryInitialize().status()).isEqualTo(503);
        }
    }

    @Test
    @Shows({
        "sessionStorage.username",
        "sessionStorage.password",
        "sessionStorage.tls",
        "sessionStorage.caBundlePath"
    })
    void a_store_behind_tls_and_a_password_is_used_with_them_and_not_without() {
        var certificate = Certificate.in(folder);
        int port = RedisServer.freePort();
        var login = "username: heddle, password: the-password, ";
        var tls = "tls: true, caBundlePath: '" + certificate.certificate() + "', ";
        var address = "address: '127.0.0.1:" + port + "', ";
        try (var _ =
                        RedisServer.start(
                                ("--tls-port "
                                                + port
                                                + " --tls-cert-file "
                                                + certificate.certificate()
                                                + " --tls-key-file "
                                                + certificate.key()
                                                + " --tls-ca-cert-file "
                                                + certificate.certificate()
                                                + " --tls-auth-clients no --user default off"
                                                + " --user heddle on >the-password ~* &* +@all")
                                        .split(" "));
                var right = serve(address + login + tls + KEYS);
                var nobody = serve(address + tls + KEYS);
                var open = serve(address + login + KEYS)) {
            assertThat(right.client().tryInitialize().status()).isEqualTo(200);
            assertThat(nobody.client().tryInitialize().status()).isEqualTo(503);
            assertThat(open.client().tryInitialize().status()).isEqualTo(503);
        }
    }

    @Test
    @Shows({
        "sessionStorage.mode",
        "sessionStorage.masterName",
        "sessionStorage.sentinelUsername",
        "sessionStorage.sentinelPassword"
    })
    void sentinels_say_where_the_master_is_to_those_who_know_their_password() {
        try (var master = RedisServer.start();
                var sentinel =
                        RedisServer.sentinelOf(
                                master, "user default off", "user heddle on >theirs ~* &* +@all")) {
            var all =
                    "address: '127.0.0.1:" + sentinel.port() + "', mode: sentinel, " + KEYS + ", ";
            var login = "sentinelUsername: heddle, sentinelPassword: theirs";
            try (var right = serve(all + "masterName: main, " + login);
                    var other = serve(all + "masterName: another, " + login);
                    var nobody = serve(all + "masterName: main")) {
                assertThat(right.client().tryInitialize().status()).isEqualTo(200);
                assertThat(keys(master, 0)).isNotEmpty();
                assertThat(other.client().tryInitialize().status()).isEqualTo(503);
                assertThat(nobody.client().tryInitialize().status()).isEqualTo(503);
            }
        }
    }

    /** A server whose queue of connections is full answers nobody. */
    @Test
    @Shows({"sessionStorage.dialTimeout"})
    void a_connection_that_does_not_come_about_is_given_up() throws IOException {
        var waiting = new ArrayList<Socket>();
        try (var full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            for (int i = 0; i < 2; i++) {
                waiting.add(new Socket(full.getInetAddress(), full.getLocalPort()));
            }
            try (var heddle =
                    serve(
                            "address: '127.0.0.1:%d', dialTimeout: 123ms, "
                                            .formatted(full.getLocalPort())
                                    + KEYS)) {
                assertThat(heddle.child().errors()).anyMatch(line -> line.contains("123 ms"));
                assertThat(heddle.client().tryInitialize().status()).isEqualTo(503);
            }
        } finally {
            for (var socket : waiting) {
                socket.close();
            }
        }
    }

    @Test
    @Shows({"sessionStorage.timeout", "sessionStorage.patience"})
    void a_store_that_does_not_answer_is_away_and_its_sessions_go_on_for_a_while_only() {
        try (var server = RedisServer.start();
                var heddle =
                        serve(
                                "address: '127.0.0.1:%d', timeout: 234ms, patience: 1s, "
                                                .formatted(server.port())
                                        + KEYS)) {
            var client = heddle.client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            Peers.run("kill", "-STOP", Long.toString(server.pid()));
            var refused = heddle.client().tryInitialize();
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.body()).contains("234 milli");
            assertThat(client.call("count", "{}").text()).isEqualTo("2");
            Peers.run("kill", "-CONT", Long.toString(server.pid()));
            server.kill();
            await().until(() -> client.call("count", "{}").status() == 503);
        }
    }
}
