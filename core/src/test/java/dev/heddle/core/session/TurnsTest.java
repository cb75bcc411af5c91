package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

class TurnsTest {
    private final ScriptedBackend backend = new ScriptedBackend("a").tools("count");
    private final SessionFixture fixture =
            new SessionFixture(builder -> builder.inFlight(2), backend);
    private final MultiSession session = fixture.open();

    private static ConditionFactory soon() {
        return await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1));
    }

    private List<RecordingSink> call(int times) {
        var sinks = new ArrayList<RecordingSink>();
        for (int i = 0; i < times; i++) {
            sinks.add(send(session, Json.of(i), Method.TOOLS_CALL, "{\"name\":\"count\"}"));
        }
        return sinks;
    }

    private void cancel(int id) {
        var params = Json.object(members -> members.put("requestId", id));
        session.notice(Identity.NONE, JsonRpc.notification(Method.CANCELLED, params));
    }

    private List<ScriptedBackend.Request> pending(int count) {
        soon().until(() -> backend.lastTalk().pending().size() == count);
        return List.copyOf(backend.lastTalk().pending());
    }

    private static void answer(ScriptedBackend.Request request) {
        request.answer(Json.EMPTY_OBJECT);
    }

    @Test
    void no_more_calls_than_allowed_are_at_their_backend_and_the_others_follow_in_their_order() {
        backend.onCall((_, _) -> {});
        var sinks = call(5);
        pending(2).forEach(TurnsTest::answer);
        sinks.get(0).result();
        sinks.get(1).result();
        pending(2).forEach(TurnsTest::answer);
        sinks.get(2).result();
        sinks.get(3).result();
        pending(1).forEach(TurnsTest::answer);
        sinks.get(4).result();
        assertThat(backend.lastTalk().pending()).isEmpty();
    }

    @Test
    void a_call_that_is_cancelled_while_it_waits_never_reaches_its_backend() {
        backend.onCall((_, _) -> {});
        var sinks = call(4);
        var first = pending(2);
        cancel(2);
        assertThat(sinks.get(2).fault()).isInstanceOf(Fault.Cancelled.class);
        first.forEach(TurnsTest::answer);
        pending(1).forEach(TurnsTest::answer);
        sinks.get(3).result();
    }

    @Test
    void a_session_whose_queue_is_full_is_told_so_and_loses_nothing() {
        backend.onCall((_, _) -> {});
        var sinks = call(1003);
        assertThat(sinks.getLast().fault()).isInstanceOf(Fault.LimitReached.class);
        backend.onCall((_, request) -> answer(request));
        pending(2).forEach(TurnsTest::answer);
        sinks.subList(0, 1002).forEach(RecordingSink::result);
    }

    @Test
    void the_end_of_a_session_ends_those_that_wait_too() {
        backend.onCall((_, _) -> {});
        var sinks = call(4);
        pending(2);
        var ending = Thread.ofVirtual().start(session::close);
        soon().until(() -> fixture.alarms.fire(LiveSession.GRACE) > 0);
        sinks.forEach(sink -> assertThat(sink.fault()).isNotNull());
        soon().until(() -> !ending.isAlive());
    }

    @RepeatedTest(200)
    void a_cancellation_that_races_with_its_turn_leaves_all_turns_free() {
        backend.onCall((_, request) -> Thread.ofVirtual().start(() -> answer(request)));
        var sinks = new ArrayList<RecordingSink>();
        var threads = new ArrayList<Thread>();
        for (int i = 0; i < 8; i++) {
            int id = i;
            sinks.add(send(session, Json.of(id), Method.TOOLS_CALL, "{\"name\":\"count\"}"));
            threads.add(Thread.ofVirtual().start(() -> cancel(id)));
        }
        soon().until(() -> threads.stream().noneMatch(Thread::isAlive));
        sinks.forEach(RecordingSink::nextReply);
        backend.onCall((_, _) -> {});
        var later = new ArrayList<RecordingSink>();
        for (int i = 100; i < 103; i++) {
            later.add(send(session, Json.of(i), Method.TOOLS_CALL, "{\"name\":\"count\"}"));
        }
        pending(2).forEach(TurnsTest::answer);
        pending(1).forEach(TurnsTest::answer);
        later.forEach(RecordingSink::result);
    }
}
