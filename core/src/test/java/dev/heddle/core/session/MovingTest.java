package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.testkit.BreakableStorage;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

/** What is noted of a session for other processes while the store comes and goes. */
class MovingTest {
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
    void an_answer_for_another_process_is_taken_only_if_that_can_be_told() {
        var answer = JsonRpc.result(Json.of("theirs"), Json.EMPTY_OBJECT);
        assertThat(session.answer(Identity.NONE, answer)).isTrue();
        neighbours.end(Neighbours.OTHER);
        assertThat(session.answer(Identity.NONE, answer)).isFalse();
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
}
