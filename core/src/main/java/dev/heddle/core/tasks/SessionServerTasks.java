package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.WrappedBackendSession;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A conversation with a server whose tasks belong to a session, for a client that knows them as an
 * extension: tools that may be called as tasks are, and what {@code tasks/get} says has in it what
 * the server asks and what it has come to. Thread-safe.
 */
final class SessionServerTasks extends WrappedBackendSession implements TaskEvents.Taker {
    private static final int MANY = 1000;
    private static final String TASK = "task";
    private static final String STATUS = TaskForms.STATUS;

    private final TaskReading reading;
    private final Function<String, Optional<Json>> tools;
    private final BackendEvents events;
    private final Ids ids;
    private final Alarms alarms;
    private final Map<String, HeldTask> held = new ConcurrentHashMap<>();
    private final Map<String, WatchedTask> watched = new ConcurrentHashMap<>();

    SessionServerTasks(
            String backend, BackendSession session, Opening opening, Ids ids, Alarms alarms) {
        super(session);
        this.reading = new TaskReading(backend);
        this.tools = opening.tools();
        this.events = opening.events();
        this.ids = ids;
        this.alarms = alarms;
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        switch (request.envelope().method()) {
            case Method.TOOLS_CALL -> call(id, request, sink);
            case Method.TASKS_GET -> get(id, request, sink);
            case Method.TASKS_UPDATE -> {
                Optional.ofNullable(held.get(task(request)))
                        .ifPresent(asking -> asking.answer(answers(request)));
                result(id, sink).accept(Json.EMPTY_OBJECT);
            }
            case Method.TASKS_CANCEL -> stop(id, request, sink);
            default -> next().send(id, request, sink);
        }
    }

    private void get(long id, Spliced request, Sink sink) {
        var task = task(request);
        Consumer<Json> state = given -> whole(task, given, result(id, sink), sink::reply);
        next().send(id, request, reading.sink(state, sink::reply));
    }

    private static Consumer<Json> result(long id, Sink sink) {
        return result ->
                sink.reply(new Reply.Response(Spliced.of(JsonRpc.result(Json.of(id), result))));
    }

    private static String task(Spliced request) {
        return request.envelope().param(TaskForms.ID).map(Json::text).orElse("");
    }

    private static Map<String, Json> answers(Spliced request) {
        return request.envelope()
                .param("inputResponses")
                .filter(Json::isObject)
                .map(Json::members)
                .orElse(Map.of());
    }

    private void call(long id, Spliced request, Sink sink) {
        var support =
                request.name()
                        .flatMap(tools)
                        .flatMap(tool -> tool.get("execution"))
                        .flatMap(execution -> execution.text("taskSupport"))
                        .orElse("forbidden");
        if (support.equals("forbidden")) {
            next().send(id, request, sink);
            return;
        }
        var whole = Envelope.parse(request.bytes());
        var params = whole.params().orElse(Json.EMPTY_OBJECT).with(TASK, Json.EMPTY_OBJECT);
        var asTask = Spliced.of(JsonRpc.request(whole.id(), Method.TOOLS_CALL, params));
        next().send(id, asTask, new Creation(id, sink));
    }

    /** Takes what comes back for a call that is to become a task. */
    private final class Creation extends WrappedSink {
        private final long id;

        Creation(long id, Sink sink) {
            super(sink);
            this.id = id;
        }

        @Override
        public boolean question(Question question) {
            return takes(question) || next().question(question);
        }

        @Override
        public void reply(Reply reply) {
            reading.read(() -> created(reply), next()::reply);
        }

        private void created(Reply reply) {
            var task =
                    reply instanceof Reply.Response(var message)
                            ? message.envelope().result().flatMap(result -> result.get(TASK))
                            : Optional.<Json>empty();
            task.filter(Json::isObject)
                    .map(Creation::handle)
                    .ifPresentOrElse(result(id, next()), () -> next().reply(reply));
        }

        private static Json handle(Json task) {
            return TaskForms.ofExtension(task)
                    .withFirst(members -> members.put("resultType", TASK));
        }
    }

    /** Hands on the state of a task with all that belongs to it. */
    private void whole(String id, Json state, Consumer<Json> taker, Consumer<Reply> failed) {
        try {
            describe(id, state, taker, failed);
        } catch (Fault.LimitReached full) {
            failed.accept(new Reply.Failed(full));
        }
    }

    private void describe(String id, Json state, Consumer<Json> taker, Consumer<Reply> failed) {
        var bare = TaskForms.ofExtension(state);
        switch (TaskForms.status(state)) {
            case TaskForms.COMPLETED, TaskForms.FAILED ->
                    held(id).outcome(
                                    reply -> {
                                        held.remove(id);
                                        reading.read(
                                                () -> ended(bare, reply, taker, failed), failed);
                                    });
            case TaskForms.CANCELLED -> {
                drop(id);
                taker.accept(bare);
            }
            case TaskForms.INPUT_REQUIRED -> {
                held(id).ask();
                taker.accept(asking(bare, held(id).asked()));
            }
            default -> {
                var known = held.get(id);
                taker.accept(known == null ? bare : asking(bare, known.asked()));
            }
        }
    }

