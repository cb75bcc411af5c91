package dev.heddle.core.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.ScriptedBackend.Request;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

class TaskBridgeTest {
    private static final String SESSION_TASKS =
            "{\"tasks\":{\"requests\":{\"tools\":{\"call\":{}}}}}";
    private static final String EXTENSION =
            "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    private static final String STATE =
            "\"taskId\":\"7\",\"createdAt\":\"a\",\"lastUpdatedAt\":\"b\"";
    private static final Duration USUAL = Duration.ofSeconds(1);

    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final Ids ids = new Ids();
    private final ScriptedBackend backend = new ScriptedBackend("a").onCall((_, _) -> {});
    private final Told told = new Told();

    private static final class Told implements BackendEvents {
        private final List<Envelope> notifications = new CopyOnWriteArrayList<>();
        private final List<Question> questions = new CopyOnWriteArrayList<>();

        @Override
        public void notification(Envelope message) {
            notifications.add(message);
        }

        @Override
        public void question(Question question) {
            questions.add(question);
        }

        @Override
        public void lost(Fault.BackendFailed why) {}
    }

    private BackendSession open(Revision client, String capabilities) {
        var profile = new ClientProfile(client, Json.parse(capabilities), Json.EMPTY_OBJECT);
        var tool = Json.parse("{\"name\":\"long\",\"execution\":{\"taskSupport\":\"optional\"}}");
        var opening =
                new Opening(
                        Identity.NONE,
                        profile,
                        told,
                        Optional.empty(),
                        false,
                        name -> name.equals("long") ? Optional.of(tool) : Optional.empty());
        var connector = ScriptedBackend.connector(backend);
        return new TaskBridge(ids, alarms)
                .connect("a", opening, bridged -> connector.connect(backend.backend(), bridged))
                .session();
    }

    /** A client without sessions that knows tasks, and a server whose tasks belong to sessions. */
    private BackendSession overSessions() {
        backend.introducing(Revision.LATEST, SESSION_TASKS);
        return open(Revision.STATELESS, EXTENSION);
    }

    /** The other way round. */
    private BackendSession overExtension() {
        backend.introducing(Revision.STATELESS, EXTENSION);
        return open(Revision.LATEST, "{\"elicitation\":{}}");
    }

    private RecordingSink send(BackendSession session, String method, String params) {
        long id = ids.next();
        var sink = new RecordingSink();
        var request = JsonRpc.request(Json.of(id), method, Json.parse(params));
        session.send(id, Spliced.of(request), sink);
        return sink;
    }

    private RecordingSink about(BackendSession session, String method) {
        return send(session, method, "{\"taskId\":\"7\"}");
    }

    private Request pending(String method) {
        return backend.lastTalk().pending().stream()
                .filter(one -> one.message().method().equals(method))
                .findFirst()
                .orElseThrow(() -> new AssertionError(backend.lastTalk().received().toString()));
    }

    private void answer(String method, String result) {
        pending(method).answer(Json.parse(result));
    }

    private Question asks(String task) {
        var params =
                Json.parse(
                        "{\"message\":\"Who?\",\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\""
                                + task
                                + "\"},\"progressToken\":1}}");
        return backend.lastTalk().question(Method.ELICITATION, params, "q-" + task);
    }

    private static Map<String, Json> members(String object) {
        return Json.parse(object).members();
    }

    @Test
    void without_sessions_a_tool_that_may_be_a_task_is_one() {
        var sink = send(overSessions(), Method.TOOLS_CALL, "{\"name\":\"long\"}");
        assertThat(pending(Method.TOOLS_CALL).message().param("task")).contains(Json.EMPTY_OBJECT);
        answer(
                Method.TOOLS_CALL,
                "{\"task\":{" + STATE + ",\"status\":\"working\",\"ttl\":5,\"pollInterval\":9}}");
        assertThat(sink.result().members())
                .isEqualTo(
                        members(
                                "{\"resultType\":\"task\","
                                        + STATE
                                        + ",\"status\":\"working\",\"ttlMs\":5,\"pollIntervalMs\":9}"));
    }

