package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.send;
import static dev.heddle.core.session.SessionFixture.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.ScriptedBackend.Request;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

class TaskListTest {
    private final AtomicInteger made = new AtomicInteger();
    private final Set<String> forgotten = ConcurrentHashMap.newKeySet();
    private final ScriptedBackend backend =
            new ScriptedBackend("a").tools("long").onCall((_, request) -> answer(request));
    private final SessionFixture fixture = new SessionFixture(backend);
    private final MultiSession session = fixture.open();
    private volatile boolean silent;

    private void answer(Request request) {
        if (silent) {
            return;
        }
        var id = request.message().param("taskId").map(Json::text).orElse("");
        if (request.message().method().equals(Method.TOOLS_CALL)) {
            var task = state(Integer.toString(made.incrementAndGet()));
            request.answer(Json.object(result -> result.put("task", task)));
        } else if (forgotten.contains(id)) {
            request.error(ErrorCode.INVALID_PARAMS, "unknown");
        } else {
            request.answer(state(id));
        }
    }

    private static Json state(String id) {
        return Json.object(task -> task.put("taskId", id).put("status", "working"));
    }

    private void make(int count) {
        for (int i = 0; i < count; i++) {
            send(
                            session,
                            Json.of("make"),
                            Method.TOOLS_CALL,
                            "{\"name\":\"long\",\"arguments\":{},\"task\":{}}")
                    .result();
        }
    }

    private Json list(String cursor) {
        return send(
                        session,
                        Json.of("list"),
                        Method.TASKS_LIST,
                        cursor.isEmpty() ? "{}" : "{\"cursor\":\"" + cursor + "\"}")
                .result();
    }

    private static List<String> names(Json page) {
        return page.get("tasks").orElseThrow().elements().stream()
                .map(task -> task.text("taskId").orElseThrow())
                .toList();
    }

    @Test
    void a_client_sees_its_tasks_by_the_names_that_it_knows() {
        assertThat(list("")).hasToString("{\"tasks\":[]}");
        make(2);
        assertThat(names(list(""))).isEqualTo(session.tasks());
        assertThat(session.tasks()).hasSize(2).allMatch(name -> name.startsWith("a~"));
    }

    @Test
    void a_page_goes_on_behind_a_task_that_is_no_more() {
        make(51);
        forgotten.add("50");
        var first = list("");
        assertThat(names(first)).hasSize(49);
        assertThat(session.tasks()).hasSize(50);
        var second = list(first.text("nextCursor").orElseThrow());
        assertThat(names(second)).containsExactly(session.tasks().getLast());
        assertThat(second.text("nextCursor")).isEmpty();
    }

    @Test
    void whoever_goes_on_with_a_session_knows_the_tasks_that_are_left() {
        fixture.storage.create("id", session.metadata());
        make(3);
        forgotten.add("2");
        list("");
        var record = fixture.storage.load("id").orElseThrow();
        var next = fixture.factory.restoreSession("id", record, fixture.configured());
        assertThat(next.tasks()).isEqualTo(session.tasks()).hasSize(2);
    }

    @Test
    void a_cursor_that_is_none_is_refused() {
        var sink = send(session, Json.of(1), Method.TASKS_LIST, "{\"cursor\":\"something\"}");
        assertThat(sink.fault()).isInstanceOf(Fault.InvalidParams.class);
    }

    @Test
    void a_list_that_is_given_up_is_answered_once_and_holds_no_place() {
        make(2);
        silent = true;
        for (int i = 0; i < 100; i++) {
            var sink = new RecordingSink();
            start(session, Json.of(i), Method.TASKS_LIST, "{}", sink).cancel();
            assertThat(sink.fault()).isInstanceOf(Fault.Cancelled.class);
            assertThat(sink.isQuiet()).isTrue();
        }
        silent = false;
        assertThat(names(list(""))).hasSize(2);
        await().until(() -> !session.active());
    }
}
