package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.WrappedBackendSession;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.rounds.Inquiry;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * A conversation with a server whose tasks are an extension, for a client whose tasks belong to its
 * session: a call that is to be a task is one, whatever the server makes of it, and whoever waits
 * for the result is asked what the server wants to know (MCP 2025-11-25, Tasks). Thread-safe.
 */
final class StatelessServerTasks extends WrappedBackendSession implements TaskEvents.Taker {
    /** Every task is so at first. */
    private static final Json BEGUN = Json.of(TaskForms.WORKING);

    private final BackendEvents events;
    private final Ids ids;
    private final Alarms alarms;
    private final DirectResults direct;
    private final Map<Long, AwaitedTask> waiting = new ConcurrentHashMap<>();

    StatelessServerTasks(BackendSession session, Opening opening, Ids ids, Alarms alarms) {
        super(session);
        this.events = opening.events();
        this.ids = ids;
        this.alarms = alarms;
        this.direct = new DirectResults(alarms);
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        var message = request.envelope();
        switch (message.method()) {
            case Method.TOOLS_CALL -> {
                var wish = message.param("task");
                next().send(
                                id,
                                request,
                                wish.isEmpty() ? sink : new Creation(id, wish.get(), sink));
            }
            case Method.TASKS_GET ->
                    direct.task(task(request))
                            .ifPresentOrElse(
                                    result(id, sink),
                                    () -> next().send(id, request, state(id, sink)));
            case Method.TASKS_RESULT ->
                    direct.result(task(request))
                            .ifPresentOrElse(
                                    result(id, sink), () -> await(id, task(request), sink));
            case Method.TASKS_CANCEL -> stop(id, task(request), sink);
            case Method.TASKS_UPDATE ->
                    error(id, sink, ErrorCode.METHOD_NOT_FOUND)
                            .accept("found tasks/update (expected: an answer to the question)");
            default -> next().send(id, request, sink);
        }
    }

    private static String task(Spliced request) {
        return request.envelope().param(TaskForms.ID).map(Json::text).orElse("");
    }

    private static Consumer<Json> result(long id, Sink sink) {
        return result ->
                sink.reply(new Reply.Response(Spliced.of(JsonRpc.result(Json.of(id), result))));
    }

    private static Consumer<String> error(long id, Sink sink, int code) {
        return why ->
                sink.reply(new Reply.Response(Spliced.of(JsonRpc.error(Json.of(id), code, why))));
    }

    /** Takes the state of a task, for a client that has asked for it. */
    private static Sink state(long id, Sink sink) {
        return new ResultSink(
                state -> result(id, sink).accept(TaskForms.ofSessions(state)), sink::reply);
    }

    private long ask(String method, Json params, Sink sink) {
        long id = ids.next();
        next().send(id, Spliced.of(JsonRpc.request(Json.of(id), method, params)), sink);
        return id;
    }

    /** Takes what comes back for a call that is to be a task. */
    private final class Creation extends WrappedSink {
        private final long id;
        private final Json wish;

        Creation(long id, Json wish, Sink sink) {
            super(sink);
            this.id = id;
            this.wish = wish;
        }

        @Override
        public void reply(Reply reply) {
            var result =
                    reply instanceof Reply.Response(var message)
                            ? message.envelope().result()
                            : Optional.<Json>empty();
            if (result.isEmpty()) {
                next().reply(reply);
                return;
            }
            boolean made = result.get().text("resultType").filter("task"::equals).isPresent();
            var task =
                    made
                            ? TaskForms.ofSessions(result.get()).with(TaskForms.STATUS, BEGUN)
                            : direct.keep(result.get().detached(), wish);
            if (made) {
                task.text(TaskForms.ID).ifPresent(known -> watchTask(known, _ -> {}));
            }
            StatelessServerTasks.result(id, next())
                    .accept(Json.object(members -> members.put("task", task)));
        }
    }

    private void await(long id, String task, Sink sink) {
        var awaited = new AwaitedTask(alarms, new ResultWaiter(id, task, sink), task);
        waiting.put(id, awaited);
        awaited.ask();
    }

    /** Somebody who waits for a task's result. */
    private final class ResultWaiter implements AwaitedTask.Host {
        private final long id;
        private final String task;
        private final Sink sink;

        ResultWaiter(long id, String task, Sink sink) {
            this.id = id;
            this.task = task;
            this.sink = sink;
        }

