package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.send;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.ScriptedBackend.Request;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A call that has become a task goes on to tell of its progress (MCP 2025-11-25, Tasks). */
class TaskProgressTest {
    private final ScriptedBackend backend =
            new ScriptedBackend("a").tools("long").onCall((_, _) -> {});
    private final MultiSession session = new SessionFixture(backend).open();
    private final RecordingSink stream = new RecordingSink();
    private long id; // of the call, at the backend

    @BeforeEach
    void make() {
        session.attach(Identity.NONE, stream);
        var sink =
                send(
                        session,
                        Json.of(1),
                        Method.TOOLS_CALL,
                        "{\"name\":\"long\",\"task\":{},\"_meta\":{\"progressToken\":\"mine\"}}");
        var call = pending();
        id = call.id();
        call.answer(Json.parse("{\"task\":{\"taskId\":\"7\",\"status\":\"working\"}}"));
        sink.result();
    }

    private Request pending() {
        return backend.lastTalk().pending().getFirst();
    }

    private Envelope progress(long token) {
        var params = Json.object(members -> members.put("progressToken", token).put("progress", 1));
        return JsonRpc.notification(Method.PROGRESS, params);
    }

    private static void assertMine(Envelope told) {
        assertThat(told.method()).isEqualTo(Method.PROGRESS);
        assertThat(told.progress()).contains(Json.of("mine"));
    }

    @Test
    void on_the_clients_own_stream() {
        backend.lastTalk().events().notification(progress(id));
        assertMine(stream.nextNotification());
    }

    @Test
    void on_the_way_on_which_its_result_is_waited_for() {
        var name = session.tasks().getFirst();
        var waiting =
                send(
                        session,
                        Json.of(2),
                        Method.TASKS_RESULT,
                        "{\"taskId\":\"" + name + "\",\"_meta\":{\"progressToken\":\"other\"}}");
        pending().say(progress(id));
        assertMine(waiting.nextNotification());
        pending().say(progress(pending().id()));
        assertThat(waiting.nextNotification().progress()).contains(Json.of("other"));
        assertThat(stream.isQuiet()).isTrue();
    }

    @Test
    void and_nobody_hears_of_what_was_never_a_task() {
        backend.lastTalk().events().notification(progress(id + 1));
        assertThat(stream.isQuiet()).isTrue();
    }
}
