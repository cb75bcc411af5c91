package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.BreakableStorage;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;

/** What is noted of a session for other processes while the store comes and goes. */
class MovingTest {
    private static final String OPENED = Metadata.BACKEND_OPENED + "a";

    private final Neighbours neighbours = new Neighbours(new FakeClock());
    private final ScriptedBackend backend = new ScriptedBackend("a").tools("x");
    private final BreakableStorage store = new BreakableStorage(neighbours);
    private final SessionFixture fixture =
            new SessionFixture(builder -> builder.forClients(store), backend);
    private final MultiSession session = begun();

    private MultiSession begun() {
        var begun = fixture.open();
        neighbours.create("id", begun.metadata());
        return begun;
    }

    private String listener() {
        return neighbours.load("id").orElseThrow().getOrDefault(Metadata.LISTENER, "");
    }

    private void noteAgain() {
        await().until(() -> fixture.alarms.set(Moving.AGAIN) == 1);
        fixture.alarms.fire(Moving.AGAIN);
    }

    @Test
    void who_listens_is_noted_when_the_store_is_back() {
        store.away(true);
        session.attach(Identity.NONE, new RecordingSink());
        noteAgain();
        await().until(() -> fixture.alarms.set(Moving.AGAIN) == 1);
        assertThat(listener()).isEmpty();
        store.away(false);
        noteAgain();
        await().until(() -> listener().equals(Neighbours.HERE));
        assertThat(fixture.alarms.set(Moving.AGAIN)).isZero();
    }

    @Test
    void a_question_that_has_not_reached_the_client_elsewhere_is_asked_again_until_answered() {
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.lastTalk().ask("elicitation/create", Json.EMPTY_OBJECT);
        var id = stream.nextQuestion().id();
        session.relayed(new Relayed.Unasked(id).text());
        assertThat(stream.nextQuestion().id()).isEqualTo(id);
        session.answer(Identity.NONE, JsonRpc.result(id, Json.parse("{\"action\":\"decline\"}")));
        session.relayed(new Relayed.Unasked(id).text());
        assertThat(stream.order()).containsExactly("question", "question");
    }

    @Test
    void a_question_of_this_process_that_is_handed_back_to_it_is_its_own_again() {
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.lastTalk().ask("elicitation/create", Json.EMPTY_OBJECT);
        var message = Envelope.parse(stream.nextQuestion().message().bytes());
        session.relayed(new Relayed.ToClient(message).text());
        stream.nextQuestion().refuse("nobody is there");
        assertThat(backend.lastTalk().answers())
                .singleElement()
                .satisfies(answer -> assertThat(answer.error()).isPresent());
    }

    @Test
    void an_answer_for_another_process_is_taken_only_if_that_can_be_told() {
        var answer = JsonRpc.result(Json.of(Neighbours.OTHER + "-7"), Json.EMPTY_OBJECT);
        assertThat(session.answer(Identity.NONE, answer)).isEmpty();
        neighbours.deafen();
        assertThat(session.answer(Identity.NONE, answer).orElseThrow())
                .isInstanceOf(Fault.StorageUnavailable.class);
        var own = JsonRpc.result(Json.of(Neighbours.HERE + "-7"), Json.EMPTY_OBJECT);
        assertThat(session.answer(Identity.NONE, own)).isEmpty();
        neighbours.end(Neighbours.OTHER);
        assertThat(session.answer(Identity.NONE, answer).orElseThrow())
                .isInstanceOf(Fault.InvalidRequest.class)
                .hasMessageContaining("may have been carried out");
    }

    private Map<String, String> record() {
        return neighbours.load("id").orElseThrow();
    }

    @Test
    void whoever_writes_a_record_again_that_was_lost_says_who_listens() {
        session.attach(Identity.NONE, new RecordingSink());
        assertThat(session.metadata()).containsEntry(Metadata.LISTENER, Neighbours.HERE);
        var other = new HashMap<>(record());
        other.put(Metadata.LISTENER, Neighbours.OTHER);
        await().untilAsserted(
                        () -> {
                            session.catchUp(other);
                            assertThat(session.metadata())
                                    .containsEntry(Metadata.LISTENER, Neighbours.OTHER);
                        });
    }

