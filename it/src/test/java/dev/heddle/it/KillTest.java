package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Nodes are killed under load, one after the other, behind a balancer that gives each request of a
 * session to another one, and no session is lost by it.
 */
class KillTest {
    private static final int NODES = 3;
    private static final int SESSIONS = Form.either(30, 100);
    private static final int KILLS = Form.either(4, 30);
    private static final int CALLS = Form.either(150, 1_150); // between a kill and the next
    private static final Duration EVERY = Duration.ofMillis(Form.either(150, 500));
    private static final Duration TAKES = Duration.ofMillis(20); // each call
    private static final int STREAMED = 4; // one of so many calls is answered by a stream
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Pattern QUESTION = Pattern.compile("\"id\":(\"[a-z0-9]+-\\d+\")");

    @TempDir private Path folder;

    private final Random random = new Random(7);
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger cut = new AtomicInteger(); // their connections, and no more
    private final AtomicInteger unknown = new AtomicInteger(); // what has become of them
    private final Queue<Duration> gaps = new ConcurrentLinkedQueue<>();
    private int down; // the node that is not there

    @Test
    void no_session_is_lost_and_no_call_is_carried_out_twice() throws Exception {
        try (var nodes = Nodes.start(folder, NODES, "");
                var balancer = new Balancer(NODES, nodes::node, _ -> true);
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var sessions =
                    IntStream.range(0, SESSIONS)
                            .mapToObj(_ -> balancer.client().initialize())
                            .toList();
            sessions.forEach(
                    one -> one.request("resources/subscribe", "{\"uri\":\"r:1\"}").result());
            var listeners =
                    sessions.stream().map(one -> new Listener(balancer.endpoint(), one)).toList();
            var asked = nodes.node(0).client().initialize("2025-11-25", "{\"elicitation\":{}}");
            var running = new ArrayList<Future<Integer>>();
            sessions.forEach(one -> running.add(threads.submit(() -> callUntilOver(one))));
            try {
                for (int i = 0; i < KILLS; i++) {
                    down = random.nextInt(NODES);
                    killOne(nodes, listeners, asked, i, running);
                }
            } finally {
                over.set(true);
                listeners.forEach(Listener::close);
            }
            for (var one : running) {
                assertThat(one.get()).isPositive();
            }
            assertThat(listeners).extracting(Listener::refused).containsOnly("");
            assertThat(balancer.connections()).as("one each").isGreaterThan(answered.get());
            assertThat(balancer.again()).as("at the same node as before").isZero();
            assertThat(nodes.stub().count("twice")).isZero();
            assertThat(nodes.stub().count("done"))
                    .isBetween(answered.get(), answered.get() + cut.get() + unknown.get());
            report(listeners);
        }
    }

    private void killOne(
            Nodes nodes,
            List<Listener> listeners,
            RawClient asked,
            int round,
            List<Future<Integer>> running) {
        nodes.kill(down);
        allAreHeard(nodes, listeners, round);
        isAsked(nodes, asked);
        awaitCalls(CALLS / 2, running);
        nodes.restart(down);
        awaitCalls(CALLS, running);
    }

    private void awaitCalls(int more, List<Future<Integer>> running) {
        int before = answered.get();
        await().atMost(LONG)
                .until(
                        () -> {
                            assertThat(running)
                                    .as("a session has failed")
                                    .noneMatch(Future::isDone);
                            return answered.get() >= before + more;
                        });
    }

    /** As many calls as there is time for at that pace. */
    private int callUntilOver(RawClient session) throws InterruptedException {
        int last = 0;
        long due = System.nanoTime() + ThreadLocalRandom.current().nextLong(EVERY.toNanos());
        for (int i = 0; !over.get(); i++) {
            Thread.sleep(Duration.ofNanos(Math.max(0, due - System.nanoTime())));
            due = Math.max(due, System.nanoTime() - EVERY.toNanos()) + EVERY.toNanos();
            last = count(session, session.session() + i, i % STREAMED == 0, last);
        }
        return last;
    }

