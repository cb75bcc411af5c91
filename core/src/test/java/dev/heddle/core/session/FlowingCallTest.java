package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Calls whose result is handed on while it comes. */
class FlowingCallTest {
    private final ScriptedBackend backend = new ScriptedBackend("a").tools("big");
    private final SessionFixture fixture = new SessionFixture(backend);
    private final MultiSession session = fixture.open();
    private final ScriptedFlow flow = new ScriptedFlow();
    private final RecordingSink sink = new RecordingSink();

    /** What a backend's connection does with a large answer. */
    private static final class ScriptedFlow implements Flow {
        private final AtomicInteger aborts = new AtomicInteger();
        private volatile @Nullable Taker taker;
        private volatile @Nullable Json id;

        @Override
        public void begin(Json wanted, Taker wanting) {
            id = wanted;
            taker = wanting;
        }

        @Override
        public void abort() {
            aborts.incrementAndGet();
        }

        Taker taker() {
            var begun = taker;
            if (begun == null) {
                throw new AssertionError("nobody has begun the flow");
            }
            return begun;
        }

        void part(String text) {
            var bytes = text.getBytes(StandardCharsets.UTF_8);
            taker().part(bytes, 0, bytes.length);
        }
    }

    private Running begin() {
        backend.onCall((_, request) -> request.flow(flow));
        var running = start(session, Json.of(1), Method.TOOLS_CALL, "{\"name\":\"big\"}", sink);
        await().pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .until(() -> sink.order().contains("flow"));
        return running;
    }

    @Test
    void its_parts_come_in_order_and_the_call_goes_on_until_the_last() {
        begin();
        flow.part("a");
        flow.part("b");
        assertThat(session.active()).isTrue();
        flow.taker().end();
        assertThat(sink.order()).containsExactly("flow", "a", "b", "end");
        assertThat(session.active()).isFalse();
        assertThat(flow.id).isEqualTo(Json.of("the client's"));
        assertThat(flow.aborts).hasValue(0);
    }

    @Test
    void a_session_that_is_closed_waits_for_the_last_part() {
        begin();
        var closing = Thread.ofVirtual().start(session::close);
        await().until(() -> fixture.alarms.set(LiveSession.GRACE) == 1);
        flow.part("a");
        assertThat(closing.isAlive()).isTrue();
        flow.taker().end();
        await().until(() -> !closing.isAlive());
        assertThat(sink.order()).containsExactly("flow", "a", "end");
    }

    @Test
    void a_session_that_has_waited_long_enough_ends_it() {
        begin();
        var closing = Thread.ofVirtual().start(session::close);
        await().until(() -> fixture.alarms.fire(LiveSession.GRACE) == 1);
        await().until(() -> !closing.isAlive());
        assertThat(flow.aborts).hasValue(1);
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> assertThat(fault.reason()).isEqualTo(Reason.CLOSED));
    }

    @Test
    void a_client_that_cancels_it_gets_no_more() {
        begin().cancel();
        assertThat(flow.aborts).hasValue(1);
        assertThat(sink.fault()).isInstanceOf(Fault.Cancelled.class);
        assertThat(session.active()).isFalse();
    }

    @Test
    void a_backend_that_breaks_off_has_failed() {
        begin();
        flow.part("a");
        flow.taker().broken();
        assertThat(sink.order()).containsExactly("flow", "a", "reply", "broken");
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> {
                            assertThat(fault.reason()).isEqualTo(Reason.DISCONNECTED);
                            assertThat(fault.mayHaveRun()).isTrue();
                        });
        assertThat(session.active()).isFalse();
    }

    @Test
    void silence_between_two_parts_ends_it() {
        begin();
        fixture.clock.advance(SessionFixture.SILENCE.dividedBy(2));
        flow.part("a");
        fixture.clock.advance(SessionFixture.SILENCE.dividedBy(2));
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(flow.aborts).hasValue(0);
        fixture.clock.advance(SessionFixture.SILENCE.dividedBy(2));
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE.dividedBy(2))).isEqualTo(1);
        assertThat(flow.aborts).hasValue(1);
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> assertThat(fault.reason()).isEqualTo(Reason.TIMEOUT));
    }

    @Test
    void a_client_that_takes_nothing_is_not_held_against_its_backend() {
        sink.reading(false);
        begin();
        fixture.clock.advance(SessionFixture.SILENCE);
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(flow.aborts).hasValue(1);
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> assertThat(fault.reason()).isEqualTo(Reason.LIMIT));
    }

    @Test
    void a_result_that_begins_after_its_call_has_ended_is_not_wanted() {
        backend.onCall((_, _) -> {});
        var running = start(session, Json.of(1), Method.TOOLS_CALL, "{\"name\":\"big\"}", sink);
        await().until(() -> !backend.lastTalk().pending().isEmpty());
        var request = backend.lastTalk().pending().getFirst();
        running.cancel();
        request.flow(flow);
        assertThat(flow.aborts).hasValue(1);
        assertThat(sink.order()).containsExactly("reply");
    }

    @RepeatedTest(300)
    void an_end_that_races_with_a_cancellation_ends_the_call_once() throws Exception {
        var running = begin();
        var go = new CountDownLatch(1);
        var cancelling =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    awaitGo(go);
                                    running.cancel();
                                });
        var ending =
                Thread.ofVirtual()
                        .start(
                                () -> {
                                    awaitGo(go);
                                    flow.taker().end();
                                });
        go.countDown();
        cancelling.join();
        ending.join();
        assertThat(session.active()).isFalse();
        boolean cancelled = sink.order().contains("reply");
        assertThat(flow.aborts.get() > 0).isEqualTo(cancelled);
        assertThat(fixture.health.health(backend.id()).state().usable()).isTrue();
    }

    private static void awaitGo(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
