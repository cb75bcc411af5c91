package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Nodes are killed under load, one after the other, and no session is lost by it. */
class KillTest {
    private static final int NODES = 3;
    private static final int SESSIONS = 30;
    private static final Duration PAUSE = Duration.ofMillis(150); // between two calls of a session

    @TempDir private Path folder;

    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger cut = new AtomicInteger();

    @Test
    void no_session_is_lost_and_no_call_is_carried_out_twice() throws Exception {
        try (var nodes = Nodes.start(folder, NODES, "");
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var sessions =
                    IntStream.range(0, SESSIONS)
                            .mapToObj(i -> nodes.node(i % NODES).client().initialize())
                            .toList();
            var running = new ArrayList<Future<Integer>>();
            sessions.forEach(
                    session -> running.add(threads.submit(() -> callUntilOver(nodes, session))));
            var random = new Random(7);
            for (int i = 0; i < 4; i++) {
                int victim = random.nextInt(NODES);
                awaitCalls(300);
                nodes.kill(victim);
                awaitCalls(150); // answered by the others
                nodes.restart(victim);
            }
            over.set(true);
            for (var one : running) {
                assertThat(one.get()).isPositive();
            }
            assertThat(nodes.stub().count("twice")).isZero();
            assertThat(nodes.stub().count("done"))
                    .isBetween(answered.get(), answered.get() + cut.get());
            allAreHeard(nodes, sessions);
        }
    }

    private void awaitCalls(int more) {
        int before = answered.get();
        await().atMost(Duration.ofSeconds(30)).until(() -> answered.get() >= before + more);
    }

    /** Calls through any node, as behind a balancer that sends each request where it likes. */
    private int callUntilOver(Nodes nodes, RawClient session) throws InterruptedException {
        int last = 0;
        for (int i = 0; !over.get(); i++) {
            var key = session.session() + i;
            var answer = call(nodes, session, key);
            if (answer == null) {
                cut.incrementAndGet(); // with its node
            } else {
                assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                int count = Integer.parseInt(answer.text());
                assertThat(count).as("of one and the same conversation").isGreaterThan(last);
                last = count;
                answered.incrementAndGet();
            }
            Thread.sleep(PAUSE);
        }
        return last;
    }

    private static Answer call(Nodes nodes, RawClient session, String key) {
        var node = nodes.node(ThreadLocalRandom.current().nextInt(NODES));
        try {
            return session.at(node.endpoint()).call("once", "{\"key\":\"" + key + "\"}");
        } catch (UncheckedIOException broken) {
            return null;
        }
    }

    /** Every client still hears of the resource that it asks about, at whichever node. */
    private static void allAreHeard(Nodes nodes, List<RawClient> sessions) {
        for (int i = 0; i < sessions.size(); i++) {
            var node = nodes.node(i % NODES);
            var client = sessions.get(i).at(node.endpoint());
            client.request("resources/subscribe", "{\"uri\":\"r:1\"}").result();
            try (var stream = RawHttp.listening(node, client)) {
                stream.head();
                int streams = NODES + i + 1; // the watches', and those of the clients so far
                await().until(() -> nodes.stub().count("streams") >= streams);
                nodes.stub().update("r:1");
                assertThat(stream.readTo("r:1")).contains("resources/updated");
            }
        }
    }
}