    @Test
    void what_is_wanted_while_the_store_is_away_is_so_when_it_is_back() {
        send(session, Json.of(1), Method.SET_LEVEL, "{\"level\":\"info\"}").result();
        await().until(() -> "info".equals(record().get(Metadata.LOG_LEVEL)));
        store.away(true);
        send(session, Json.of(2), Method.SET_LEVEL, "{\"level\":\"alert\"}").result();
        send(session, Json.of(3), Method.SET_LEVEL, "{\"level\":\"error\"}").result();
        store.away(false);
        session.catchUp(record());
        assertThat(session.metadata()).containsEntry(Metadata.LOG_LEVEL, "error");
        assertThat(record()).containsEntry(Metadata.LOG_LEVEL, "error");
    }

    @Test
    void a_conversation_that_was_noted_without_an_answer_is_left_to_other_processes() {
        neighbours.create("other", Map.of());
        store.mute(true);
        var begun = fixture.open("other", Identity.NONE);
        await().until(
                        () ->
                                neighbours
                                        .load("other")
                                        .orElseThrow()
                                        .containsKey(Metadata.BACKEND_SESSION + "a"));
        await().until(() -> begun.backendSessions().size() == 1);
        store.mute(false);
        begun.catchUp(neighbours.load("other").orElseThrow());
        begun.leave();
        assertThat(backend.lastTalk().isLeft()).isTrue();
    }

    @Test
    void who_ends_a_session_ends_what_others_have_opened_for_it_too() {
        var manager = fixture.manager(store, fixture.factory, SessionLimits.DEFAULT);
        var begun = manager.begin(Identity.NONE, SessionFixture.PROFILE, "here");
        SessionFixture.call(begun, "x").result();
        var theirs = Map.of(Metadata.BACKEND_SESSION + "a", "theirs", OPENED, "7");
        neighbours.update(begun.id(), Changes.set(theirs));
        manager.terminate(begun.id(), Identity.NONE);
        await().until(() -> backend.lastTalk().sessionId().equals(Optional.of("theirs")));
        await().until(() -> backend.lastTalk().isClosed());
    }

    @Test
    void who_listens_no_more_is_noted_when_the_store_is_back() {
        ClientStream stream = new RecordingSink();
        var attachment = session.attach(Identity.NONE, stream);
        await().until(() -> listener().equals(Neighbours.HERE));
        store.away(true);
        attachment.detach();
        fixture.alarms.fire(EventLog.RETURN);
        await().until(() -> fixture.alarms.set(Moving.AGAIN) == 1);
        store.away(false);
        noteAgain();
        await().until(() -> listener().isEmpty());
    }

    private Map<String, String> with(String field, String value) {
        var record = new HashMap<>(record());
        record.put(field, value);
        return record;
    }

    private MultiSession restored(Map<String, String> record) {
        return fixture.factory.restoreSession("restored", record, fixture.configured());
    }

    private Map<String, String> unopened() {
        var record = new HashMap<>(record());
        Metadata.backendSessionFields(backend.id()).forEach(record::remove);
        return record;
    }

    private void hasBeenTold(String method) {
        await().until(() -> backend.lastTalk().received().contains(method));
    }

    @Test
    void a_log_level_reaches_a_backend_whose_conversation_another_process_has_opened() {
        var restored = restored(unopened());
        var opened = new HashMap<>(unopened());
        opened.putAll(Map.of(Metadata.BACKEND_SESSION + "a", "theirs", OPENED, "1"));
        restored.catchUp(opened);
        int before = backend.talks().size();
        send(restored, Json.of(1), Method.SET_LEVEL, "{\"level\":\"debug\"}").result();
        await().until(() -> backend.talks().size() == before + 1);
        assertThat(backend.lastTalk().sessionId()).contains("theirs");
        hasBeenTold(Method.SET_LEVEL);
    }

    @Test
    void a_log_level_that_another_process_has_noted_reaches_the_backends_that_are_open_here() {
        await().until(() -> session.backendSessions().size() == 1);
        session.catchUp(with(Metadata.LOG_LEVEL, "debug"));
        hasBeenTold(Method.SET_LEVEL);
    }

    @Test
    void a_log_level_is_not_undone_by_one_that_was_noted_before() {
        var old = with(Metadata.LOG_LEVEL, "error");
        store.beforeUpdates(() -> session.catchUp(old));
        send(session, Json.of(1), Method.SET_LEVEL, "{\"level\":\"debug\"}").result();
        assertThat(session.metadata()).containsEntry(Metadata.LOG_LEVEL, "debug");
    }

