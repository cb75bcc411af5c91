package dev.heddle.it;

import static org.awaitility.Awaitility.await;

import dev.heddle.redis.testkit.RedisServer;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/** Some gateways, each in a process of its own, that share a real store and a backend. */
final class Nodes implements AutoCloseable {
    private static final Duration LONG = Duration.ofSeconds(30);

    private final Path folder;
    private final String backends;
    private final String yaml;
    private final RedisServer redis;
    private final IntFunction<String> storage;
    private final Stub stub = Stub.start(Map.of("RESOURCES", "r:1", "TOOLS", "door"));
    private final List<Heddle> nodes = new ArrayList<>();
    private boolean whole = true;

    private Nodes(
            Path folder,
            String backends,
            String yaml,
            RedisServer redis,
            IntFunction<String> storage) {
        this.folder = folder;
        this.backends = backends;
        this.yaml = yaml;
        this.redis = redis;
        this.storage = storage;
    }

    /** Starts {@code count} nodes, each with the settings in {@code yaml}. */
    static Nodes start(Path folder, int count, String yaml) {
        return start(folder, count, "", yaml);
    }

    /** The same, with further {@code backends}. */
    static Nodes start(Path folder, int count, String backends, String yaml) {
        var redis = RedisServer.start();
        return begin(new Nodes(folder, backends, yaml, redis, _ -> address(redis.port())), count);
    }

    /**
     * Starts nodes with a store of the test's own.
     *
     * @param redis one server of it, which is closed with the nodes
     * @param storage how the node of that number reaches the store
     */
    static Nodes on(
            RedisServer redis, IntFunction<String> storage, Path folder, int count, String yaml) {
        return begin(new Nodes(folder, "", yaml, redis, storage), count);
    }

    /** A store at one port of this machine. */
    static String address(int port) {
        return "address: 127.0.0.1:" + port;
    }

    private static Nodes begin(Nodes all, int count) {
        for (int i = 0; i < count; i++) {
            all.nodes.add(all.serve(i));
        }
        return all;
    }

    private Heddle serve(int number) {
        try {
            var node =
                    Heddle.serve(
                            Files.createDirectories(folder.resolve("node-" + number)),
                            """
                            backends:
                              - {name: stub, url: "%s", transport: streamable-http}
                              %s
                            sessionStorage:
                              provider: redis
                              %s
                              keys: [a secret that all the nodes of a test share]
                            %s
                            """
                                    .formatted(stub.url(), backends, storage.apply(number), yaml));
            var ready = node.endpoint().resolve("/readyz");
            await().atMost(LONG).until(() -> RawClient.status(ready) == 200); // its watch is there
            return node;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Heddle node(int number) {
        return nodes.get(number);
    }

    /** Whether none of them has been killed or started again. */
    boolean isWhole() {
        return whole;
    }

    /** Ends a node as a crash would. */
    void kill(int number) {
        whole = false;
        nodes.get(number).child().signal("KILL");
    }

    /** Starts a node again that has been killed. */
    void restart(int number) {
        whole = false;
        nodes.get(number).close();
        nodes.set(number, serve(number));
    }

    /** The store loses everything, and nobody is told. */
    void emptyStore() {
        try (var client = RedisClient.create(RedisURI.create("127.0.0.1", redis.port()))) {
            client.connect().sync().flushall();
        }
    }

    Stub stub() {
        return stub;
    }

    RedisServer redis() {
        return redis;
    }

    @Override
    public void close() {
        nodes.forEach(Heddle::close);
        stub.close();
        redis.close();
    }
}
