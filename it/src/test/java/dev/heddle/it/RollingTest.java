package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Nodes are restarted under load, one after the other, and nobody notices. */
class RollingTest {
    private static final int NODES = 2;
    private static final int SESSIONS = 10;
    private static final Duration LOOK = Duration.ofMillis(100); // of the balancer
    private static final Duration PAUSE = Duration.ofMillis(50); // between two calls of a session
    private static final Duration TAKES = Duration.ofMillis(300); // each call

    @TempDir private Path folder;

    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicInteger answered = new AtomicInteger();
    private volatile List<Integer> ready = List.of();

    @Test
    void no_call_fails_while_one_node_after_the_other_is_restarted() throws Exception {
        try (var nodes = Nodes.start(folder, NODES, "server: {drain: 1s}");
                var balancer = new Balancer(NODES, nodes::node, i -> ready.contains(i));
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            ready = IntStream.range(0, NODES).boxed().toList();
            var running = new ArrayList<Future<?>>();
            running.add(threads.submit(() -> balance(nodes)));
            var sessions =
                    IntStream.range(0, SESSIONS)
                            .mapToObj(i -> client(balancer, i).initialize())
                            .toList();
            var listeners =
                    sessions.stream().map(one -> new Listener(balancer.endpoint(), one)).toList();
            sessions.forEach(session -> running.add(threads.submit(() -> callUntilOver(session))));
            for (int i = 0; i < 2 * NODES; i++) {
                awaitCalls(100);
                nodes.restart(i % NODES);
                await().atMost(Duration.ofSeconds(30)).until(() -> ready.size() == NODES);
            }
            awaitCalls(100);
            over.set(true);
            listeners.forEach(Listener::close);
            for (var one : running) {
                one.get();
            }
            assertThat(listeners).extracting(Listener::refused).containsOnly("");
            assertThat(nodes.stub().count("done")).isEqualTo(answered.get());
            assertThat(nodes.stub().count("twice")).isZero();
            assertThat(nodes.stub().count("sessions")).as("taken over").isLessThan(SESSIONS + 4);
        }
    }

    /** Every other one goes on with its connection, by which the balancer leads it nowhere else. */
    private static RawClient client(Balancer balancer, int number) {
        return number % 2 == 0 ? balancer.client() : new RawClient(balancer.endpoint());
    }

    private void awaitCalls(int more) {
        int before = answered.get();
        await().atMost(Duration.ofSeconds(30)).until(() -> answered.get() >= before + more);
    }

    /** Goes by what the nodes say of themselves. */
    private Void balance(Nodes nodes) throws InterruptedException {
        while (!over.get()) {
            ready = IntStream.range(0, NODES).filter(i -> isReady(nodes.node(i))).boxed().toList();
            Thread.sleep(LOOK);
        }
        return null;
    }

    private static boolean isReady(Heddle node) {
        try {
            return RawClient.status(node.endpoint().resolve("/readyz")) == 200;
        } catch (UncheckedIOException down) {
            return false;
        }
    }

    private Void callUntilOver(RawClient session) throws InterruptedException {
        int last = 0;
        for (int i = 0; !over.get(); i++) {
            var key = "{\"key\":\"" + session.session() + i + "\",\"ms\":" + TAKES.toMillis() + "}";
            var answer = session.call("once", key);
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            int count = Integer.parseInt(answer.text());
            assertThat(count).as("of one and the same conversation").isGreaterThan(last);
            last = count;
            answered.incrementAndGet();
            Thread.sleep(PAUSE);
        }
        return null;
    }
}
