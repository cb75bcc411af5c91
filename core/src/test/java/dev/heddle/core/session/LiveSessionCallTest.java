package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.call;
import static dev.heddle.core.session.SessionFixture.message;
import static dev.heddle.core.session.SessionFixture.send;
import static dev.heddle.core.session.SessionFixture.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.NonBlocking;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;

class LiveSessionCallTest {
    private final ScriptedBackend backend =
            new ScriptedBackend("a").tools("count", "slow").resources("x:///1").prompts("p");
    private final SessionFixture fixture = new SessionFixture(backend);
    private final MultiSession session = fixture.open();

    private void answerLater() {
        backend.onCall((_, _) -> {});
    }

    private ScriptedBackend.Request pending() {
        await().until(() -> !backend.lastTalk().pending().isEmpty());
        return backend.lastTalk().pending().getFirst();
    }

    @Test
    void a_stateful_backend_counts_on_from_call_to_call() {
        backend.onCall(
                (talk, request) ->
                        request.answer(Json.object(result -> result.put("n", talk.count()))));
        for (int i = 1; i <= 3; i++) {
            assertThat(call(session, "count").result().toString()).isEqualTo("{\"n\":" + i + "}");
        }
        assertThat(backend.openings()).isEqualTo(1);
    }

    @Test
    void the_blocking_forms_call_read_and_get() {
        backend.onCall(
                (_, request) ->
                        request.answer(
                                Json.object(
                                        result ->
                                                result.put("method", request.message().method()))));
        assertThat(
                        session.callTool(
                                        Identity.NONE,
                                        "count",
                                        Json.EMPTY_OBJECT,
                                        Json.EMPTY_OBJECT)
                                .text("method"))
                .contains(Method.TOOLS_CALL);
        assertThat(session.readResource(Identity.NONE, "x:///1").text("method"))
                .contains(Method.RESOURCES_READ);
        assertThat(session.getPrompt(Identity.NONE, "p", Json.EMPTY_OBJECT).text("method"))
                .contains(Method.PROMPTS_GET);
    }

    @Test
    void the_blocking_forms_refuse_to_run_on_an_event_loop() throws Exception {
        var task =
                new FutureTask<>(
                        () ->
                                session.callTool(
                                        Identity.NONE,
                                        "count",
                                        Json.EMPTY_OBJECT,
                                        Json.EMPTY_OBJECT));
        new LoopThread(task).start();
        assertThatThrownBy(task::get)
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseInstanceOf(IllegalStateException.class);
    }

    private static final class LoopThread extends Thread implements NonBlocking {
        LoopThread(Runnable task) {
            super(task);
        }
    }

    @Test
    void a_backends_error_comes_back_as_it_is() {
        backend.onCall((_, request) -> request.error(-32042, "because"));
        var error = call(session, "count").response();
        assertThat(error.errorCode()).isEqualTo(-32042);
        assertThat(error.id()).isEqualTo(Json.of("count"));
        assertThatThrownBy(
                        () ->
                                session.callTool(
                                        Identity.NONE,
                                        "count",
                                        Json.EMPTY_OBJECT,
                                        Json.EMPTY_OBJECT))
                .isInstanceOf(Fault.ErrorReply.class)
                .hasMessage("because");
    }

    @Test
    void what_is_not_listed_cannot_be_called_read_or_got() {
        assertThat(call(session, "nope").fault()).isInstanceOf(Fault.ToolNotFound.class);
        assertThat(send(session, Json.of(1), Method.PROMPTS_GET, "{\"name\":\"nope\"}").fault())
                .isInstanceOf(Fault.PromptNotFound.class);
        assertThat(send(session, Json.of(1), "no/such", "{}").fault())
                .isInstanceOf(Fault.MethodNotFound.class);
    }

    @Test
    void what_a_client_says_to_the_gateway_alone_does_not_reach_a_backend() {
        var seen = new LinkedBlockingQueue<String>();
        var a = new ScriptedBackend("a").tools("t");
        a.onCall(
                (_, request) -> {
                    seen.add(request.message().meta().orElseThrow().toString());
                    request.answer(Json.EMPTY_OBJECT);
                });
        SessionFixture.send(
                        new SessionFixture(a).open(),
                        Json.of(1),
                        "tools/call",
                        """
                        {"name":"t","_meta":{"vendor/x":1,\
                        "io.modelcontextprotocol/protocolVersion":"2026-07-28",\
                        "io.modelcontextprotocol/clientCapabilities":{}}}
                        """)
                .result();
        assertThat(seen).containsExactly("{\"vendor/x\":1}");
    }

