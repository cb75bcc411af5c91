package dev.heddle.redis;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.redis.testkit.RedisServer;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;

import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.pubsub.RedisPubSubAdapter;

import org.awaitility.Awaitility;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/** A real server, nodes that keep sessions there, and somebody who looks at what is there. */
final class Store implements AutoCloseable {
    static final String PREFIX = "thv:vmcp:session:";
    static final String SECRET = "a secret of at least thirty-two characters";
    static final Duration LIFE = Duration.ofMinutes(30);
    static final Duration PATIENCE = Duration.ofMinutes(2);

    final RedisServer server;
    final FakeClock clock = new FakeClock();
    final FakeAlarms alarms = new FakeAlarms(clock);
    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;
    private final List<RedisSessionStorage> nodes = new ArrayList<>();

    Store() {
        this(RedisServer.start());
    }

    Store(RedisServer server) {
        this.server = server;
        this.client = RedisClient.create(RedisURI.create("127.0.0.1", server.port()));
        this.connection = client.connect();
    }

    RedisOptions options() {
        return new RedisOptions(
                new RedisOptions.Kind.Standalone(),
                List.of(new RedisOptions.Address("127.0.0.1", server.port())),
                0,
                Optional.empty(),
                Optional.empty(),
                Duration.ofSeconds(5),
                Duration.ofSeconds(3));
    }

    RedisSessionStorage node() {
        return node(Optional.of(Vault.of(List.of(SECRET))), LIFE);
    }

    RedisSessionStorage node(Optional<Vault> vault, Duration timeToLive) {
        return node(options(), vault, timeToLive);
    }

    RedisSessionStorage node(RedisOptions options, Optional<Vault> vault, Duration timeToLive) {
        var node =
                new RedisSessionStorage(
                        options, PREFIX, vault, timeToLive, PATIENCE, alarms, clock);
        nodes.add(node);
        awaitThere(node);
        return node;
    }

    static void awaitThere(RedisSessionStorage node) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .ignoreExceptionsInstanceOf(Fault.StorageUnavailable.class)
                .until(() -> node.isHearing() && node.load("nothing").isEmpty());
    }

    /** What a thief would see. */
    String dump() {
        var all = new StringBuilder();
        for (var key : connection.sync().keys("*")) {
            all.append(key).append('=');
            switch (connection.sync().type(key)) {
                case "string" -> all.append(connection.sync().get(key));
                case "stream" -> all.append(connection.sync().xrange(key, Range.create("-", "+")));
                case "zset" -> all.append(connection.sync().zrange(key, 0, -1));
                default -> throw new IllegalStateException(key);
            }
            all.append('\n');
        }
        return all.toString();
    }

    /** All that travels on the channel from now on. */
    List<String> wire() {
        var heard = new CopyOnWriteArrayList<String>();
        var hearing = client.connectPubSub();
        hearing.addListener(
                new RedisPubSubAdapter<String, String>() {
                    @Override
                    public void message(String channel, String message) {
                        heard.add(message);
                    }
                });
        hearing.sync().subscribe(PREFIX + "changes");
        return heard;
    }

    /** How many records there are. */
    long records() {
        var others = Set.of(PREFIX + "content", PREFIX + "due");
        return connection.sync().keys("*").stream().filter(key -> !others.contains(key)).count();
    }

    StatefulRedisConnection<String, String> connection() {
        return connection;
    }

    /** Lets the server's time pass, by taking it from what the keys have left. */
    void pass(Duration time) {
        clock.advance(time);
        for (var key : connection.sync().keys("*")) {
            long left = connection.sync().pttl(key);
            if (left >= 0) {
                connection.sync().pexpire(key, Math.max(1, left - time.toMillis()));
            }
        }
    }

    void empty() {
        connection.sync().flushall();
    }

    @Override
    public void close() {
        nodes.forEach(RedisSessionStorage::close);
        client.shutdown(Duration.ZERO, Duration.ofSeconds(1));
        server.close();
    }
}
