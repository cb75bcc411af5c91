package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.PROFILE;
import static dev.heddle.core.session.SessionFixture.call;
import static dev.heddle.core.session.SessionFixture.message;
import static dev.heddle.core.session.SessionFixture.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

class LiveSessionLifeTest {
    private static final Identity ANNA = new Identity("https://idp", "anna", "t");
    private static final Identity BERT = new Identity("https://idp", "bert", "t");

    private static List<String> names(MultiSession session) {
        return session.tools().items().stream().map(item -> item.key()).toList();
    }

    @Test
    void backends_are_opened_in_parallel_but_not_more_than_the_limit_at_once() {
        var gate = new CountDownLatch(1);
        var backends =
                IntStream.range(0, 25)
                        .mapToObj(i -> new ScriptedBackend("b" + i).tools("t" + i).holdUntil(gate))
                        .toArray(ScriptedBackend[]::new);
        var fixture = new SessionFixture(builder -> builder.coldStart(Duration.ZERO), backends);
        var session = fixture.open();
        await().until(
                        () ->
                                IntStream.range(0, 25)
                                                .filter(i -> backends[i].openings() > 0)
                                                .count()
                                        == 10);
        gate.countDown();
        await().until(() -> names(session).size() == 25);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1})
    void a_limit_that_makes_no_sense_is_ignored(int openings) {
        var backend = new ScriptedBackend("a").tools("t");
        assertThat(names(new SessionFixture(builder -> builder.openings(openings), backend).open()))
                .containsExactly("t");
    }

    @Test
    void a_slow_backend_is_left_out_and_joins_later() {
        var gate = new CountDownLatch(1);
        var fast = new ScriptedBackend("fast").tools("f");
        var slow = new ScriptedBackend("slow").tools("s").holdUntil(gate);
        var fixture =
                new SessionFixture(builder -> builder.coldStart(Duration.ofMillis(50)), fast, slow);
        var session = fixture.open();
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("f"));
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        gate.countDown();
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("f", "s"));
        await().until(() -> stream.order().contains(Method.TOOLS_CHANGED));
    }

    @Test
    void a_failing_backend_is_left_out_and_the_making_does_not_wait_for_it() {
        var good = new ScriptedBackend("good").tools("g");
        var bad = new ScriptedBackend("bad").tools("b").failing(Reason.UNREACHABLE);
        var session = new SessionFixture(good, bad).open();
        assertThat(names(session)).containsExactly("g");
        assertThat(session.backendSessions()).containsOnlyKeys(new BackendId("good"));
        bad.working();
        assertThat(bad.openings()).isEqualTo(1);
    }

    @Test
    void a_session_over_nothing_that_works_is_a_session() {
        var session = new SessionFixture(new ScriptedBackend("a").failing(Reason.TIMEOUT)).open();
        assertThat(session.tools().items()).isEmpty();
        assertThat(send(session, Json.of(1), Method.PING, "{}").result())
                .isEqualTo(Json.EMPTY_OBJECT);
    }

    @Test
    void where_all_backends_are_required_one_that_fails_refuses_the_session() {
        var good = new ScriptedBackend("good").tools("g");
        var bad = new ScriptedBackend("bad").failing(Reason.UNREACHABLE);
        var fixture = new SessionFixture(builder -> builder.allOrNothing(true), good, bad);
        assertThatThrownBy(fixture::open)
                .isInstanceOf(Fault.BackendFailed.class)
                .hasMessageContaining("bad");
        await().until(() -> good.open() == 0);
    }

    @Test
    void a_call_waits_only_for_the_backend_that_it_needs() {
        var fast = new ScriptedBackend("fast").tools("f");
        var hung = new ScriptedBackend("hung").tools("h").holdUntil(new CountDownLatch(1));
        var fixture =
                new SessionFixture(builder -> builder.coldStart(Duration.ofMillis(20)), fast, hung);
        var session = fixture.open();
        await().until(() -> !names(session).isEmpty());
        call(session, "f").result();
    }

    @Test
    void a_changed_list_is_read_again_and_the_client_told_of_additions_and_removals() {
        var backend = new ScriptedBackend("a").tools("x", "y").prompts("p").resources("r:///1");
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.tools("y", "z").prompts().resources();
        backend.lastTalk().events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("y", "z"));
        assertThat(session.prompts().items()).isEmpty();
        assertThat(session.resources().items()).isEmpty();
        await().until(() -> stream.order().size() == 3);
        assertThat(stream.order())
                .containsExactlyInAnyOrder(
                        Method.TOOLS_CHANGED, Method.RESOURCES_CHANGED, Method.PROMPTS_CHANGED);
    }

    @Test
    void a_changed_list_that_reads_the_same_is_no_news() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        int before = backend.lastTalk().received().size();
        backend.lastTalk().events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
        await().until(() -> backend.lastTalk().received().size() >= before + 4);
        backend.tools("x", "y");
        backend.lastTalk().events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
        assertThat(stream.nextNotification().method()).isEqualTo(Method.TOOLS_CHANGED);
        assertThat(stream.order()).hasSize(1);
    }

    @Test
    void what_changed_while_the_client_had_no_stream_is_told_once_on_the_next_one() {
        var backend = new ScriptedBackend("a").tools("x").resources("r:///1");
        var session = new SessionFixture(backend).open();
        for (int i = 2; i < 5; i++) {
            backend.tools("x", "y" + i);
            backend.lastTalk().events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
            var newest = "y" + i;
            await().until(() -> names(session).contains(newest));
        }
        for (int i = 0; i < 3; i++) {
            backend.lastTalk()
                    .events()
                    .notification(
                            message(
                                    "{\"jsonrpc\":\"2.0\",\"method\":"
                                        + "\"notifications/resources/updated\",\"params\":{\"uri\":\"r:///1\"}}"));
        }
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        assertThat(stream.order())
                .containsExactlyInAnyOrder(Method.TOOLS_CHANGED, Method.RESOURCE_UPDATED);
    }

    @Test
    void a_message_travels_on_one_stream_only() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        var first = new RecordingSink();
        var second = new RecordingSink();
        session.attach(Identity.NONE, first);
        var newer = session.attach(Identity.NONE, second);
        backend.lastTalk().events().notification(log());
        assertThat(second.nextNotification().method()).isEqualTo(Method.LOG_MESSAGE);
        newer.detach();
        backend.lastTalk().events().notification(log());
        assertThat(first.order()).containsExactly(Method.LOG_MESSAGE);
        assertThat(second.order()).hasSize(1);
    }

    private static Envelope log() {
        return message(
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}");
    }

    @Test
    void backend_streams_are_held_open_only_while_the_client_listens_or_has_subscribed() {
        var backend = new ScriptedBackend("a").tools("x").resources("r:///1");
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        assertThat(backend.lastTalk().isListening()).isFalse();
        session.attach(Identity.NONE, new RecordingSink()).detach();
        assertThat(backend.lastTalk().isListening()).isTrue(); // it may come back
        fixture.alarms.fire(EventLog.RETURN);
        assertThat(backend.lastTalk().isListening()).isFalse();
        send(session, Json.of(1), Method.RESOURCES_SUBSCRIBE, "{\"uri\":\"r:///1\"}").result();
        assertThat(backend.lastTalk().isListening()).isTrue();
        send(session, Json.of(1), Method.RESOURCES_UNSUBSCRIBE, "{\"uri\":\"r:///1\"}").result();
        assertThat(backend.lastTalk().isListening()).isFalse();
    }

    @Test
    void what_is_worth_no_keeping_is_said_on_a_stream_to_which_the_client_may_come_back() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        var notice = JsonRpc.notification("notifications/elicitation/complete");
        var first = new RecordingSink();
        session.attach(Identity.NONE, first).detach();
        backend.lastTalk().events().notification(notice);
        assertThat(first.order()).containsExactly(notice.method());
        var second = new RecordingSink();
        var attachment = session.attach(Identity.NONE, second);
        backend.lastTalk().events().notification(notice);
        attachment.detach();
        fixture.alarms.fire(EventLog.RETURN);
        backend.lastTalk().events().notification(notice);
        assertThat(first.order()).hasSize(1);
        assertThat(second.order()).containsExactly(notice.method());
    }

    @Test
    void
            a_changed_list_is_said_in_its_turn_where_the_client_comes_back_and_else_on_its_next_stream() {
        var backend = new ScriptedBackend("a").tools("x").resources("r:///1");
        var session = new SessionFixture(backend).open();
        send(session, Json.of(1), Method.RESOURCES_SUBSCRIBE, "{\"uri\":\"r:///1\"}").result();
        var first = new RecordingSink();
        var notice = JsonRpc.notification("notifications/elicitation/complete");
        session.attach(Identity.NONE, first).detach();
        backend.lastTalk().events().notification(notice);
        backend.lastTalk().events().notification(updated("r:///1"));
        backend.lastTalk().events().notification(updated("r:///1"));
        backend.lastTalk().events().notification(notice);
        var inOrder = List.of(notice.method(), Method.RESOURCE_UPDATED, notice.method());
        assertThat(first.order()).isEqualTo(inOrder);
        session.attach(Identity.NONE, new Continuing(first)).detach();
        assertThat(first.order()).isEqualTo(inOrder);
        backend.lastTalk().events().notification(updated("r:///1"));
        var fresh = new RecordingSink();
        session.attach(Identity.NONE, fresh);
        assertThat(fresh.order()).containsExactly(Method.RESOURCE_UPDATED);
    }

    private static Envelope updated(String uri) {
        var params = Json.object(members -> members.put("uri", uri));
        return JsonRpc.notification(Method.RESOURCE_UPDATED, params);
    }

    /** An earlier stream on another connection. */
    private record Continuing(RecordingSink before) implements ClientStream {
        @Override
        public void notification(Spliced message) {
            before.notification(message);
        }

        @Override
        public boolean question(Question question) {
            return before.question(question);
        }

        @Override
        public boolean continues(ClientStream earlier) {
            return earlier.equals(before);
        }
    }

    @Test
    void
            a_healed_conversation_knows_the_level_and_the_subscriptions_again_and_missed_updates_are_assumed() {
        var backend = new ScriptedBackend("a").tools("x").resources("r:///1");
        var session = new SessionFixture(backend).open();
        send(session, Json.of(1), Method.SET_LEVEL, "{\"level\":\"error\"}").result();
        send(session, Json.of(2), Method.RESOURCES_SUBSCRIBE, "{\"uri\":\"r:///1\"}").result();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.DISCONNECTED, "ended"));
        call(session, "x").result();
        assertThat(backend.talks()).hasSize(2);
        assertThat(backend.lastTalk().received())
                .contains(Method.SET_LEVEL, Method.RESOURCES_SUBSCRIBE);
        assertThat(backend.lastTalk().isListening()).isTrue();
        await().until(() -> stream.order().contains(Method.RESOURCE_UPDATED));
    }

    @Test
    void a_question_on_the_answer_of_a_call_goes_to_that_call() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.onCall(
                (talk, request) ->
                        request.sink()
                                .question(talk.question(Method.SAMPLING, Json.EMPTY_OBJECT, "7")));
        var sink = call(session, "x");
        var question = sink.nextQuestion();
        var id = Envelope.parse(question.message().bytes()).id();
        assertThat(id).isNotEqualTo(Json.of("7"));
        session.answer(
                Identity.NONE,
                message("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"ok\":1}}"));
        assertThat(backend.lastTalk().answers().getFirst().id()).isEqualTo(Json.of("7"));
        session.answer(
                Identity.NONE,
                message("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"ok\":2}}"));
        assertThat(backend.lastTalk().answers()).hasSize(1);
        assertThat(stream.isQuiet()).isTrue();
    }

    @Test
    void a_question_outside_calls_goes_to_the_standing_stream_and_waits_a_little_for_one() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        backend.lastTalk().ask(Method.ROOTS_LIST, Json.EMPTY_OBJECT);
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        stream.nextQuestion().refuse("no");
        assertThat(backend.lastTalk().answers()).hasSize(1);
        fixture.alarms.fire(StandingStream.PATIENCE);
        assertThat(backend.lastTalk().answers()).hasSize(1);
    }

    @Test
    void a_question_that_nobody_can_be_asked_is_answered_with_an_error() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        fixture.open();
        backend.lastTalk().ask(Method.ROOTS_LIST, Json.EMPTY_OBJECT);
        assertThat(fixture.alarms.fire(StandingStream.PATIENCE)).isEqualTo(1);
        assertThat(backend.lastTalk().answers().getFirst().error()).isPresent();
    }

    @Test
    void a_question_whose_way_is_lost_is_asked_again_on_the_next_one_or_refused() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        var first = new RecordingSink();
        var attachment = session.attach(Identity.NONE, first);
        backend.lastTalk().ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        var asked = first.nextQuestion();
        attachment.detach();
        asked.wayLost().run();
        var second = new RecordingSink();
        attachment = session.attach(Identity.NONE, second);
        assertThat(Envelope.parse(second.nextQuestion().message().bytes()).id())
                .isEqualTo(Envelope.parse(asked.message().bytes()).id());
        attachment.detach();
        asked.wayLost().run();
        fixture.alarms.fire(EventLog.RETURN); // it may come back so long
        assertThat(backend.lastTalk().answers().getFirst().error()).isPresent();
        assertThat(session.active()).isFalse();
    }

    @Test
    void a_backend_that_is_lost_while_the_client_listens_is_opened_again_without_a_call() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        session.attach(Identity.NONE, new RecordingSink());
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.SESSION_GONE, "gone"));
        fixture.alarms.fire(Duration.ofSeconds(1));
        await().until(() -> backend.talks().size() == 2 && backend.lastTalk().isListening());
    }

    @Test
    void a_conversation_that_is_lost_while_it_begins_is_not_taken_for_open() {
        var backend = new ScriptedBackend("a").tools("x").losingTheFirst();
        var fixture =
                new SessionFixture(builder -> builder.coldStart(Duration.ofSeconds(1)), backend);
        var session = fixture.open();
        fixture.clock.advance(Duration.ofSeconds(2));
        fixture.alarms.fire(Duration.ofSeconds(1));
        await().until(() -> names(session).contains("x"));
        call(session, "x").result();
        assertThat(backend.open()).isEqualTo(1);
    }

    @Test
    void a_backend_that_withdraws_its_question_reaches_the_client() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.lastTalk().ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        var id = Envelope.parse(stream.nextQuestion().message().bytes()).id();
        backend.lastTalk()
                .events()
                .notification(
                        message(
                                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                                        + "\"params\":{\"requestId\":\"outside\"}}"));
        assertThat(stream.nextNotification().requestId()).contains(id);
    }

    private static Envelope cancelled(String question) {
        return message(
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\""
                        + question
                        + "\"}}");
    }

    @Test
    void a_question_that_was_put_on_the_way_of_a_call_is_withdrawn_there() {
        var backend = new ScriptedBackend("a").tools("x").onCall((_, _) -> {});
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        var sink = call(session, "x");
        await().until(() -> !backend.lastTalk().pending().isEmpty());
        backend.lastTalk()
                .pending()
                .getFirst()
                .sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        var asked = sink.nextQuestion();
        backend.lastTalk().events().notification(cancelled("q"));
        assertThat(sink.nextNotification().requestId()).contains(asked.id());
        assertThat(stream.isQuiet()).isTrue();
    }

    @Test
    void a_question_that_has_moved_to_the_standing_stream_is_withdrawn_there() {
        var backend = new ScriptedBackend("a").tools("x").onCall((_, _) -> {});
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        var sink = call(session, "x");
        await().until(() -> !backend.lastTalk().pending().isEmpty());
        backend.lastTalk()
                .pending()
                .getFirst()
                .sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        sink.nextQuestion().wayLost().run();
        var asked = stream.nextQuestion();
        backend.lastTalk().events().notification(cancelled("q"));
        assertThat(stream.nextNotification().requestId()).contains(asked.id());
    }

    @Test
    void a_question_that_still_waits_for_a_stream_is_taken_back_unseen() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        backend.lastTalk().ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        backend.lastTalk().events().notification(cancelled("outside"));
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        fixture.alarms.fire(StandingStream.PATIENCE);
        assertThat(stream.isQuiet()).isTrue();
        assertThat(backend.lastTalk().answers()).isEmpty();
    }

    @Test
    void the_questions_of_a_call_that_has_ended_are_taken_back() {
        var backend = new ScriptedBackend("a").tools("x").onCall((_, _) -> {});
        var session = new SessionFixture(backend).open();
        var sink = call(session, "x");
        await().until(() -> !backend.lastTalk().pending().isEmpty());
        var request = backend.lastTalk().pending().getFirst();
        request.sink()
                .question(backend.lastTalk().question(Method.ELICITATION, Json.EMPTY_OBJECT, "q"));
        var asked = sink.nextQuestion();
        request.answer(Json.EMPTY_OBJECT);
        assertThat(backend.lastTalk().answers().getFirst().error()).isPresent();
        assertThat(sink.nextNotification().requestId()).contains(asked.id());
        sink.result();
        assertThat(sink.order()).containsExactly("question", Method.CANCELLED, "reply");
    }

    @Test
    void the_questions_of_a_server_that_has_gone_are_taken_back() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        var early = new RecordingSink();
        var attachment = session.attach(Identity.NONE, early);
        backend.lastTalk().ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        var asked = early.nextQuestion();
        attachment.detach();
        backend.lastTalk()
                .events()
                .question(
                        backend.lastTalk().question(Method.ROOTS_LIST, Json.EMPTY_OBJECT, "late"));
        session.attach(Identity.NONE, early);
        early.nextQuestion();
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.DISCONNECTED, "ended"));
        assertThat(List.of(early.nextNotification(), early.nextNotification()))
                .extracting(Envelope::method)
                .containsOnly(Method.CANCELLED);
        assertThat(asked.id()).isNotNull();
    }

    @Test
    void a_question_of_a_server_that_has_gone_is_not_put_on_a_later_stream() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        backend.lastTalk().ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.DISCONNECTED, "ended"));
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        assertThat(stream.order()).doesNotContain("question");
    }

    @Test
    void a_subscription_to_a_resource_that_is_listed_no_more_can_be_ended() {
        var backend = new ScriptedBackend("a").tools("x").resources("r:///1");
        var session = new SessionFixture(backend).open();
        send(session, Json.of(1), Method.RESOURCES_SUBSCRIBE, "{\"uri\":\"r:///1\"}").result();
        assertThat(backend.lastTalk().isListening()).isTrue();
        backend.resources();
        backend.lastTalk().events().notification(JsonRpc.notification(Method.RESOURCES_CHANGED));
        await().until(() -> session.resources().items().isEmpty());
        send(session, Json.of(2), Method.RESOURCES_UNSUBSCRIBE, "{\"uri\":\"r:///1\"}").result();
        assertThat(backend.lastTalk().isListening()).isFalse();
    }

    @Test
    void subscriptions_of_one_session_are_bounded() {
        var backend =
                new ScriptedBackend("a")
                        .resources(
                                IntStream.range(0, 1001)
                                        .mapToObj(i -> "r:///" + i)
                                        .toArray(String[]::new));
        var session = new SessionFixture(backend).open();
        for (int i = 0; i < 1000; i++) {
            subscribe(session, i).result();
        }
        assertThat(subscribe(session, 1000).fault()).isInstanceOf(Fault.InvalidRequest.class);
        subscribe(session, 999).result();
    }

    private static RecordingSink subscribe(MultiSession session, int number) {
        return send(
                session,
                Json.of(number),
                Method.RESOURCES_SUBSCRIBE,
                "{\"uri\":\"r:///" + number + "\"}");
    }

    @Test
    void a_prompt_that_was_shown_under_a_bare_name_can_still_be_got_when_another_one_joins() {
        var gate = new CountDownLatch(1);
        var a = new ScriptedBackend("a").tools("t").prompts("p");
        var b = new ScriptedBackend("b").tools("t").prompts("p").holdUntil(gate);
        var session =
                new SessionFixture(builder -> builder.coldStart(Duration.ofMillis(50)), a, b)
                        .open();
        await().until(() -> session.prompts().items().size() == 1);
        gate.countDown();
        await().until(() -> session.prompts().items().size() == 2);
        send(session, Json.of(0), Method.TOOLS_CALL, "{\"name\":\"t\"}").result();
        send(session, Json.of(1), Method.PROMPTS_GET, "{\"name\":\"p\"}").result();
    }

    @Test
    void a_call_does_not_wait_behind_backends_that_hang() {
        var all = new ScriptedBackend[11];
        for (int i = 0; i < 10; i++) {
            all[i] = new ScriptedBackend("h" + i).holdUntil(new CountDownLatch(1));
        }
        all[10] = new ScriptedBackend("good").tools("g");
        var catalogs = new Catalogs();
        catalogs.learn(CatalogKey.of(all[10].backend(), PROFILE), all[10].asCatalog());
        var clock = new FakeClock();
        var watches =
                new Watches(
                        ScriptedBackend.connector(all),
                        catalogs,
                        new Ids(),
                        new HealthBoard(HealthRules.DEFAULT, clock),
                        new FakeAlarms(clock),
                        PROFILE);
        var session =
                new SessionFixture(
                                builder -> builder.watches(watches).coldStart(Duration.ZERO), all)
                        .open();
        await().until(() -> Arrays.stream(all).limit(10).allMatch(one -> one.openings() == 1));
        call(session, "g").result();
    }

    @RepeatedTest(200)
    void a_healed_conversation_knows_the_clients_level_before_the_first_call_in_it() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        send(session, Json.of(1), Method.SET_LEVEL, "{\"level\":\"warning\"}").result();
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.SESSION_GONE, "gone"));
        var callers =
                IntStream.range(0, 4)
                        .mapToObj(
                                i ->
                                        send(
                                                session,
                                                Json.of("c" + i),
                                                Method.TOOLS_CALL,
                                                "{\"name\":\"x\"}"))
                        .toList();
        callers.forEach(RecordingSink::result);
        var received = backend.lastTalk().received();
        assertThat(received.indexOf(Method.SET_LEVEL))
                .isNotNegative()
                .isLessThan(received.indexOf(Method.TOOLS_CALL));
        assertThat(backend.talks()).hasSize(2);
    }

    @Test
    void closing_refuses_newcomers_and_waits_for_calls_in_flight() throws Exception {
        var backend = new ScriptedBackend("a").tools("x").onCall((_, _) -> {});
        var session = new SessionFixture(backend).open();
        var sink = call(session, "x");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var first = threads.submit(session::close);
            await().until(
                            () -> {
                                var probe = send(session, Json.of("probe"), Method.PING, "{}");
                                return probe.nextReply() instanceof Reply.Failed;
                            });
            var second = Thread.ofVirtual().start(session::close);
            await().until(() -> second.getState() == Thread.State.WAITING);
            assertThat(first.isDone()).isFalse();
            backend.lastTalk().pending().getFirst().answer(Json.EMPTY_OBJECT);
            first.get(10, TimeUnit.SECONDS);
            assertThat(second.join(Duration.ofSeconds(10))).isTrue();
        }
        sink.result();
        assertThat(backend.open()).isZero();
    }

    @Test
    void a_call_that_outlasts_the_grace_is_cancelled() throws Exception {
        var backend = new ScriptedBackend("a").tools("x").onCall((_, _) -> {});
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        var sink = call(session, "x");
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var closing = threads.submit(session::close);
            await().until(() -> fixture.alarms.set(LiveSession.GRACE) == 1);
            fixture.alarms.fire(LiveSession.GRACE);
            closing.get(10, TimeUnit.SECONDS);
        }
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> {
                            assertThat(fault.reason()).isEqualTo(Reason.CLOSED);
                            assertThat(fault.mayHaveRun()).isTrue();
                        });
        assertThat(fixture.alarms.size()).isZero();
    }

    @Test
    void closing_ends_questions_streams_and_backend_sessions() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.lastTalk().ask(Method.ROOTS_LIST, Json.EMPTY_OBJECT);
        session.close();
        assertThat(backend.lastTalk().answers().getFirst().error()).isPresent();
        assertThat(stream.isEnded()).isTrue();
        assertThat(backend.lastTalk().isClosed()).isTrue();
        assertThat(call(session, "x").fault()).isInstanceOf(Fault.SessionClosed.class);
        assertThatThrownBy(() -> session.attach(Identity.NONE, stream))
                .isInstanceOf(Fault.SessionClosed.class);
    }

    @Test
    void a_session_closed_while_a_backend_is_being_opened_leaves_nothing_open() {
        for (int round = 0; round < 200; round++) {
            var backend = new ScriptedBackend("a").tools("x");
            var session =
                    new SessionFixture(builder -> builder.coldStart(Duration.ZERO), backend).open();
            session.close();
            await().pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(1))
                    .until(
                            () ->
                                    backend.openings() == backend.talks().size()
                                            && backend.open() == 0);
        }
    }

    @Test
    void a_wrong_caller_is_refused_at_every_door_and_the_owners_session_lives_on() {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open(ANNA);
        assertThatThrownBy(() -> session.callTool(BERT, "x", Json.EMPTY_OBJECT, Json.EMPTY_OBJECT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(
                        () ->
                                session.callTool(
                                        Identity.NONE, "x", Json.EMPTY_OBJECT, Json.EMPTY_OBJECT))
                .isInstanceOf(Fault.NilCaller.class);
        assertThatThrownBy(() -> session.attach(BERT, new RecordingSink()))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(() -> session.notice(BERT, JsonRpc.notification(Method.CANCELLED)))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(
                        () -> session.answer(BERT, JsonRpc.result(Json.of(1), Json.EMPTY_OBJECT)))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(() -> session.authorize(BERT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThat(backend.lastTalk().received()).doesNotContain(Method.TOOLS_CALL);
        session.callTool(ANNA, "x", Json.EMPTY_OBJECT, Json.EMPTY_OBJECT);
        session.callTool(
                new Identity("https://idp", "anna", "refreshed"),
                "x",
                Json.EMPTY_OBJECT,
                Json.EMPTY_OBJECT);
    }

    @Test
    void concurrent_callers_of_one_session_never_pass_for_each_other() throws Exception {
        var backend = new ScriptedBackend("a").tools("x");
        var session = new SessionFixture(backend).open(ANNA);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var results =
                    IntStream.range(0, 200)
                            .mapToObj(
                                    i ->
                                            threads.submit(
                                                    () -> {
                                                        try {
                                                            session.callTool(
                                                                    i % 2 == 0 ? ANNA : BERT,
                                                                    "x",
                                                                    Json.EMPTY_OBJECT,
                                                                    Json.EMPTY_OBJECT);
                                                            return i % 2 == 0;
                                                        } catch (Fault.UnauthorizedCaller e) {
                                                            return i % 2 == 1;
                                                        }
                                                    }))
                            .toList();
            for (var result : results) {
                assertThat(result.get(10, TimeUnit.SECONDS)).isTrue();
            }
        }
    }

    @Test
    void a_reload_that_drops_a_backend_tells_a_waiting_call_so_and_not_that_its_session_ended() {
        var a = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(a);
        var session = fixture.open();
        a.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.SESSION_GONE, "restarts"));
        a.holdUntil(new CountDownLatch(1));
        var sink = call(session, "x");
        fixture.factory.rebase(
                new BackendRegistry.Change(
                        new BackendRegistry.Snapshot(1, Map.of()),
                        new BackendRegistry.Snapshot(2, Map.of())));
        assertThat(sink.fault())
                .isInstanceOfSatisfying(
                        Fault.BackendFailed.class,
                        fault -> assertThat(fault.reason()).isEqualTo(Reason.CLOSED));
        send(session, Json.of(5), Method.PING, "{}").result();
    }

    @Test
    void a_session_made_over_a_configuration_that_was_just_replaced_follows_the_newest() {
        var a = new ScriptedBackend("a").tools("x");
        var b = new ScriptedBackend("b").tools("y");
        var fixture = new SessionFixture(a, b);
        var registry = new BackendRegistry(List.of(a.backend()));
        registry.subscribe(fixture.factory::rebase);
        var snapshot = registry.snapshot();
        registry.replace(List.of(b.backend()));
        var session =
                fixture.factory.makeSession(
                        "1", Identity.NONE, PROFILE, snapshot.backends().values());
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("y"));
        await().until(() -> a.open() == 0);
    }

    @RepeatedTest(50)
    void a_healed_conversation_is_named_in_the_record() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var manager = fixture.manager(SessionLimits.DEFAULT);
        var session = manager.createSession(manager.generate(), Identity.NONE, PROFILE, "here");
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.SESSION_GONE, "gone"));
        call(session, "x").result();
        assertThat(fixture.storage.load(session.id()).orElseThrow())
                .containsEntry(Metadata.BACKEND_SESSION + "a", "a-2");
        manager.close();
        assertThat(backend.open()).isZero();
    }

    @Test
    void a_record_with_malformed_backend_ids_is_no_session() {
        var fixture = new SessionFixture(new ScriptedBackend("a").tools("x"));
        var record = new HashMap<>(fixture.open(ANNA).metadata());
        record.put(Metadata.BACKEND_IDS, "a,not legal!");
        assertThatThrownBy(() -> fixture.factory.restoreSession("id", record, fixture.configured()))
                .isInstanceOf(Fault.SessionNotFound.class);
    }

    @Test
    void another_configuration_keeps_the_conversations_that_stay() {
        var stays = new ScriptedBackend("stays").tools("s");
        var goes = new ScriptedBackend("goes").tools("g");
        var comes = new ScriptedBackend("comes").tools("c");
        var fixture = new SessionFixture(stays, goes, comes);
        var registry = new BackendRegistry(List.of(stays.backend(), goes.backend()));
        registry.subscribe(fixture.factory::rebase);
        var session =
                fixture.factory.makeSession(
                        "id", Identity.NONE, PROFILE, registry.snapshot().backends().values());
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        registry.replace(List.of(stays.backend(), comes.backend()));
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("s", "c"));
        await().until(() -> goes.open() == 0);
        assertThat(stays.openings()).isEqualTo(1);
        assertThat(stream.order()).contains(Method.TOOLS_CHANGED);
        assertThat(call(session, "g").fault()).isInstanceOf(Fault.ToolNotFound.class);
    }

    @Test
    void a_backend_that_comes_back_joins_live_sessions() {
        var backend = new ScriptedBackend("a").tools("x").failing(Reason.UNREACHABLE);
        var fixture = new SessionFixture(backend);
        var session = fixture.open();
        for (int i = 0; i < 3; i++) {
            fixture.health.probeFailed(backend.id(), new Fault.SessionClosed());
        }
        backend.working();
        fixture.clock.advance(Duration.ofSeconds(2));
        fixture.health.probeSucceeded(backend.id(), Duration.ZERO);
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("x"));
    }

    @Test
    void restoring_takes_over_the_backend_sessions_that_the_record_names() {
        var a = new ScriptedBackend("a").tools("x");
        var b = new ScriptedBackend("b").tools("y");
        var fixture = new SessionFixture(a, b);
        var record = new HashMap<>(fixture.open(ANNA).metadata());
        record.put(Metadata.BACKEND_IDS, "a");
        var restored = fixture.factory.restoreSession("id", record, fixture.configured());
        restored.authorize(ANNA);
        await().until(() -> a.talks().size() == 2);
        assertThat(a.lastTalk().opening().adopted())
                .contains(new BackendConnector.Adopted("a-1", Revision.LATEST, ""));
        assertThat(a.lastTalk().opening().profile()).isEqualTo(PROFILE);
        assertThat(restored.metadata()).containsEntry(Metadata.BACKEND_IDS, "a");
        assertThat(b.talks()).hasSize(1);
        assertThatThrownBy(() -> restored.authorize(BERT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
    }

    @Test
    void records_that_cannot_be_restored_say_why() {
        var fixture = new SessionFixture(new ScriptedBackend("a"));
        var good = fixture.open(ANNA).metadata();
        assertRefused(fixture, without(good, Metadata.BACKEND_IDS), Fault.SessionNotFound.class);
        assertRefused(fixture, without(good, Metadata.BINDING), Fault.SessionOwnerUnknown.class);
        assertRefused(
                fixture, with(good, Metadata.BINDING, "malformed"), Fault.InvalidBinding.class);
        var legacy = with(without(good, Metadata.BINDING), "vmcp.token.hash", "x");
        assertRefused(fixture, legacy, Fault.SessionNotFound.class);
        assertRefused(fixture, with(good, Metadata.PROFILE, "{"), Fault.SessionNotFound.class);
    }

    private static void assertRefused(
            SessionFixture fixture, Map<String, String> record, Class<? extends Fault> why) {
        assertThatThrownBy(() -> fixture.factory.restoreSession("id", record, fixture.configured()))
                .isInstanceOf(why);
    }

    private static Map<String, String> without(Map<String, String> record, String key) {
        var less = new HashMap<>(record);
        less.remove(key);
        return less;
    }

    private static Map<String, String> with(Map<String, String> record, String key, String value) {
        var more = new HashMap<>(record);
        more.put(key, value);
        return more;
    }

    @Test
    void a_record_names_backends_sorted_and_is_written_even_for_none() {
        var session =
                new SessionFixture(new ScriptedBackend("b"), new ScriptedBackend("a")).open(ANNA);
        assertThat(session.metadata())
                .containsEntry(Metadata.BACKEND_IDS, "a,b")
                .containsEntry(Metadata.BINDING, "https://idp\0anna");
        assertThat(new SessionFixture().open().metadata()).containsEntry(Metadata.BACKEND_IDS, "");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a\n", "ä", "\u007f"})
    void a_session_id_is_visible_ascii(String id) {
        var fixture = new SessionFixture();
        assertThatThrownBy(() -> fixture.factory.makeSession(id, Identity.NONE, PROFILE, List.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