    @Test
    void a_resource_that_nobody_lists_is_looked_for_at_each_backend_that_has_resources() {
        var second = new ScriptedBackend("b").tools("t");
        var both = new SessionFixture(backend, second).open();
        backend.onCall((_, request) -> request.error(-32002, "not here"));
        second.onCall((_, request) -> request.answer(Json.parse("{\"contents\":[]}")));
        assertThat(send(both, Json.of(1), Method.RESOURCES_READ, "{\"uri\":\"y:///\"}").result())
                .hasToString("{\"contents\":[]}");
        second.onCall((_, request) -> request.error(-32602, "nor here"));
        assertThat(send(both, Json.of(1), Method.RESOURCES_READ, "{\"uri\":\"y:///\"}").fault())
                .isInstanceOf(Fault.ResourceNotFound.class);
        second.onCall((_, request) -> request.error(-32603, "broken"));
        assertThat(
                        send(both, Json.of(1), Method.RESOURCES_READ, "{\"uri\":\"y:///\"}")
                                .response()
                                .errorCode())
                .isEqualTo(-32603);
    }

    @Test
    void a_subscription_to_a_resource_that_nobody_lists_is_made_where_that_can_be_read() {
        var second = new ScriptedBackend("b").tools("t");
        var both = new SessionFixture(backend, second).open();
        backend.onCall((_, request) -> request.error(-32002, "not here"));
        second.onCall((_, request) -> request.answer(Json.parse("{\"contents\":[]}")));
        send(both, Json.of(1), Method.RESOURCES_SUBSCRIBE, "{\"uri\":\"y:///\"}").result();
        assertThat(backend.lastTalk().received()).doesNotContain(Method.RESOURCES_SUBSCRIBE);
        assertThat(second.lastTalk().received()).containsOnlyOnce(Method.RESOURCES_SUBSCRIBE);
        send(both, Json.of(2), Method.RESOURCES_UNSUBSCRIBE, "{\"uri\":\"y:///\"}").result();
        assertThat(second.lastTalk().received()).containsOnlyOnce(Method.RESOURCES_UNSUBSCRIBE);
        second.onCall((_, request) -> request.error(-32602, "nor here"));
        assertThat(
                        send(both, Json.of(3), Method.RESOURCES_SUBSCRIBE, "{\"uri\":\"y:///\"}")
                                .fault())
                .isInstanceOf(Fault.ResourceNotFound.class);
    }

    @Test
    void ids_are_fresh_towards_the_backend_and_the_clients_own_come_back_with_their_text() {
        answerLater();
        var sink =
                send(
                        session,
                        Json.parse("1.50"),
                        Method.TOOLS_CALL,
                        "{\"name\":\"slow\",\"_meta\":{\"progressToken\":\"t\"}}");
        var request = pending();
        assertThat(request.message().id()).isEqualTo(Json.of(request.id()));
        assertThat(request.message().progressToken()).contains(Json.of(request.id()));
        request.progress(1);
        request.answer(Json.EMPTY_OBJECT);
        assertThat(sink.nextNotification().progress()).contains(Json.of("t"));
        assertThat(sink.response().id()).isEqualTo(Json.parse("1.50"));
    }

    @Test
    void progress_that_was_not_asked_for_is_not_invented() {
        answerLater();
        var sink = call(session, "slow");
        pending().progress(1);
        pending().answer(Json.EMPTY_OBJECT);
        sink.response();
        assertThat(sink.order()).containsExactly("reply");
    }

    @Test
    void an_id_in_flight_cannot_be_used_again_and_the_first_call_goes_on() {
        answerLater();
        var first = call(session, "slow");
        assertThat(call(session, "slow").fault()).isInstanceOf(Fault.InvalidRequest.class);
        pending().answer(Json.EMPTY_OBJECT);
        first.result();
        backend.onCall((_, request) -> request.answer(Json.EMPTY_OBJECT));
        call(session, "slow").result();
    }

    @Test
    void a_second_reply_is_ignored() {
        answerLater();
        var sink = call(session, "slow");
        var request = pending();
        request.answer(Json.EMPTY_OBJECT);
        request.answer(Json.parse("{\"again\":true}"));
        assertThat(sink.result()).isEqualTo(Json.EMPTY_OBJECT);
        assertThat(sink.isQuiet()).isTrue();
    }