    /** What the server asks comes a little later than the word that it asks something. */
    private static Json asking(Json bare, Json asked) {
        return asked.members().isEmpty()
                ? bare.with(STATUS, Json.of(TaskForms.WORKING))
                : bare.with(STATUS, Json.of(TaskForms.INPUT_REQUIRED)).with("inputRequests", asked);
    }

    /** A tool's own error is a result here, and a failure is an error of the protocol. */
    private static void ended(
            Json bare, Reply outcome, Consumer<Json> taker, Consumer<Reply> failed) {
        if (!(outcome instanceof Reply.Response(var message))) {
            failed.accept(outcome);
            return;
        }
        var response = message.envelope();
        taker.accept(
                response.result()
                        .map(
                                result ->
                                        bare.with(STATUS, Json.of(TaskForms.COMPLETED))
                                                .with("result", complete(result)))
                        .orElseGet(
                                () ->
                                        bare.with(STATUS, Json.of(TaskForms.FAILED))
                                                .with("error", response.error().orElseThrow())));
    }

    private static Json complete(Json result) {
        return TaskForms.withoutRelation(result)
                .withFirst(members -> members.put("resultType", "complete"));
    }

    /**
     * What is kept of a task.
     *
     * @throws Fault.LimitReached if that would be too much
     */
    private HeldTask held(String id) {
        if (held.size() >= MANY && !held.containsKey(id)) {
            throw new Fault.LimitReached(
                    "too many tasks wait for answers already", Duration.ofSeconds(10));
        }
        return held.computeIfAbsent(
                id,
                _ ->
                        new HeldTask(
                                sink -> ask(Method.TASKS_RESULT, id, sink),
                                alarms,
                                () -> held.remove(id)));
    }

    private void ask(String method, String task, Sink sink) {
        long id = ids.next();
        var request = JsonRpc.request(Json.of(id), method, TaskForms.params(task));
        next().send(id, Spliced.of(request), sink);
    }

    private void drop(String id) {
        var dropped = held.remove(id);
        if (dropped != null) {
            dropped.refuse("the task was cancelled");
        }
    }

    /** Without sessions a task that has ended can be cancelled too, to no effect. */
    private void stop(long id, Spliced request, Sink sink) {
        var task = task(request);
        var done = result(id, sink);
        next().send(
                        id,
                        request,
                        reading.sink(
                                _ -> {
                                    drop(task);
                                    done.accept(Json.EMPTY_OBJECT);
                                },
                                refusal ->
                                        ask(
                                                Method.TASKS_GET,
                                                task,
                                                reading.sink(
                                                        _ -> done.accept(Json.EMPTY_OBJECT),
                                                        _ -> sink.reply(refusal)))));
    }

    @Override
    public boolean takes(Question question) {
        return question.request()
                .params()
                .flatMap(TaskForms::relation)
                .filter(task -> isKept(task, question))
                .isPresent();
    }

    private boolean isKept(String task, Question question) {
        try {
            return held(task).question(question);
        } catch (Fault.LimitReached full) {
            question.refuse(full.getMessage());
            return true;
        }
    }

    @Override
    public boolean takes(Envelope notification) {
        return switch (notification.method()) {
            case Method.TASK_STATUS -> {
                notification
                        .param(TaskForms.ID)
                        .filter(Json::isString)
                        .map(id -> watched.get(id.text()))
                        .ifPresent(WatchedTask::look);
                yield true;
            }
            case Method.CANCELLED -> {
                var question = notification.requestId().orElse(Json.NULL);
                yield held.values().stream().anyMatch(task -> task.withdraw(question));
            }
            default -> false;
        };
    }

    @Override
    public void watchTask(String task, Consumer<Boolean> told) {
        var mine =
                new WatchedTask(
                        (taker, failed) ->
                                ask(
                                        Method.TASKS_GET,
                                        task,
                                        reading.sink(
                                                state -> whole(task, state, taker, failed),
                                                failed)),
                        state -> events.notification(changed(state)),
                        alarms);
        Optional.ofNullable(watched.put(task, mine)).ifPresent(WatchedTask::leave);
        told.accept(true);
        mine.look();
    }

    private static Envelope changed(Json state) {
        return JsonRpc.notification(Method.TASK_CHANGED, state);
    }

    @Override
    public void unwatchTask(String task) {
        Optional.ofNullable(watched.remove(task)).ifPresent(WatchedTask::leave);
    }

    @Override
    public void leave() {
        watched.values().forEach(WatchedTask::leave);
        super.leave();
    }

    @Override
    public void close() {
        watched.values().forEach(WatchedTask::leave);
        super.close();
    }
}
