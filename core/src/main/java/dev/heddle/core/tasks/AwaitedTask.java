package dev.heddle.core.tasks;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;

import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * A task at a server without sessions, for a client that knows no such tasks and waits for the
 * result: it is asked after until it has ended, and what it wants to know is asked of the client
 * (the extension {@code io.modelcontextprotocol/tasks} of MCP 2026-07-28). One request is under way
 * at a time; thread-safe.
 */
public final class AwaitedTask {
    /** What the call does for its task. */
    public interface Host {
        /** Sends a request of the task's, and returns its id. */
        long send(String method, Json params, Sink sink);

        /** Gives up on a request of the task's. */
        void cancel(long id);

        /** Asks the client everything in {@code requests}, and hands over its answers. */
        void ask(Json requests, Consumer<Json> answers);

        /** The server has described the task, and is asked again after {@code pause}. */
        default void alive(Duration pause) {}

        /** The task has ended with a result. */
        void result(Json result);

        /** The task has ended without one. */
        void error(Json error);

        /** The server could not be asked. */
        void failed(Reply reply);
    }

    private final Alarms alarms;
    private final Host host;
    private final String id;
    private final AtomicReference<State> state =
            new AtomicReference<>(new State(OptionalLong.empty(), Set.of(), false));

    /**
     * How far it is.
     *
     * @param underWay the id of the newest request
     * @param asked the keys of the questions that the client has been asked
     * @param left whether nobody waits any more
     */
    private record State(OptionalLong underWay, Set<String> asked, boolean left) {
        State sent(long id) {
            return new State(OptionalLong.of(Math.max(id, underWay.orElse(id))), asked, left);
        }

        State asking(Set<String> keys) {
            var all = new HashSet<>(asked);
            all.addAll(keys);
            return new State(underWay, Set.copyOf(all), left);
        }

        State leaving() {
            return new State(OptionalLong.empty(), asked, true);
        }
    }

    /**
     * @param id what the server calls the task
     */
    public AwaitedTask(Alarms alarms, Host host, String id) {
        this.alarms = alarms;
        this.host = host;
        this.id = id;
    }

    /** The id of the task that a result is about, or empty if it names none. */
    public static Optional<String> id(Json result) {
        return result.text(TaskForms.ID);
    }

    /** Asks after the task when it is time to, given its state. */
    public void await(Json state) {
        var pause = TaskForms.pause(state);
        host.alive(pause);
        alarms.after(pause, this::ask);
    }

    /** Asks after the task. */
    public void ask() {
        send(Method.TASKS_GET, TaskForms.params(id), this::got);
    }

    private void send(String method, Json params, Consumer<Json> then) {
        if (isWanted()) {
            long request = host.send(method, params, answer(then));
            if (state.getAndUpdate(now -> now.sent(request)).left()) {
                host.cancel(request);
            }
        }
    }

    private boolean isWanted() {
        return !state.get().left();
    }

    private void got(Json task) {
        switch (TaskForms.status(task)) {
            case TaskForms.COMPLETED -> host.result(task.get("result").orElse(Json.EMPTY_OBJECT));
            case TaskForms.FAILED ->
                    host.error(task.get("error").orElseGet(() -> error("the task has failed")));
            case TaskForms.CANCELLED -> host.error(error("the task was cancelled"));
            case TaskForms.INPUT_REQUIRED ->
                    task.get("inputRequests")
                            .map(this::unasked)
                            .filter(requests -> !requests.members().isEmpty())
                            .ifPresentOrElse(
                                    requests -> host.ask(requests, this::update),
                                    () -> await(task));
            default -> await(task);
        }
    }

    /** A server may go on asking for a while what has been answered, but uses each key once. */
    private Json unasked(Json requests) {
        var members = requests.members();
        var before = state.getAndUpdate(now -> now.asking(members.keySet())).asked();
        return Json.object(
                rest ->
                        members.forEach(
                                (key, request) -> {
                                    if (!before.contains(key)) {
                                        rest.put(key, request);
                                    }
                                }));
    }

    private static Json error(String why) {
        return Json.object(
                error -> error.put("code", ErrorCode.INTERNAL_ERROR).put("message", why));
    }

    private void update(Json answers) {
        var params = TaskForms.params(id).with("inputResponses", answers);
        send(Method.TASKS_UPDATE, params, this::await);
    }

    /** Nobody waits any more, and so nobody needs the task. */
    public void cancel() {
        leave();
        host.send(Method.TASKS_CANCEL, TaskForms.params(id), ResultSink.ignoring());
    }

    /** Nobody waits any more; the task goes on. */
    public void leave() {
        state.getAndUpdate(State::leaving).underWay().ifPresent(host::cancel);
    }

    /** Takes the reply to one request of the task's. */
    private Sink answer(Consumer<Json> then) {
        return new ResultSink(
                result -> {
                    if (isWanted()) {
                        read(result, then);
                    }
                },
                otherwise -> {
                    if (isWanted()) {
                        host.failed(otherwise);
                    }
                });
    }

    private void read(Json result, Consumer<Json> then) {
        try {
            then.accept(result);
        } catch (MalformedJson unreadable) {
            host.error(error("the server sent a task with " + unreadable.getMessage()));
        }
    }
}