    @Test
    void a_session_that_its_backend_has_forgotten_is_opened_anew_and_the_call_repeated_once() {
        backend.onCall(
                (talk, request) -> {
                    if (talk == backend.talks().getFirst()) {
                        request.fail(gone());
                    } else {
                        request.answer(Json.parse("{\"healed\":true}"));
                    }
                });
        assertThat(call(session, "count").result().toString()).isEqualTo("{\"healed\":true}");
        assertThat(backend.openings()).isEqualTo(2);
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isPositive();
        await().until(() -> backend.talks().getFirst().isClosed());
    }

    @Test
    void healing_is_tried_once_for_each_call() {
        backend.onCall((_, request) -> request.fail(gone()));
        assertThat(call(session, "count").fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> assertThat(fault.reason()).isEqualTo(Reason.SESSION_GONE));
        assertThat(backend.openings()).isEqualTo(2);
    }

    @Test
    void many_calls_that_find_the_session_gone_open_one_new_one() {
        var calls = 32; // as many as a session lets go at once
        answerLater();
        var sinks = new RecordingSink[calls];
        for (int i = 0; i < calls; i++) {
            sinks[i] = send(session, Json.of(i), Method.TOOLS_CALL, "{\"name\":\"count\"}");
        }
        await().until(() -> backend.lastTalk().pending().size() == calls);
        backend.onCall((_, request) -> request.answer(Json.EMPTY_OBJECT));
        backend.talks().getFirst().pending().parallelStream()
                .forEach(request -> request.fail(gone()));
        for (var sink : sinks) {
            sink.result();
        }
        assertThat(backend.openings()).isEqualTo(2);
    }

    @Test
    void a_call_that_may_have_run_is_not_repeated() {
        var broken = new Fault.BackendFailed("a", Reason.DISCONNECTED, "broke", true);
        backend.onCall(
                (talk, request) -> {
                    talk.count();
                    request.fail(broken);
                });
        assertThat(call(session, "count").fault()).isSameAs(broken);
        assertThat(backend.lastTalk().count()).isEqualTo(2);
    }

    @Test
    void a_cancelled_call_is_cancelled_at_its_backend_and_answered_nowhere_else() {
        answerLater();
        var sink = call(session, "slow");
        long id = pending().id();
        session.notice(
                Identity.NONE,
                message(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"slow\"}}"));
        assertThat(sink.fault()).isInstanceOf(Fault.Cancelled.class);
        assertThat(backend.lastTalk().received()).contains("cancel " + id);
    }

    @Test
    void a_caller_that_is_interrupted_cancels_its_call() throws Exception {
        answerLater();
        var failed =
                new FutureTask<>(
                        () ->
                                session.callTool(
                                        Identity.NONE,
                                        "slow",
                                        Json.EMPTY_OBJECT,
                                        Json.EMPTY_OBJECT));
        var caller = Thread.ofVirtual().start(failed);
        long id = pending().id();
        caller.interrupt();
        assertThatThrownBy(failed::get).hasCauseInstanceOf(Fault.Cancelled.class);
        assertThat(backend.lastTalk().received()).contains("cancel " + id);
    }

    @Test
    void a_clock_that_is_set_forward_is_not_silence() {
        answerLater();
        var sink = call(session, "slow");
        pending();
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(sink.hasReply()).isFalse();
        assertThat(fixture.alarms.set(SessionFixture.SILENCE)).isEqualTo(1);
    }

    @Test
    void a_cancellation_of_nothing_is_ignored() {
        session.notice(
                Identity.NONE,
                message(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}"));
        call(session, "count").result();
    }

    @Test
    void a_call_cancelled_while_its_backend_is_being_opened_is_never_sent() {
        var gate = new CountDownLatch(1);
        var slow = new ScriptedBackend("slow").tools("t");
        var held = new SessionFixture(slow);
        var opened = held.open();
        slow.holdUntil(gate);
        slow.lastTalk().events().lost(gone());
        var sink = new RecordingSink();
        var running = start(opened, Json.of(1), Method.TOOLS_CALL, "{\"name\":\"t\"}", sink);
        running.cancel();
        assertThat(sink.fault()).isInstanceOf(Fault.Cancelled.class);
        gate.countDown();
        await().until(() -> slow.talks().size() == 2);
        opened.close();
        assertThat(slow.lastTalk().received()).doesNotContain(Method.TOOLS_CALL);
    }

    @Test
    void a_silent_call_times_out_and_is_cancelled_at_its_backend() {
        answerLater();
        var sink = call(session, "slow");
        long id = pending().id();
        fixture.clock.advance(SessionFixture.SILENCE);
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> {
                            assertThat(fault.reason()).isEqualTo(Reason.TIMEOUT);
                            assertThat(fault.mayHaveRun()).isTrue();
                        });
        assertThat(backend.lastTalk().received()).contains("cancel " + id);
    }

