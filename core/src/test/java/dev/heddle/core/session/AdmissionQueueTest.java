package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

class AdmissionQueueTest {
    private final AdmissionQueue queue = new AdmissionQueue();

    @Test
    void a_closed_queue_admits_nobody() {
        queue.close();
        assertThat(queue.tryAdmit()).isEmpty();
    }

    @Test
    void an_empty_queue_is_drained_at_once() {
        queue.closeAndDrain();
        assertThat(queue.isClosed()).isTrue();
        assertThat(queue.isBusy()).isFalse();
    }

    @Test
    void draining_waits_for_every_pass_and_every_closer_waits() throws Exception {
        var first = queue.tryAdmit().orElseThrow();
        var second = queue.tryAdmit().orElseThrow();
        try (var closers = Executors.newVirtualThreadPerTaskExecutor()) {
            var a = closers.submit(queue::closeAndDrain);
            first.close();
            var b = Thread.ofVirtual().start(queue::closeAndDrain);
            await().until(() -> b.getState() == Thread.State.WAITING);
            assertThat(queue.isBusy()).isTrue();
            assertThat(a.isDone()).isFalse();
            second.close();
            a.get(10, TimeUnit.SECONDS);
            assertThat(b.join(Duration.ofSeconds(10))).isTrue();
        }
    }

    @Test
    void a_pass_that_is_returned_twice_counts_once() {
        var kept = queue.tryAdmit().orElseThrow();
        var returned = queue.tryAdmit().orElseThrow();
        returned.close();
        returned.close();
        assertThat(queue.isBusy()).isTrue();
        kept.close();
        assertThat(queue.isBusy()).isFalse();
    }

    @Test
    void nobody_is_inside_when_a_drain_returns_however_calls_and_closers_race() throws Exception {
        for (int round = 0; round < 2_000; round++) {
            race();
        }
    }

    private static void race() throws InterruptedException {
        var queue = new AdmissionQueue();
        var inside = new AtomicInteger();
        var drained = new AtomicBoolean();
        var violated = new AtomicBoolean();
        var start = new CountDownLatch(1);
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 6; i++) {
            threads.add(
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        awaitQuietly(start);
                                        queue.tryAdmit()
                                                .ifPresent(
                                                        pass -> {
                                                            inside.incrementAndGet();
                                                            violated.compareAndSet(
                                                                    false, drained.get());
                                                            inside.decrementAndGet();
                                                            pass.close();
                                                        });
                                    }));
        }
        for (int i = 0; i < 2; i++) {
            threads.add(
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        awaitQuietly(start);
                                        queue.closeAndDrain();
                                        drained.set(true);
                                        violated.compareAndSet(false, inside.get() != 0);
                                    }));
        }
        start.countDown();
        for (var thread : threads) {
            thread.join();
        }
        assertThat(violated).isFalse();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