    @Test
    void a_tool_that_is_no_task_is_called_as_it_is() {
        var sink = send(overSessions(), Method.TOOLS_CALL, "{\"name\":\"short\"}");
        assertThat(pending(Method.TOOLS_CALL).message().param("task")).isEmpty();
        answer(Method.TOOLS_CALL, "{\"content\":[]}");
        assertThat(sink.result()).isEqualTo(Json.parse("{\"content\":[]}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"completed", "failed"})
    void what_a_task_of_a_session_has_come_to_is_part_of_its_state(String status) {
        var sink = about(overSessions(), Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"" + status + "\",\"ttl\":null}");
        answer(
                Method.TASKS_RESULT,
                "{\"content\":[],\"isError\":true,\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"7\"}}}");
        var state = sink.result();
        assertThat(state.text("status")).contains("completed");
        assertThat(state.get("ttlMs")).contains(Json.NULL);
        assertThat(state.get("result"))
                .contains(
                        Json.parse(
                                "{\"resultType\":\"complete\",\"content\":[],\"isError\":true}"));
    }

    @Test
    void a_failure_of_a_task_of_a_session_is_an_error_in_its_state() {
        var sink = about(overSessions(), Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"failed\"}");
        pending(Method.TASKS_RESULT).error(ErrorCode.INTERNAL_ERROR, "broke down");
        var state = sink.result();
        assertThat(state.text("status")).contains("failed");
        assertThat(state.get("error").flatMap(error -> error.text("message")))
                .contains("broke down");
    }

    @Test
    void what_a_task_of_a_session_asks_is_answered_by_an_update() {
        var session = overSessions();
        var first = about(session, Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"input_required\"}");
        assertThat(first.result().text("status")).contains("working");
        assertThat(pending(Method.TASKS_RESULT).sink().question(asks("7"))).isTrue();
        backend.lastTalk().events().question(asks("8"));
        assertThat(told.questions).isEmpty();

        var second = about(session, Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"input_required\"}");
        assertThat(second.result().get("inputRequests"))
                .contains(
                        Json.parse(
                                "{\"q1\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}}"));
        var update =
                send(
                        session,
                        Method.TASKS_UPDATE,
                        "{\"taskId\":\"7\",\"inputResponses\":{\"q1\":{\"action\":\"accept\"},\"q9\":{}}}");
        assertThat(update.result()).isEqualTo(Json.EMPTY_OBJECT);
        assertThat(backend.lastTalk().answers())
                .singleElement()
                .satisfies(
                        given -> {
                            assertThat(given.id()).isEqualTo(Json.of("q-7"));
                            assertThat(given.result())
                                    .contains(Json.parse("{\"action\":\"accept\"}"));
                        });
        assertThat(backend.lastTalk().received()).doesNotContain(Method.TASKS_UPDATE);
    }

    @Test
    void a_question_that_is_withdrawn_is_asked_no_more() {
        var session = overSessions();
        backend.lastTalk().events().question(asks("7"));
        backend.lastTalk()
                .events()
                .notification(
                        JsonRpc.notification(
                                Method.CANCELLED, Json.parse("{\"requestId\":\"q-7\"}")));
        var sink = about(session, Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\"}");
        assertThat(sink.result().get("inputRequests")).isEmpty();
        assertThat(told.notifications).isEmpty();
    }

    @Test
    void a_task_of_a_session_that_has_ended_can_be_cancelled_to_no_effect() {
        var sink = about(overSessions(), Method.TASKS_CANCEL);
        pending(Method.TASKS_CANCEL).error(ErrorCode.INVALID_PARAMS, "has ended");
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"completed\"}");
        assertThat(sink.result()).isEqualTo(Json.EMPTY_OBJECT);
    }

    @Test
    void a_task_that_a_server_does_not_know_cannot_be_cancelled() {
        var sink = about(overSessions(), Method.TASKS_CANCEL);
        pending(Method.TASKS_CANCEL).error(ErrorCode.INVALID_PARAMS, "unknown");
        pending(Method.TASKS_GET).error(ErrorCode.INVALID_PARAMS, "unknown");
        assertThat(sink.response().errorCode()).isEqualTo(ErrorCode.INVALID_PARAMS);
    }

    @Test
    void a_cancelled_task_asks_nothing_any_more() {
        var session = overSessions();
        backend.lastTalk().events().question(asks("7"));
        about(session, Method.TASKS_CANCEL);
        answer(Method.TASKS_CANCEL, "{" + STATE + ",\"status\":\"cancelled\"}");
        assertThat(backend.lastTalk().answers())
                .singleElement()
                .matches(e -> e.error().isPresent());
    }

    @Test
    void a_watched_task_of_a_session_is_asked_after_and_each_change_is_told_once() {
        var session = overSessions();
        session.watchTask("7", good -> assertThat(good).isTrue());
        var working = "{" + STATE + ",\"status\":\"working\"}";
        answer(Method.TASKS_GET, working);
        alarms.fire(USUAL);
        answer(Method.TASKS_GET, working);
        alarms.fire(USUAL);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"cancelled\"}");
        alarms.fire(USUAL);
        assertThat(told.notifications)
                .extracting(one -> one.param("status").orElseThrow().text())
                .containsExactly("working", "cancelled");
        assertThat(told.notifications.getLast().method()).isEqualTo(Method.TASK_CHANGED);
        assertThat(backend.lastTalk().pending()).isEmpty();
    }

    @Test
    void a_task_is_watched_through_failures_until_nobody_wants_to_know() {
        var session = overSessions();
        session.watchTask("7", _ -> {});
        pending(Method.TASKS_GET)
                .fail(new Fault.BackendFailed("a", Reason.TIMEOUT, "is slow", true));
        alarms.fire(Duration.ofSeconds(5));
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\"}");
        session.unwatchTask("7");
        alarms.fire(USUAL);
        assertThat(backend.lastTalk().pending()).isEmpty();
        assertThat(told.notifications).hasSize(1);
    }

