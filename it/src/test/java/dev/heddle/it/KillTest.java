package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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

/** Nodes are killed under load, one after the other, and no session is lost by it. */
class KillTest {
    private static final int NODES = 3;
    private static final int SESSIONS = Form.either(30, 100);
    private static final int KILLS = Form.either(4, 30);
    private static final int CALLS = Form.either(150, 1_000); // between a kill and the next
    private static final Duration PAUSE = Duration.ofMillis(Form.either(150, 500));
    private static final Duration TAKES = Duration.ofMillis(20); // each call
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Pattern QUESTION = Pattern.compile("\"id\":(\"[a-z0-9]+-\\d+\")");

    @TempDir private Path folder;

    private final Random random = new Random(7);
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger cut = new AtomicInteger();
    private final Queue<Duration> gaps = new ConcurrentLinkedQueue<>();
    private int down; // the node that is not there

    @Test
    void no_session_is_lost_and_no_call_is_carried_out_twice() throws Exception {
        try (var nodes = Nodes.start(folder, NODES, "");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var sessions =
                    IntStream.range(0, SESSIONS)
                            .mapToObj(i -> nodes.node(i % NODES).client().initialize())
                            .toList();
            sessions.forEach(
                    one -> one.request("resources/subscribe", "{\"uri\":\"r:1\"}").result());
            var listeners =
                    sessions.stream().map(one -> new Listener(() -> any(nodes), one)).toList();
            var asked = nodes.node(0).client().initialize("2025-11-25", "{\"elicitation\":{}}");
            var running = new ArrayList<Future<Integer>>();
            sessions.forEach(one -> running.add(threads.submit(() -> callUntilOver(nodes, one))));
            try {
                for (int i = 0; i < KILLS; i++) {
                    down = random.nextInt(NODES);
                    killOne(nodes, listeners, asked, i);
                }
            } finally {
                over.set(true);
                listeners.forEach(Listener::close);
            }
            for (var one : running) {
                assertThat(one.get()).isPositive();
            }
            assertThat(listeners).extracting(Listener::refused).containsOnly("");
            assertThat(nodes.stub().count("twice")).isZero();
            assertThat(nodes.stub().count("done"))
                    .isBetween(answered.get(), answered.get() + cut.get());
            report(listeners);
        }
    }

    private void killOne(Nodes nodes, List<Listener> listeners, RawClient asked, int round) {
        nodes.kill(down);
        allAreHeard(nodes, listeners, round);
        isAsked(nodes, asked);
        awaitCalls(CALLS / 2);
        nodes.restart(down);
        awaitCalls(CALLS);
    }

    private void awaitCalls(int more) {
        int before = answered.get();
        await().atMost(LONG).until(() -> answered.get() >= before + more);
    }

    /** One to which a balancer sends the next request. */
    private static Heddle any(Nodes nodes) {
        return nodes.node(ThreadLocalRandom.current().nextInt(NODES));
    }

    private int callUntilOver(Nodes nodes, RawClient session) throws InterruptedException {
        int last = 0;
        for (int i = 0; !over.get(); i++) {
            last = count(nodes, session, session.session() + i, last);
            Thread.sleep(PAUSE);
        }
        return last;
    }

    /** What is cut with its node is not called again, and what comes after it is. */
    private int count(Nodes nodes, RawClient session, String key, int last) {
        long begin = System.nanoTime();
        for (int tries = 0; ; tries++) {
            try {
                var arguments =
                        "{\"key\":\"%s-%d\",\"ms\":%d}".formatted(key, tries, TAKES.toMillis());
                var answer = session.at(any(nodes).endpoint()).call("once", arguments);
                assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                int count = Integer.parseInt(answer.text());
                assertThat(count).as("of one and the same conversation").isGreaterThan(last);
                answered.incrementAndGet();
                if (tries > 0) {
                    gaps.add(Duration.ofNanos(System.nanoTime() - begin));
                }
                return count;
            } catch (UncheckedIOException broken) {
                if (!(broken.getCause() instanceof ConnectException)) {
                    cut.incrementAndGet();
                }
            }
        }
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
                "%d kills, %d sessions, %d calls answered, %d cut; gap p50 %s, p99 %s ms; %d times"
                        + " no node for a stream%n",
                KILLS,
                SESSIONS,
                answered.get(),
                cut.get(),
                sorted.isEmpty() ? "-" : sorted.get(sorted.size() / 2).toMillis(),
                sorted.isEmpty() ? "-" : sorted.get(sorted.size() * 99 / 100).toMillis(),
                listeners.stream().mapToInt(Listener::breaks).sum());
    }
}
