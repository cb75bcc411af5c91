package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.WrappedBackendSession;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.rounds.Inquiry;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * A conversation with a server whose tasks are an extension, for a client whose tasks belong to its
 * session: a call that is to be a task is one, whatever the server makes of it, and whoever waits
 * for the result is asked what the server wants to know (MCP 2025-11-25, Tasks). Thread-safe.
 */
final class StatelessServerTasks extends WrappedBackendSession implements TaskEvents.Taker {
    private static final int MANY = 1000;
    private static final int MOST_WATCHED = 100;
    private static final Duration WATCHED = Duration.ofHours(1);

    /** Every task is so at first. */
    private static final Json BEGUN = Json.of(TaskForms.WORKING);

    private final String backend;
    private final TaskReading reading;
    private final BackendEvents events;
    private final Json able;
    private final Ids ids;
    private final Alarms alarms;
    private final DirectResults direct;
    private final Map<Long, ResultWaiter> waiting = new ConcurrentHashMap<>();
    private final Set<String> watched = ConcurrentHashMap.newKeySet();
    private final BoundedMap<String, Boolean> cancelled = new BoundedMap<>(MANY);

    StatelessServerTasks(
            String backend, BackendSession session, Opening opening, Ids ids, Alarms alarms) {
        super(session);
        this.backend = backend;
        this.reading = new TaskReading(backend);
        this.events = opening.events();
        this.able = opening.profile().capabilities();
        this.ids = ids;
        this.alarms = alarms;
        this.direct = new DirectResults(alarms);
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        var message = request.envelope();
        switch (message.method()) {
            case Method.TOOLS_CALL -> {
                var wish = message.task();
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
    private Sink state(long id, Sink sink) {
        return reading.sink(state -> result(id, sink).accept(seen(state)), sink::reply);
    }

    /** A task in the client's words; one that was cancelled stays so, whatever its server does. */
    private Json seen(Json state) {
        var task = TaskForms.ofSessions(state);
        var id = state.text(TaskForms.ID).orElse("");
        var whole =
                cancelled.contains(id)
                        ? task.with(TaskForms.STATUS, Json.of(TaskForms.CANCELLED))
                        : task;
        if (TaskForms.isOver(TaskForms.status(whole))) {
            unwatch(id);
        }
        return whole;
    }

    private void watch(Json task) {
        var id = task.text(TaskForms.ID).orElse("");
        if (watched.size() < MOST_WATCHED && watched.add(id)) {
            next().watchTask(id, _ -> {});
            alarms.after(WATCHED, () -> unwatch(id));
        }
    }

    private void unwatch(String id) {
        if (watched.remove(id)) {
            next().unwatchTask(id);
        }
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
            reading.read(() -> created(reply), next()::reply);
        }

        private void created(Reply reply) {
            var result =
                    reply instanceof Reply.Response(var message)
                            ? message.envelope().result()
                            : Optional.<Json>empty();
            if (result.isEmpty()) {
                next().reply(reply);
            } else if (result.get().text("resultType").filter("task"::equals).isPresent()) {
                var task = TaskForms.ofSessions(result.get());
                made(task.with(TaskForms.STATUS, BEGUN));
                watch(task);
            } else {
                made(direct.keep(result.get().detached(), wish));
            }
        }

        private void made(Json task) {
            StatelessServerTasks.result(id, next())
                    .accept(Json.object(members -> members.put("task", task)));
        }
    }

    private void await(long id, String task, Sink sink) {
        var waiter = new ResultWaiter(id, task, sink);
        waiting.put(id, waiter);
        waiter.awaited.ask();
    }

    /** Somebody who waits for a task's result. */
    private final class ResultWaiter implements AwaitedTask.Host {
        private final long id;
        private final String task;
        private final Sink sink;
        private final AwaitedTask awaited;

        ResultWaiter(long id, String task, Sink sink) {
            this.id = id;
            this.task = task;
            this.sink = sink;
            this.awaited = new AwaitedTask(alarms, this, task);
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
            new Inquiry(new Related(sink, task), ids, able, requests, answers, failed).begin();
        }

        @Override
        public void result(Json result) {
            unwatch(task);
            over(
                    cancelled.contains(task)
                            ? JsonRpc.error(
                                    Json.of(id), ErrorCode.INTERNAL_ERROR, "the task was cancelled")
                            : JsonRpc.result(Json.of(id), TaskForms.related(result, task)));
        }

        @Override
        public void error(Json error) {
            over(JsonRpc.error(Json.of(id), error));
        }

        @Override
        public void failed(Reply reply) {
            if (waiting.remove(id) != null) {
                sink.reply(underId(id, reply));
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
                reading.sink(
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
                reading.sink(
                        _ -> {
                            cancelled.put(task, true);
                            result(id, sink).accept(seen(state));
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
            left.awaited.leave();
        } else {
            next().cancel(id, why);
        }
    }

    @Override
    public boolean takes(Envelope notification) {
        if (!notification.method().equals(Method.TASK_CHANGED)) {
            return false;
        }
        reading.read(
                () ->
                        events.notification(
                                JsonRpc.notification(
                                        Method.TASK_STATUS,
                                        seen(notification.params().orElse(Json.EMPTY_OBJECT)))),
                _ -> {}); // whoever wants to know asks
        return true;
    }

    @Override
    public boolean takes(Question question) {
        return false;
    }

    /** Whoever waits is told that nothing more will come. */
    @Override
    public void leave() {
        close();
    }

    @Override
    public void close() {
        var why =
                new Fault.BackendFailed(
                        backend,
                        Reason.CLOSED,
                        "was left by the gateway before the task had ended",
                        true);
        for (var waiter : waiting.values()) {
            waiter.awaited.leave();
            waiter.failed(new Reply.Failed(why));
        }
        super.close();
    }
}
