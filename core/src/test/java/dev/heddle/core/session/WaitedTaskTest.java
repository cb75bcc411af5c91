package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.call;
import static dev.heddle.core.session.SessionFixture.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.ScriptedBackend.Request;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.function.Consumer;

class WaitedTaskTest {
    private static final Json MADE =
            Json.parse("{\"task\":{\"taskId\":\"7\",\"status\":\"working\"}}");
    private static final Json DONE = Json.parse("{\"content\":[]}");

    private final ScriptedBackend backend =
            new ScriptedBackend("a").tools("long", "short").onlyAsTasks("long");
    private final MultiSession session = new SessionFixture(backend).open();

    private void refusing(Consumer<Request> refusal) {
        backend.onCall((_, request) -> answer(request, refusal));
    }

    private static void answer(Request request, Consumer<Request> refusal) {
        switch (request.message().method()) {
            case Method.TOOLS_CALL -> {
                if (request.message().param("task").isPresent()) {
                    request.answer(MADE);
                } else {
                    refusal.accept(request);
                }
            }
            case Method.TASKS_CANCEL -> request.answer(Json.EMPTY_OBJECT);
            default -> {} // the result is asked for
        }
    }

    private Request asksForResult() {
        await().until(
                        () ->
                                backend.lastTalk().pending().stream()
                                        .anyMatch(
                                                one ->
                                                        one.message()
                                                                .method()
                                                                .equals(Method.TASKS_RESULT)));
        return backend.lastTalk().pending().getFirst();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_tool_that_is_called_as_a_task_only_is_called_as_one_and_waited_for(boolean inResult) {
        refusing(
                request -> {
                    if (inResult) {
                        request.answer(
                                Json.parse(
                                        "{\"isError\":true,\"content\":[{\"type\":\"text\","
                                                + "\"text\":\"MCP error -32601: a task\"}]}"));
                    } else {
                        request.error(ErrorCode.METHOD_NOT_FOUND, "a task");
                    }
                });
        var sink = call(session, "long");
        var asked = asksForResult();
        assertThat(asked.message().params().orElseThrow().text("taskId")).contains("7");
        assertThat(sink.hasReply()).isFalse();
        asked.answer(DONE);
        assertThat(sink.response().id()).isEqualTo(Json.of("long"));
        assertThat(backend.lastTalk().received())
                .containsSequence(Method.TOOLS_CALL, Method.TOOLS_CALL, Method.TASKS_RESULT);
    }

    @Test
    void an_error_for_another_reason_is_handed_on() {
        refusing(request -> request.error(ErrorCode.INVALID_PARAMS, "no"));
        assertThat(call(session, "long").response().errorCode())
                .isEqualTo(ErrorCode.INVALID_PARAMS);
        assertThat(backend.lastTalk().received()).containsOnlyOnce(Method.TOOLS_CALL);
    }

    @Test
    void a_tool_that_is_no_task_is_called_once() {
        refusing(request -> request.error(ErrorCode.METHOD_NOT_FOUND, "no"));
        assertThat(call(session, "short").response().errorCode())
                .isEqualTo(ErrorCode.METHOD_NOT_FOUND);
        assertThat(backend.lastTalk().received()).containsOnlyOnce(Method.TOOLS_CALL);
    }

    @Test
    void whoever_waits_for_a_task_can_give_it_up() {
        refusing(request -> request.error(ErrorCode.METHOD_NOT_FOUND, "a task"));
        var sink = call(session, "long");
        long id = asksForResult().id();
        session.notice(
                Identity.NONE,
                message(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"long\"}}"));
        assertThat(sink.fault()).isInstanceOf(Fault.Cancelled.class);
        assertThat(backend.lastTalk().received()).contains("cancel " + id, Method.TASKS_CANCEL);
    }
}