    @Test
    void a_conversation_that_the_store_was_told_of_twice_is_its_own() {
        neighbours.create("other", Map.of());
        store.repeating(true);
        var begun = fixture.open("other", Identity.NONE);
        await().until(() -> begun.backendSessions().size() == 1);
        assertThat(backend.talks()).noneMatch(ScriptedBackend.Talk::isClosed);
    }

    @Test
    void a_conversation_that_waits_to_be_taken_over_when_its_session_leaves_is_left_to_others() {
        var gate = new CountDownLatch(1);
        int openings = backend.backend().limits().openings();
        await().until(() -> session.backendSessions().size() == 1);
        backend.holdUntil(gate);
        for (int i = 0; i < openings; i++) {
            fixture.open("id-" + i, Identity.NONE);
        }
        await().until(() -> backend.openings() == openings + 1);
        var record = new HashMap<>(unopened());
        record.putAll(Map.of(Metadata.BACKEND_SESSION + "a", "theirs", OPENED, "1"));
        restored(record).leave();
        gate.countDown();
        await().until(() -> backend.talks().size() == openings + 2);
        await().until(() -> theirs().isLeft());
        assertThat(theirs().isClosed()).isFalse();
    }

    private ScriptedBackend.Talk theirs() {
        return backend.talks().stream()
                .filter(talk -> talk.sessionId().equals(Optional.of("theirs")))
                .findAny()
                .orElseThrow();
    }

    private long lists() {
        return backend.talks().stream()
                .flatMap(talk -> talk.received().stream())
                .filter(Method.TOOLS_LIST::equals)
                .count();
    }

    @Test
    void who_asks_for_a_list_waits_until_what_was_offered_elsewhere_is_known_here() {
        await().until(() -> session.backendSessions().size() == 1);
        for (int i = 0; i < 100; i++) {
            backend.tools("x", "secret" + i);
            session.catchUp(with(Metadata.BACKEND_CATALOG + "a", "%08d".formatted(i)));
            var list = send(session, Json.of(i), Method.TOOLS_LIST, "{}").result();
            assertThat(list.toString()).contains("secret" + i + "\"");
        }
    }

    /** Else processes to which a backend offers something else each time would ask for ever. */
    @Test
    void what_is_read_because_another_process_has_noted_something_is_not_noted_again() {
        var record = new HashMap<>(unopened());
        record.putAll(Map.of(Metadata.BACKEND_SESSION + "a", "theirs", OPENED, "1"));
        record.put(Metadata.BACKEND_CATALOG + "a", "01234567");
        neighbours.create("restored", record);
        var restored = restored(record);
        send(restored, Json.of(1), Method.TOOLS_LIST, "{}").result();
        await().until(() -> theirs().received().contains(Method.TOOLS_LIST));
        assertThat(neighbours.load("restored").orElseThrow())
                .containsEntry(Metadata.BACKEND_CATALOG + "a", "01234567");
        theirs().events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
        await().untilAsserted(
                        () ->
                                assertThat(neighbours.load("restored").orElseThrow())
                                        .doesNotContainEntry(
                                                Metadata.BACKEND_CATALOG + "a", "01234567"));
    }

    @Test
    void what_is_known_here_by_its_digest_is_not_asked_for() {
        await().until(() -> record().containsKey(Metadata.BACKEND_CATALOG + "a"));
        long before = lists();
        var restored = restored(record());
        restored.catchUp(record());
        SessionFixture.call(restored, "x").result();
        assertThat(lists()).isEqualTo(before);
    }

    @Test
    void what_was_offered_elsewhere_is_not_waited_for_for_ever() {
        var gate = new CountDownLatch(1);
        await().until(() -> session.backendSessions().size() == 1);
        var record = new HashMap<>(unopened());
        record.putAll(Map.of(Metadata.BACKEND_SESSION + "a", "theirs", OPENED, "1"));
        record.put(Metadata.BACKEND_CATALOG + "a", "unheard of");
        backend.holdUntil(gate);
        var restored = restored(record);
        var asked = send(restored, Json.of(1), Method.TOOLS_LIST, "{}");
        assertThat(asked.hasReply()).isFalse();
        fixture.alarms.fire(Offers.PATIENCE);
        assertThat(asked.result().toString()).contains("\"x\"");
        gate.countDown();
    }
}
