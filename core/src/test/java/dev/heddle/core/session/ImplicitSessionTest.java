package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

/** What a backend with sessions says outside answers, in the session of clients without one. */
class ImplicitSessionTest {
    private static final ClientProfile CLIENT =
            new ClientProfile(
                    Revision.STATELESS,
                    Json.parse("{\"elicitation\":{}}"),
                    Json.parse("{\"name\":\"test\",\"version\":\"1\"}"));
    private static final Identity OWNER = new Identity("issuer", "somebody", "");

    private final ScriptedBackend backend =
            new ScriptedBackend("a").tools("one", "other").onCall((_, _) -> {});
    private final SessionFixture fixture = new SessionFixture(backend);

    private MultiSession session(Identity owner) {
        return fixture.factory.makeSession("id", owner, CLIENT, fixture.configured());
    }

    private static Running call(
            MultiSession session, Identity caller, String tool, RecordingSink sink) {
        session.settle();
        var params = Json.parse("{\"name\":\"" + tool + "\",\"arguments\":{}}");
        return session.exchange(
                caller,
                new Exchange(JsonRpc.request(Json.of(tool), Method.TOOLS_CALL, params), sink));
    }

    private ScriptedBackend.Talk talk(int calls) {
        await().until(
                        () ->
                                backend.lastTalkIfAny()
                                        .filter(talk -> talk.pending().size() == calls)
                                        .isPresent());
        return backend.lastTalk();
    }

    private static void say(ScriptedBackend.Talk talk) {
        var params = Json.parse("{\"level\":\"info\",\"data\":\"said\"}");
        talk.events().notification(JsonRpc.notification(Method.LOG_MESSAGE, params));
    }

    @Test
    void a_backend_that_may_ask_outside_calls_is_heard() {
        var session = session(OWNER);
        call(session, OWNER, "one", new RecordingSink());
        assertThat(talk(1).isHeard()).isTrue();
    }

    @Test
    void a_question_outside_calls_is_that_of_the_only_call() {
        var sink = new RecordingSink();
        call(session(OWNER), OWNER, "one", sink);
        talk(1).ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        assertThat(sink.nextQuestion().request().method()).isEqualTo(Method.ELICITATION);
    }

    @Test
    void nothing_is_taken_for_the_only_calls_while_the_backend_may_go_on_with_one_given_up() {
        var session = session(OWNER);
        var sink = new RecordingSink();
        var givenUp = call(session, OWNER, "other", new RecordingSink());
        call(session, OWNER, "one", sink);
        var talk = talk(2);
        givenUp.cancel();
        talk.ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        say(talk);
        assertThat(talk.answers()).hasSize(1).allMatch(answer -> answer.error().isPresent());
        assertThat(sink.isQuiet()).isTrue();
        talk.pending().stream()
                .filter(request -> request.message().method().equals(Method.PING))
                .forEach(ping -> ping.answer(Json.EMPTY_OBJECT));
        talk.ask(Method.ELICITATION, Json.EMPTY_OBJECT);
        assertThat(sink.nextQuestion().request().method()).isEqualTo(Method.ELICITATION);
    }

    @Test
    void a_log_message_reaches_a_stranger_only_if_the_session_is_its_own() {
        var session = session(Identity.NONE);
        var sink = new RecordingSink();
        call(session, Identity.NONE, "one", sink);
        say(talk(1));
        assertThat(sink.isQuiet()).isTrue();
        var own = new RecordingSink().alone();
        call(session(Identity.NONE), Identity.NONE, "one", own);
        say(talk(1));
        assertThat(own.nextNotification().method()).isEqualTo(Method.LOG_MESSAGE);
    }
}
