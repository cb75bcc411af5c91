package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import static java.util.stream.Collectors.joining;

import dev.heddle.redis.testkit.Topology;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

/** Sessions that are left behind leave nothing behind. */
class LeakTest {
    private static final String PREFIX = "thv:vmcp:session:";
    private static final Set<String> OF_NODES = Set.of("content", "due");
    private static final int NODES = 2;
    private static final int SESSIONS = Form.either(500, 10_000);
    private static final int AT_ONCE = 20;
    private static final long GONE = -2; // as Redis says
    private static final Duration LONG = Duration.ofMinutes(2);

    /** What the heap may differ by whatever has happened, and what each session may add. */
    private static final long NOISE = 3_000_000;

    private static final long PER_SESSION = 100;

    /** Of each of these every session has one or more, and nothing else has. */
    private static final Set<String> OF_SESSIONS =
            Set.of(
                    "dev.heddle.core.session.LiveSession",
                    "dev.heddle.core.session.Conversation",
                    "dev.heddle.core.session.StandingStream",
                    "dev.heddle.core.events.EventLog",
                    "dev.heddle.core.events.EventStream");

    @TempDir private Path folder;

    @Test
    void abandoned_sessions_leave_nothing_in_the_heap_at_the_backends_or_in_the_store()
            throws Exception {
        try (var nodes = Nodes.start(folder, NODES, "sessions: {ttl: 3s}")) {
            abandon(nodes, 300); // so that everything has been loaded once
            awaitGone(nodes);
            var before = heaps(nodes);
            abandon(nodes, SESSIONS);
            assertThat(remainsOfOne(nodes.node(0))).as("what is looked for").hasSize(5);
            awaitGone(nodes);
            for (int i = 0; i < NODES; i++) {
                var node = nodes.node(i);
                await().atMost(LONG).untilAsserted(() -> assertThat(remains(node)).isEmpty());
            }
            var after = heaps(nodes);
            System.out.printf("heap in bytes before %s, after %s%n", before, after);
            for (int i = 0; i < NODES; i++) {
                assertThat(after.get(i) - before.get(i))
                        .as(histogram(nodes.node(i)).lines().limit(60).collect(joining("\n")))
                        .isLessThan(NOISE + SESSIONS * PER_SESSION);
            }
        }
    }

    /** Each begins at one node, is used at the other, has had a stream, and is left. */
    private static void abandon(Nodes nodes, int count) throws Exception {
        try (var threads = Executors.newFixedThreadPool(AT_ONCE)) {
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < count; i++) {
                int node = i % NODES;
                all.add(threads.submit(() -> abandonOne(nodes, node)));
            }
            for (var one : all) {
                one.get();
            }
        }
    }

    private static void abandonOne(Nodes nodes, int node) {
        var client = nodes.node(node).client().initialize();
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
        var there = nodes.node((node + 1) % NODES);
        var elsewhere = client.at(there.endpoint());
        assertThat(elsewhere.call("count", "{}").text()).isEqualTo("2");
        try (var stream = RawHttp.listening(there, elsewhere)) {
            assertThat(stream.status()).isEqualTo(200);
        }
    }

    private static void awaitGone(Nodes nodes) {
        await().atMost(LONG).until(() -> nodes.stub().count("sessions") <= NODES); // the watches
        await().atMost(LONG).until(() -> keys(nodes).stream().noneMatch(LeakTest::isRecord));
        await().atMost(LONG).until(() -> due(nodes) == 0);
        var streams = keys(nodes).stream().filter(LeakTest::isStream).toList();
        var kept =
                streams.stream()
                        .map(key -> Topology.ask(nodes.redis(), server -> server.ttl(key)))
                        .filter(seconds -> seconds != GONE)
                        .toList();
        assertThat(kept)
                .as("seconds for which the store keeps each stream")
                .allMatch(seconds -> seconds >= 0 && seconds <= 600);
        long longest = kept.stream().mapToLong(Long::longValue).max().orElse(0);
        if (Form.either(false, true)) {
            await().atMost(Duration.ofSeconds(longest + 5))
                    .until(() -> keys(nodes).stream().noneMatch(LeakTest::isStream));
        }
    }

    /** How many records somebody is to look at. */
    private static long due(Nodes nodes) {
        return Topology.ask(nodes.redis(), server -> server.zcard(PREFIX + "due"));
    }

    private static List<String> keys(Nodes nodes) {
        return Topology.ask(nodes.redis(), server -> server.keys(PREFIX + "*"));
    }

    /** What was said on a stream of a session. */
    private static boolean isStream(String key) {
        return key.indexOf(':', PREFIX.length()) >= 0;
    }

    private static boolean isRecord(String key) {
        return !isStream(key) && !OF_NODES.contains(key.substring(PREFIX.length()));
    }

    /** What there is of sessions in the heap: a line for each of some classes, with its number. */
    private static List<String> remains(Heddle node) {
        return histogram(node)
                .lines()
                .map(line -> line.strip().replaceAll(" +", " "))
                .filter(line -> OF_SESSIONS.stream().anyMatch(line::endsWith))
                .toList();
    }

    /** The same while a session is there. */
    private static List<String> remainsOfOne(Heddle node) {
        var client = node.client().initialize();
        try (var stream = RawHttp.listening(node, client)) {
            assertThat(stream.status()).isEqualTo(200);
            return remains(node);
        }
    }

    private static List<Long> heaps(Nodes nodes) {
        return IntStream.range(0, NODES).mapToObj(i -> liveHeap(nodes.node(i))).toList();
    }

    /** What a class histogram counts after a full collection. */
    private static long liveHeap(Heddle node) {
        histogram(node);
        var total = histogram(node).lines().filter(line -> line.startsWith("Total")).findFirst();
        return Long.parseLong(total.orElseThrow().strip().split("\\s+", -1)[2]);
    }

    private static String histogram(Heddle node) {
        try {
            var tool = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
            var pid = Long.toString(node.child().process().pid());
            var process = new ProcessBuilder(tool, pid, "GC.class_histogram").start();
            try (var out = process.getInputStream()) {
                return new String(out.readAllBytes(), StandardCharsets.UTF_8);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