    /** What is cut with its node is not called again, and what comes after it is. */
    private int count(RawClient session, String key, boolean streamed, int last) {
        long broken = 0;
        for (int tries = 0; ; tries++) {
            var answer = answer(session, key + "-" + tries, streamed);
            if (answer.isPresent()) {
                assertThat(answer.get()).as("of one and the same conversation").isGreaterThan(last);
                answered.incrementAndGet();
                if (tries > 0) {
                    gaps.add(Duration.ofNanos(System.nanoTime() - broken));
                }
                return answer.get();
            }
            broken = tries == 0 ? System.nanoTime() : broken;
            assertThat(tries).as("calls in vain, of " + session.session()).isLessThan(100);
        }
    }

    /** Nothing if it has become known only that it may have been carried out. */
    private Optional<Integer> answer(RawClient session, String key, boolean streamed) {
        var arguments =
                "{\"key\":\"%s\",\"ms\":%d,\"events\":%b}"
                        .formatted(key, TAKES.toMillis(), streamed);
        try {
            var reply = streamed ? streamed(session, arguments) : plain(session, arguments);
            var error = reply.path("error");
            if (error.isMissingNode()) {
                var text = reply.path("result").path("content").path(0).path("text");
                return Optional.of(Integer.parseInt(text.asString("")));
            }
            assertThat(error.path("data").path("mayHaveRun").asBoolean())
                    .as(reply.toString())
                    .isTrue();
            unknown.incrementAndGet();
        } catch (UncheckedIOException broken) {
            cut.incrementAndGet();
        }
        return Optional.empty();
    }

    private static JsonNode plain(RawClient session, String arguments) {
        var answer = session.call("once", arguments);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.reply();
    }

    /** On a stream, which is gone on with wherever the balancer leads, until it has its reply. */
    private static JsonNode streamed(RawClient session, String arguments) {
        return Resumed.call(session, "once", arguments);
    }

    /** Every client still hears of the tools, and of the resource that it asks about. */
    private void allAreHeard(Nodes nodes, List<Listener> listeners, int round) {
        var lists = listeners.stream().map(Listener::lists).toList();
        var updates = listeners.stream().map(Listener::updates).toList();
        nodes.stub().add("further" + round);
        nodes.stub().update("r:1");
        await().atMost(LONG)
                .untilAsserted(
                        () -> {
                            for (int i = 0; i < listeners.size(); i++) {
                                assertThat(listeners.get(i).refused()).isEmpty();
                                assertThat(listeners.get(i).lists()).isGreaterThan(lists.get(i));
                                assertThat(listeners.get(i).updates())
                                        .isGreaterThan(updates.get(i));
                            }
                        });
    }

    /** A question comes where the call is, and is answered where the client likes. */
    private void isAsked(Nodes nodes, RawClient client) {
        var here = nodes.node((down + 1) % NODES);
        try (var raw = RawHttp.calling(here, client, "ask", "{}")) {
            var text = raw.readTo("elicitation/create") + raw.readTo("\n\n");
            var question = QUESTION.matcher(text);
            assertThat(question.find()).as(text).isTrue();
            client.at(nodes.node((down + 2) % NODES).endpoint())
                    .post(
                            "{\"jsonrpc\":\"2.0\",\"id\":"
                                    + question.group(1)
                                    + ",\"result\":{\"action\":\"accept\",\"content\":{}}}");
            assertThat(raw.readTo("\"mine\"") + raw.readTo("\n\n")).contains("accept");
        }
    }

    private void report(List<Listener> listeners) {
        var sorted = gaps.stream().sorted().toList();
        System.out.printf(
                "%d kills, %d sessions, %d calls answered, %d cut, %d that may have run; gap p50"
                        + " %s, p99 %s ms; %d times no node for a stream%n",
                KILLS,
                SESSIONS,
                answered.get(),
                cut.get(),
                unknown.get(),
                sorted.isEmpty() ? "-" : sorted.get(sorted.size() / 2).toMillis(),
                sorted.isEmpty() ? "-" : sorted.get(sorted.size() * 99 / 100).toMillis(),
                listeners.stream().mapToInt(Listener::breaks).sum());
    }
}