    private String create(BackendSession session, String result) {
        var sink = send(session, Method.TOOLS_CALL, "{\"name\":\"long\",\"task\":{\"ttl\":1000}}");
        answer(Method.TOOLS_CALL, result);
        return sink.result().get("task").orElseThrow().toString();
    }

    @Test
    void with_sessions_a_task_of_the_extension_has_the_form_of_sessions() {
        var task =
                create(
                        overExtension(),
                        "{\"resultType\":\"task\","
                                + STATE
                                + ",\"status\":\"working\",\"ttlMs\":null,\"pollIntervalMs\":9}");
        assertThat(Json.parse(task))
                .isEqualTo(
                        Json.parse(
                                "{"
                                        + STATE
                                        + ",\"status\":\"working\",\"pollInterval\":9,\"ttl\":null}"));
    }

    @Test
    void a_result_that_comes_at_once_is_kept_for_whoever_wanted_a_task() {
        var session = overExtension();
        var task = Json.parse(create(session, "{\"content\":[],\"isError\":true}"));
        assertThat(task.text("status")).contains("working");
        var params = "{\"taskId\":\"" + task.text("taskId").orElseThrow() + "\"}";
        assertThat(send(session, Method.TASKS_GET, params).result().text("status"))
                .contains("failed");
        assertThat(send(session, Method.TASKS_RESULT, params).result().get("content"))
                .contains(Json.EMPTY_ARRAY);
        assertThat(send(session, Method.TASKS_CANCEL, params).response().errorCode())
                .isEqualTo(ErrorCode.INVALID_PARAMS);
        alarms.fire(USUAL);
        send(session, Method.TASKS_GET, params);
        assertThat(backend.lastTalk().received()).endsWith(Method.TASKS_GET);
    }

