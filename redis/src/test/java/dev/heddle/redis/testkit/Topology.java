package dev.heddle.redis.testkit;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.sync.RedisCommands;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Servers that belong together. */
public final class Topology {
    private static final int SLOTS = 16_384;
    private static final String[] CLUSTER = {
        "--cluster-enabled", "yes", "--cluster-node-timeout", "2000"
    };
    private static final Duration LONG = Duration.ofSeconds(30);

    private Topology() {}

    /** A replica, and a sentinel that makes it the master when that is gone. */
    public static final class Watched implements AutoCloseable {
        private final RedisServer master;
        private final RedisServer replica;
        private final RedisServer sentinel;

        private Watched(RedisServer master) {
            this.master = master;
            this.replica = RedisServer.replicaOf(master);
            this.sentinel = RedisServer.sentinelOf(master);
        }

        /** The sentinel's port. */
        public int port() {
            return sentinel.port();
        }

        /** Waits until the replica has all that the master has. */
        public void awaitCopied() {
            long written = ask(master, Topology::offset);
            await().atMost(LONG).until(() -> ask(replica, Topology::offset) >= written);
        }

        /** Has the replica learn nothing more from the master. */
        public void part() {
            ask(replica, server -> server.replicaof("127.0.0.1", 1));
        }

        @Override
        public void close() {
            sentinel.close();
            replica.close();
        }
    }

    /** Has {@code master} watched by a sentinel, which calls it {@code main}. */
    public static Watched sentinel(RedisServer master) {
        var watched = new Watched(master);
        await().atMost(LONG)
                .until(() -> ask(watched.sentinel, RedisCommands::info).contains("slaves=1"));
        return watched;
    }

    private static long offset(RedisCommands<String, String> server) {
        var line = "master_repl_offset:";
        var info = server.info("replication");
        int begin = info.indexOf(line) + line.length();
        return Long.parseLong(info.substring(begin, info.indexOf('\r', begin)));
    }

    /** Starts a cluster of so many servers. */
    public static List<RedisServer> cluster(int size) {
        var servers = IntStream.range(0, size).mapToObj(_ -> RedisServer.start(CLUSTER)).toList();
        int each = SLOTS / size + 1;
        int port = servers.getFirst().port();
        for (int i = 0; i < size; i++) {
            var slots = IntStream.range(i * each, Math.min(SLOTS, (i + 1) * each)).toArray();
            ask(servers.get(i), server -> server.clusterAddSlots(slots));
            ask(servers.get(i), server -> server.clusterMeet("127.0.0.1", port));
        }
        servers.forEach(
                server ->
                        await().atMost(LONG)
                                .until(
                                        () ->
                                                ask(server, RedisCommands::clusterInfo)
                                                        .contains("cluster_state:ok")));
        return servers;
    }

    /** Gives {@code master} of a cluster a replica, which takes its place when it is gone. */
    public static RedisServer replica(RedisServer master) {
        var replica = RedisServer.start(CLUSTER);
        ask(replica, server -> server.clusterMeet("127.0.0.1", master.port()));
        var id = ask(master, RedisCommands::clusterMyId);
        await().atMost(LONG)
                .ignoreExceptions() // until it has been told of its master
                .until(() -> ask(replica, server -> server.clusterReplicate(id)).equals("OK"));
        await().atMost(LONG)
                .until(
                        () ->
                                ask(replica, server -> server.info("replication"))
                                        .contains("master_link_status:up"));
        return replica;
    }

    /** What one server says. */
    public static <T> T ask(
            RedisServer server, Function<RedisCommands<String, String>, T> question) {
        try (var client = RedisClient.create(RedisURI.create("127.0.0.1", server.port()))) {
            return question.apply(client.connect().sync());
        }
    }
}