        @Override
        public long send(String method, Json params, Sink answer) {
            return StatelessServerTasks.this.ask(method, params, answer);
        }

        @Override
        public void cancel(long request) {
            next().cancel(request, "nobody waits for the task any more");
        }

        @Override
        public void ask(Json requests, Consumer<Json> answers) {
            Consumer<String> failed =
                    why -> over(JsonRpc.error(Json.of(id), ErrorCode.INTERNAL_ERROR, why));
            new Inquiry(new Related(sink, task), ids, requests, answers, failed).begin();
        }

        @Override
        public void result(Json result) {
            over(JsonRpc.result(Json.of(id), TaskForms.related(result, task)));
        }

        @Override
        public void error(Json error) {
            over(JsonRpc.error(Json.of(id), error));
        }

        @Override
        public void failed(Reply reply) {
            if (waiting.remove(id) != null) {
                sink.reply(
                        reply instanceof Reply.Response(var message)
                                ? new Reply.Response(message.id(Json.of(id)))
                                : reply);
            }
        }

        private void over(Envelope response) {
            if (waiting.remove(id) != null) {
                sink.reply(new Reply.Response(Spliced.of(response)));
            }
        }
    }

    /** Says with each question for which task it is asked. */
    private static final class Related extends WrappedSink {
        private final String task;

        Related(Sink sink, String task) {
            super(sink);
            this.task = task;
        }

        @Override
        public boolean question(Question question) {
            var request = question.request();
            var params = TaskForms.related(request.params().orElse(Json.EMPTY_OBJECT), task);
            var message = Spliced.of(JsonRpc.request(request.id(), request.method(), params));
            return next().question(new Question(message, question.answer(), question.wayLost()));
        }

        @Override
        public void reply(Reply reply) {
            next().reply(reply);
        }
    }

    /** With sessions a task that has ended cannot be cancelled, and one that was is so at once. */
    private void stop(long id, String task, Sink sink) {
        var refused = error(id, sink, ErrorCode.INVALID_PARAMS);
        if (direct.task(task).isPresent()) {
            refused.accept(over(TaskForms.COMPLETED));
            return;
        }
        ask(
                Method.TASKS_GET,
                TaskForms.params(task),
                new ResultSink(
                        state -> {
                            if (TaskForms.isOver(TaskForms.status(state))) {
                                refused.accept(over(TaskForms.status(state)));
                            } else {
                                cancel(id, task, state, sink);
                            }
                        },
                        otherwise -> sink.reply(underId(id, otherwise))));
    }

    private static String over(String status) {
        return "params.taskId: found a task that is " + status + " (expected: one that goes on)";
    }

    private void cancel(long id, String task, Json state, Sink sink) {
        ask(
                Method.TASKS_CANCEL,
                TaskForms.params(task),
                new ResultSink(
                        _ -> {
                            unwatchTask(task);
                            result(id, sink)
                                    .accept(
                                            TaskForms.ofSessions(state)
                                                    .with(
                                                            TaskForms.STATUS,
                                                            Json.of(TaskForms.CANCELLED)));
                        },
                        otherwise -> sink.reply(underId(id, otherwise))));
    }

    private static Reply underId(long id, Reply reply) {
        return reply instanceof Reply.Response(var message)
                ? new Reply.Response(message.id(Json.of(id)))
                : reply;
    }

    @Override
    public void cancel(long id, String why) {
        var left = waiting.remove(id);
        if (left != null) {
            left.leave();
        } else {
            next().cancel(id, why);
        }
    }

    @Override
    public boolean takes(Envelope notification) {
        if (!notification.method().equals(Method.TASK_CHANGED)) {
            return false;
        }
        var state = notification.params().orElse(Json.EMPTY_OBJECT);
        try {
            if (TaskForms.isOver(TaskForms.status(state))) {
                state.text(TaskForms.ID).ifPresent(this::unwatchTask);
            }
            events.notification(
                    JsonRpc.notification(Method.TASK_STATUS, TaskForms.ofSessions(state)));
        } catch (MalformedJson unreadable) {
            return true; // whoever wants to know asks
        }
        return true;
    }

    @Override
    public boolean takes(Question question) {
        return false;
    }

    @Override
    public void close() {
        waiting.values().forEach(AwaitedTask::leave);
        super.close();
    }
}
