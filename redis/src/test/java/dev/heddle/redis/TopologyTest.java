package dev.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.SessionStorage;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.redis.RedisOptions.Address;
import dev.heddle.redis.RedisOptions.Credentials;
import dev.heddle.redis.RedisOptions.Kind;
import dev.heddle.redis.RedisOptions.Tls;
import dev.heddle.redis.testkit.Certificate;
import dev.heddle.redis.testkit.RedisServer;
import dev.heddle.redis.testkit.Topology;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;

import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Whatever there is: one server or many, with locks on their doors or without. */
class TopologyTest {
    @TempDir private Path folder;

    private final FakeClock clock = new FakeClock();

    private static RedisOptions options(
            Kind kind, Optional<Credentials> credentials, Optional<Tls> tls, List<Integer> ports) {
        return new RedisOptions(
                kind,
                ports.stream().map(port -> new Address("127.0.0.1", port)).toList(),
                0,
                credentials,
                tls,
                Duration.ofSeconds(5),
                Duration.ofSeconds(3));
    }

    private RedisSessionStorage node(RedisOptions options) {
        return new RedisSessionStorage(
                options,
                Store.PREFIX,
                Optional.of(Vault.of(List.of(Store.SECRET))),
                Store.LIFE,
                Store.PATIENCE,
                new FakeAlarms(clock),
                clock);
    }

    /** All that two nodes do with each other. */
    private void works(RedisOptions options) {
        try (var one = node(options);
                var other = node(options)) {
            Store.awaitThere(one);
            Store.awaitThere(other);
            for (int i = 0; i < 20; i++) {
                var id = "session " + i;
                assertThat(one.create(id, Map.of("k", "1"))).isTrue();
                try (var following = one.follow(id, new Heard())) {
                    assertThat(other.update(id, Changes.set(Map.of("k", "2")))).isTrue();
                    await().until(() -> !following.isCurrent());
                    assertThat(following.load(Optional::empty).orElseThrow())
                            .containsEntry("k", "2");
                }
            }
            var streams = one.events().orElseThrow();
            RedisSessionStorageTest.streamMoves(
                    streams, other.events().orElseThrow(), "of " + options);
            assertThat(other.claimLeftovers()).isEmpty();
            var ids = IntStream.range(0, 20).mapToObj(i -> "session " + i).toList();
            assertThat(other.touch(ids)).isEmpty();
            ids.forEach(one::delete);
            assertThat(other.load("session 0")).isEmpty();
        }
    }

    @Test
    void a_server_with_users_and_tls() {
        var certificate = Certificate.in(folder);
        int port = RedisServer.freePort();
        var secured =
                new String[] {
                    "--tls-port",
                    Integer.toString(port),
                    "--tls-cert-file",
                    certificate.certificate().toString(),
                    "--tls-key-file",
                    certificate.key().toString(),
                    "--tls-ca-cert-file",
                    certificate.certificate().toString(),
                    "--tls-auth-clients",
                    "no",
                    "--user",
                    "default",
                    "off",
                    "--user",
                    "heddle",
                    "on",
                    "resetchannels",
                    ">the-password",
                    "~thv:vmcp:session:*",
                    "&thv:vmcp:session:*",
                    "+@all",
                    "-@dangerous"
                };
        try (var server = RedisServer.start(secured)) {
            assertThat(server.port()).isPositive();
            var user = new Credentials(Optional.of("heddle"), "the-password");
            var tls = new Tls(Optional.of(certificate.certificate()));
            works(
                    options(
                            new Kind.Standalone(),
                            Optional.of(user),
                            Optional.of(tls),
                            List.of(port)));
            var wrong = new Credentials(Optional.of("heddle"), "guessed");
            assertThat(user.toString()).doesNotContain("the-password");
            for (var bad :
                    List.of(
                            options(
                                    new Kind.Standalone(),
                                    Optional.of(wrong),
                                    Optional.of(tls),
                                    List.of(port)),
                            options(
                                    new Kind.Standalone(),
                                    Optional.of(user),
                                    Optional.of(new Tls(Optional.empty())),
                                    List.of(port)))) {
                try (var node = node(bad)) {
                    assertThatThrownBy(() -> node.load("a"))
                            .isInstanceOf(Fault.StorageUnavailable.class);
                }
            }
        }
    }

    @Test
    void a_cluster() {
        var servers = Topology.cluster(3);
        try {
            var ports = List.of(servers.getFirst().port(), servers.getLast().port());
            works(options(new Kind.Cluster(), Optional.empty(), Optional.empty(), ports));
            servers.forEach(TopologyTest::letIn);
            var user = new Credentials(Optional.of("heddle"), "the-password");
            works(options(new Kind.Cluster(), Optional.of(user), Optional.empty(), ports));
        } finally {
            servers.forEach(RedisServer::close);
        }
    }

    /** A user who may do no more than is needed in a cluster. */
    private static void letIn(RedisServer server) {
        var rights =
                ("SETUSER heddle on >the-password resetchannels ~thv:vmcp:session:*"
                                + " &thv:vmcp:session:* +@all -@dangerous +cluster +info")
                        .split(" ");
        var done =
                Topology.ask(
                        server,
                        commands ->
                                commands.dispatch(
                                        CommandType.ACL,
                                        new StatusOutput<>(StringCodec.UTF8),
                                        new CommandArgs<>(StringCodec.UTF8)
                                                .addValues(List.of(rights))));
        assertThat(done).isEqualTo("OK");
    }

    @Test
    void sentinels_that_make_a_replica_the_master() {
        try (var master = RedisServer.start();
                var sentinel = Topology.sentinel(master)) {
            var options =
                    options(
                            new Kind.Sentinel("main", Optional.empty()),
                            Optional.empty(),
                            Optional.empty(),
                            List.of(sentinel.port()));
            try (var node = node(options)) {
                Store.awaitThere(node);
                node.create("a", Map.of("k", "1"));
                sentinel.awaitCopied();
                master.kill();
                await().atMost(Duration.ofSeconds(60))
                        .ignoreExceptionsInstanceOf(Fault.StorageUnavailable.class)
                        .until(() -> changes(node));
                assertThat(node.load("a")).contains(Map.of("k", "2"));
            }
        }
    }

    private static boolean changes(SessionStorage node) {
        return node.update("a", Changes.set(Map.of("k", "2")));
    }
}