    @Test
    void whoever_waits_for_a_result_is_asked_what_the_task_wants_to_know_and_once_only() {
        var session = overExtension();
        var sink = about(session, Method.TASKS_RESULT);
        var asking =
                "{"
                        + STATE
                        + ",\"status\":\"input_required\",\"inputRequests\":{\"k\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"Who?\"}}}}";
        answer(Method.TASKS_GET, asking);
        var question = sink.nextQuestion();
        assertThat(TaskForms.relation(question.request().params().orElseThrow())).contains("7");
        question.answer()
                .accept(
                        Spliced.of(
                                JsonRpc.result(
                                        question.id(), Json.parse("{\"action\":\"decline\"}"))));
        assertThat(pending(Method.TASKS_UPDATE).message().param("inputResponses"))
                .contains(Json.parse("{\"k\":{\"action\":\"decline\"}}"));
        answer(Method.TASKS_UPDATE, "{}");
        alarms.fire(USUAL);
        answer(Method.TASKS_GET, asking); // it has not noticed yet
        alarms.fire(USUAL);
        answer(
                Method.TASKS_GET,
                "{" + STATE + ",\"status\":\"completed\",\"result\":{\"content\":[]}}");
        assertThat(sink.result())
                .isEqualTo(
                        Json.parse(
                                "{\"content\":[],\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"7\"}}}"));
        assertThat(sink.isQuiet()).isTrue();
    }

    @Test
    void a_client_is_asked_nothing_that_it_has_not_declared() {
        var sink = about(overExtension(), Method.TASKS_RESULT);
        answer(
                Method.TASKS_GET,
                "{"
                        + STATE
                        + ",\"status\":\"input_required\",\"inputRequests\":{\"k\":{\"method\":\"roots/list\"}}}");
        assertThat(sink.response().error().flatMap(error -> error.text("message")).orElseThrow())
                .contains("found 'roots/list'");
    }

    @Test
    void whoever_does_not_wait_any_more_leaves_the_task_alone() {
        var session = overExtension();
        long id = ids.next();
        var request =
                JsonRpc.request(Json.of(id), Method.TASKS_RESULT, Json.parse("{\"taskId\":\"7\"}"));
        var sink = new RecordingSink();
        session.send(id, Spliced.of(request), sink);
        long asked = pending(Method.TASKS_GET).id();
        session.cancel(id, "enough");
        alarms.fire(USUAL);
        assertThat(sink.isQuiet()).isTrue();
        assertThat(backend.lastTalk().received())
                .containsExactly(Method.TASKS_GET, "cancel " + asked);
    }

    @Test
    void with_sessions_a_task_that_has_ended_cannot_be_cancelled() {
        var sink = about(overExtension(), Method.TASKS_CANCEL);
        answer(
                Method.TASKS_GET,
                "{" + STATE + ",\"status\":\"completed\",\"result\":{\"isError\":true}}");
        assertThat(sink.response().errorCode()).isEqualTo(ErrorCode.INVALID_PARAMS);
    }