    @Test
    void progress_starts_the_time_for_silence_anew() {
        answerLater();
        var sink = call(session, "slow");
        var half = SessionFixture.SILENCE.dividedBy(2);
        fixture.clock.advance(half);
        pending().progress(1);
        fixture.clock.advance(half);
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(sink.hasReply()).isFalse();
        fixture.clock.advance(half);
        assertThat(fixture.alarms.fire(half)).isEqualTo(1);
        assertThat(sink.fault()).hasMessageContaining("no sign of life");
    }

    @Test
    void a_server_that_is_left_alone_while_it_works_is_not_silent() {
        answerLater();
        var sink = call(session, "slow");
        var half = SessionFixture.SILENCE.dividedBy(2);
        fixture.clock.advance(half);
        pending().sink().alive(half);
        fixture.clock.advance(SessionFixture.SILENCE);
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(sink.hasReply()).isFalse();
        fixture.clock.advance(half);
        assertThat(fixture.alarms.fire(half)).isEqualTo(1);
        assertThat(sink.fault()).hasMessageContaining("no sign of life");
    }

    @Test
    void what_one_call_asked_can_be_answered_when_another_has_found_the_session_gone() {
        answerLater();
        var first = call(session, "slow");
        var talk = backend.lastTalk();
        pending().sink().question(talk.question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        var question = first.nextQuestion();
        backend.onCall(
                (asked, request) -> {
                    if (asked == talk) {
                        request.fail(gone());
                    } else {
                        request.answer(Json.EMPTY_OBJECT);
                    }
                });
        call(session, "count").result();
        assertThat(backend.openings()).isEqualTo(2);
        session.answer(
                Identity.NONE,
                message("{\"jsonrpc\":\"2.0\",\"id\":" + question.id() + ",\"result\":{}}"));
        assertThat(talk.answers()).hasSize(1).allMatch(answer -> answer.result().isPresent());
        assertThat(first.hasReply()).isFalse();
    }

    @Test
    void a_question_that_came_during_a_call_outlasts_it_if_it_may_not_have_been_the_calls() {
        answerLater();
        var sink = call(session, "slow");
        var request = pending();
        backend.lastTalk().ask(Method.ROOTS_LIST, Json.EMPTY_OBJECT);
        var question = sink.nextQuestion();
        request.answer(Json.EMPTY_OBJECT);
        sink.result();
        assertThat(backend.lastTalk().answers()).isEmpty();
        session.answer(
                Identity.NONE,
                message("{\"jsonrpc\":\"2.0\",\"id\":" + question.id() + ",\"result\":{}}"));
        assertThat(backend.lastTalk().answers())
                .hasSize(1)
                .allMatch(answer -> answer.result().isPresent());
    }

    @Test
    void what_is_asked_for_a_call_that_has_ended_is_refused() {
        answerLater();
        var ended = call(session, "slow");
        var other = call(session, "count");
        await().until(() -> backend.lastTalk().pending().size() == 2);
        var late =
                backend.lastTalk().pending().stream()
                        .filter(request -> request.message().name().equals(Optional.of("slow")))
                        .findAny()
                        .orElseThrow();
        session.notice(
                Identity.NONE,
                message(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                                + "{\"requestId\":\"slow\"}}"));
        late.sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        assertThat(backend.lastTalk().answers())
                .hasSize(1)
                .allMatch(answer -> answer.error().isPresent());
        assertThat(other.isQuiet()).isTrue();
        assertThat(ended.order()).doesNotContain("question");
    }

    @Test
    void a_person_who_thinks_about_a_question_is_not_silence() {
        answerLater();
        var sink = call(session, "slow");
        var request = pending();
        request.sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        var question = sink.nextQuestion();
        for (int i = 0; i < 5; i++) {
            fixture.clock.advance(SessionFixture.SILENCE);
            fixture.alarms.fire(SessionFixture.SILENCE);
        }
        assertThat(sink.hasReply()).isFalse();
        session.answer(
                Identity.NONE,
                message("{\"jsonrpc\":\"2.0\",\"id\":" + question.id() + ",\"result\":{}}"));
        request.answer(Json.EMPTY_OBJECT);
        sink.result();
    }

    @Test
    void a_question_that_nobody_answers_is_given_up_in_the_end() {
        answerLater();
        var sink = call(session, "slow");
        pending()
                .sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        var id = sink.nextQuestion().id();
        assertThat(fixture.alarms.fire(Questions.PATIENCE)).isEqualTo(1);
        assertThat(backend.lastTalk().answers())
                .singleElement()
                .satisfies(
                        given -> {
                            assertThat(given.id()).isEqualTo(Json.of("q"));
                            assertThat(given.error().flatMap(error -> error.text("message")))
                                    .contains("the client did not answer within 10 minutes");
                        });
        assertThat(sink.nextNotification().requestId()).contains(id);
        session.answer(
                Identity.NONE, message("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{}}"));
        assertThat(backend.lastTalk().answers()).hasSize(1);
    }

    @Test
    void a_call_gets_its_whole_time_anew_when_a_person_has_answered() {
        answerLater();
        var sink = call(session, "slow");
        pending()
                .sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        var id = sink.nextQuestion().id();
        fixture.clock.advance(SessionFixture.SILENCE);
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        fixture.clock.advance(SessionFixture.SILENCE.minusSeconds(1));
        session.answer(
                Identity.NONE, message("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{}}"));
        fixture.clock.advance(Duration.ofSeconds(1));
        assertThat(fixture.alarms.fire(SessionFixture.SILENCE)).isEqualTo(1);
        assertThat(sink.hasReply()).isFalse();
        var rest = SessionFixture.SILENCE.minusSeconds(1);
        fixture.clock.advance(rest);
        assertThat(fixture.alarms.fire(rest)).isEqualTo(1);
        assertThat(sink.fault()).hasMessageContaining("no sign of life");
    }

    private static HealthBoard breaking(FakeClock clock) {
        return new HealthBoard(
                new HealthRules(
                        Duration.ofSeconds(30),
                        Duration.ofSeconds(10),
                        3,
                        OptionalInt.of(1),
                        Duration.ofSeconds(60)),
                clock);
    }

    @Test
    void an_open_breaker_of_one_backend_does_not_hide_the_resources_of_the_next() {
        var a = new ScriptedBackend("a").tools("t");
        var b =
                new ScriptedBackend("b")
                        .tools("u")
                        .onCall((_, asked) -> asked.answer(Json.parse("{\"contents\":[]}")));
        var health = breaking(new FakeClock());
        var opened = new SessionFixture(builder -> builder.health(health), a, b).open();
        health.callFailed(a.id());
        assertThat(read(opened).result()).hasToString("{\"contents\":[]}");
    }

    @Test
    void a_resource_that_could_not_be_asked_for_is_not_said_to_be_missing() {
        var a = new ScriptedBackend("a").tools("t");
        var health = breaking(new FakeClock());
        var opened = new SessionFixture(builder -> builder.health(health), a).open();
        health.callFailed(a.id());
        assertThat(read(opened).fault()).hasMessageContaining("circuit breaker");
    }

    @Test
    void a_search_for_a_resource_can_be_cancelled_at_every_backend_on_its_way() {
        var a =
                new ScriptedBackend("a")
                        .tools("t")
                        .onCall((_, asked) -> asked.error(-32002, "not here"));
        var b = new ScriptedBackend("b").tools("u").onCall((_, _) -> {});
        var opened = new SessionFixture(a, b).open();
        var sink = read(opened);
        await().until(() -> !b.lastTalk().pending().isEmpty());
        opened.notice(
                Identity.NONE,
                message(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":9}}"));
        assertThat(sink.fault()).isInstanceOf(Fault.Cancelled.class);
        assertThat(b.lastTalk().received()).anyMatch(text -> text.startsWith("cancel "));
        assertThat(opened.active()).isFalse();
    }

    @Test
    void a_search_for_a_resource_that_outlasts_its_session_says_that_it_may_have_run() {
        var a = new ScriptedBackend("a").tools("t").onCall((_, _) -> {});
        var its = new SessionFixture(a);
        var opened = its.open();
        var sink = read(opened);
        await().until(() -> !a.lastTalk().pending().isEmpty());
        var closing = Thread.ofVirtual().start(opened::close);
        await().until(() -> its.alarms.fire(LiveSession.GRACE) == 1);
        await().until(() -> !closing.isAlive());
        assertThat(sink.fault()).hasMessageContaining("may have been carried out");
        assertThat(sink.order()).containsExactly("reply");
    }

    private static RecordingSink read(MultiSession from) {
        return send(from, Json.of(9), Method.RESOURCES_READ, "{\"uri\":\"y:///\"}");
    }

    @Test
    void a_call_that_is_refused_and_cancelled_at_once_gets_one_reply() throws Exception {
        for (int round = 0; round < 200; round++) {
            var health = breaking(new FakeClock());
            var one = new ScriptedBackend("a").tools("t").resources("x:///1");
            var opened = new SessionFixture(builder -> builder.health(health), one).open();
            health.callFailed(one.id());
            var params = round % 2 == 0 ? "{\"name\":\"t\"}" : "{\"uri\":\"y:///\"}";
            var method = round % 2 == 0 ? Method.TOOLS_CALL : Method.RESOURCES_READ;
            var sink = new RecordingSink();
            var canceller =
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        while (!sink.hasReply()) {
                                            opened.notice(Identity.NONE, CANCEL_NINE);
                                        }
                                    });
            start(opened, Json.of(9), method, params, sink);
            canceller.join();
            assertThat(sink.order()).containsExactly("reply");
            assertThat(opened.active()).isFalse();
        }
    }

    private static final Envelope CANCEL_NINE =
            message(
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":9}}");

    @Test
    void an_id_that_is_in_use_does_not_cost_the_trial_of_a_half_open_breaker() {
        var clock = new FakeClock();
        var health = breaking(clock);
        var one = new ScriptedBackend("a").tools("t").onCall((_, _) -> {});
        var opened = new SessionFixture(builder -> builder.health(health), one).open();
        var first = call(opened, "t");
        health.callFailed(one.id());
        clock.advance(Duration.ofSeconds(60));
        assertThat(call(opened, "t").fault()).isInstanceOf(Fault.InvalidRequest.class);
        assertThat(health.refusal(one.id())).isEmpty();
        assertThat(first.hasReply()).isFalse();
    }

    @Test
    void log_messages_below_the_clients_level_are_left_out() {
        answerLater();
        send(session, Json.of(1), Method.SET_LEVEL, "{\"level\":\"warning\"}").result();
        assertThat(backend.lastTalk().received()).contains(Method.SET_LEVEL);
        var sink = call(session, "slow");
        var request = pending();
        request.say(log("info"));
        request.say(log("error"));
        request.answer(Json.EMPTY_OBJECT);
        assertThat(sink.nextNotification().level()).contains("error");
        sink.result();
        assertThat(sink.isQuiet()).isTrue();
    }

    private static Envelope log(String level) {
        return message(
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\""
                        + level
                        + "\",\"data\":1}}");
    }

    @Test
    void bad_parameters_name_what_was_expected() {
        assertThat(send(session, Json.of(1), Method.TOOLS_CALL, "{}").fault())
                .isInstanceOf(Fault.InvalidParams.class)
                .hasMessageContaining("params.name");
        assertThat(
                        send(
                                        session,
                                        Json.of(1),
                                        Method.TOOLS_CALL,
                                        "{\"name\":\"count\",\"arguments\":[]}")
                                .fault())
                .isInstanceOf(Fault.InvalidParams.class)
                .hasMessageContaining("an object");
        assertThat(send(session, Json.of(1), Method.SET_LEVEL, "{\"level\":\"loud\"}").fault())
                .hasMessageContaining("one of debug");
        assertThat(send(session, Json.of(1), Method.TOOLS_LIST, "{\"cursor\":\"???\"}").fault())
                .hasMessageContaining("unknown cursor");
    }

    @Test
    void a_completion_for_nobody_is_empty() {
        var result =
                send(
                                session,
                                Json.of(1),
                                Method.COMPLETE,
                                "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"nope\"},\"argument\":{\"name\":\"x\",\"value\":\"\"}}")
                        .result();
        assertThat(result.toString()).contains("\"values\":[]");
        assertThat(result.get("completion")).isPresent();
    }

    @Test
    void an_unhealthy_backend_is_refused_without_being_asked() {
        for (int i = 0; i < 3; i++) {
            fixture.health.probeFailed(backend.id(), gone());
        }
        assertThat(call(session, "count").fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> assertThat(fault.reason()).isEqualTo(Reason.UNHEALTHY));
        assertThat(session.tools().items()).isEmpty();
        assertThat(backend.lastTalk().received()).doesNotContain(Method.TOOLS_CALL);
    }

    private static Fault.BackendFailed gone() {
        return Fault.BackendFailed.notSent("a", Reason.SESSION_GONE, "has forgotten the session");
    }
}