    @Test
    void with_sessions_a_cancelled_task_is_cancelled_when_the_answer_comes() {
        var sink = about(overExtension(), Method.TASKS_CANCEL);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\",\"ttlMs\":4}");
        answer(Method.TASKS_CANCEL, "{\"resultType\":\"complete\"}");
        assertThat(sink.result().members())
                .isEqualTo(members("{" + STATE + ",\"ttl\":4,\"status\":\"cancelled\"}"));
    }

    @Test
    void what_a_server_without_sessions_tells_of_a_task_is_told_in_the_form_of_sessions() {
        overExtension();
        backend.lastTalk()
                .events()
                .notification(
                        JsonRpc.notification(
                                Method.TASK_CHANGED,
                                Json.parse(
                                        "{"
                                                + STATE
                                                + ",\"status\":\"completed\",\"ttlMs\":1,\"result\":{\"isError\":true}}")));
        assertThat(told.notifications)
                .singleElement()
                .satisfies(
                        one -> {
                            assertThat(one.method()).isEqualTo(Method.TASK_STATUS);
                            assertThat(one.params().orElseThrow().members())
                                    .isEqualTo(
                                            members(
                                                    "{"
                                                            + STATE
                                                            + ",\"ttl\":1,\"status\":\"failed\"}"));
                        });
    }

    @Test
    void a_watched_task_is_asked_after_by_one_request_at_a_time_however_often_it_is_told_of() {
        var session = overSessions();
        session.watchTask("7", _ -> {});
        var told = JsonRpc.notification(Method.TASK_STATUS, Json.parse("{" + STATE + "}"));
        for (int i = 0; i < 100; i++) {
            backend.lastTalk().events().notification(told);
        }
        assertThat(backend.lastTalk().received()).hasSize(1);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\"}");
        assertThat(backend.lastTalk().received()).hasSize(2); // once more, for all of them
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\"}");
        assertThat(alarms.set(USUAL)).isEqualTo(1);
    }

    @Test
    void what_is_told_of_a_watched_task_that_has_ended_is_told_no_more() {
        var session = overSessions();
        session.watchTask("7", _ -> {});
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"cancelled\"}");
        backend.lastTalk()
                .events()
                .notification(
                        JsonRpc.notification(Method.TASK_STATUS, Json.parse("{" + STATE + "}")));
        assertThat(backend.lastTalk().pending()).isEmpty();
    }

    @Test
    void a_question_outlives_the_stream_on_which_it_came() {
        var session = overSessions();
        about(session, Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"input_required\"}");
        var asking = pending(Method.TASKS_RESULT);
        asking.sink().question(asks("7"));
        asking.fail(new Fault.BackendFailed("a", Reason.DISCONNECTED, "was cut", true));
        assertThat(backend.lastTalk().answers()).isEmpty();
        about(session, Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"input_required\"}");
        pending(Method.TASKS_RESULT).sink().question(asks("7")); // the server asks again
        var sink = about(session, Method.TASKS_GET);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"input_required\"}");
        assertThat(sink.result().get("inputRequests").orElseThrow().members())
                .containsOnlyKeys("q1");
    }

    @Test
    void a_question_of_a_task_that_nobody_answers_is_given_up_in_the_end() {
        overSessions();
        backend.lastTalk().events().question(asks("7"));
        alarms.fire(ParkedExchanges.PATIENCE);
        assertThat(backend.lastTalk().answers())
                .singleElement()
                .matches(given -> given.error().isPresent());
    }

    @Test
    void a_state_that_cannot_be_read_is_a_failure_of_the_server() {
        var sink = about(overSessions(), Method.TASKS_GET);
        answer(Method.TASKS_GET, "{\"taskId\":\"7\",\"status\":\"working\",\"ttl\":1,\"ttl\":2}");
        assertThat(sink.fault()).hasMessageContaining("sent a task with");
    }

    @Test
    void whoever_waits_for_a_result_hears_when_the_conversation_ends() {
        var session = overExtension();
        var sink = about(session, Method.TASKS_RESULT);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\"}");
        session.close();
        assertThat(sink.fault()).hasMessageContaining("was left by the gateway");
        assertThat(sink.isQuiet()).isTrue();
    }

    @Test
    void with_sessions_a_cancelled_task_stays_so_whatever_its_server_does() {
        var session = overExtension();
        about(session, Method.TASKS_CANCEL);
        answer(Method.TASKS_GET, "{" + STATE + ",\"status\":\"working\"}");
        answer(Method.TASKS_CANCEL, "{}");
        var state = about(session, Method.TASKS_GET);
        var done = "{" + STATE + ",\"status\":\"completed\",\"result\":{\"content\":[]}}";
        answer(Method.TASKS_GET, done);
        assertThat(state.result().text("status")).contains("cancelled");
        var result = about(session, Method.TASKS_RESULT);
        answer(Method.TASKS_GET, done);
        assertThat(result.response().error()).isPresent();
    }
}
