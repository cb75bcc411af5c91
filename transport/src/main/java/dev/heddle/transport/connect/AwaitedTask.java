package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * A task at a server without sessions, for a client that knows no such tasks and waits for the
 * result: it is asked after until it has ended, and what it wants to know is asked of the client
 * (the extension {@code io.modelcontextprotocol/tasks} of MCP 2026-07-28). One request is under way
 * at a time; thread-safe.
 */
final class AwaitedTask {
    private static final Duration USUAL = Duration.ofSeconds(1);
    private static final Duration SHORTEST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(30);

    /** What the call does for its task. */
    interface Host {
        /** Sends a request of the task's, and returns its id. */
        long send(String method, Json params, Sink sink);

        /** Gives up on a request of the task's. */
        void cancel(long id);

        /** Asks the client everything in {@code requests}, and hands over its answers. */
        void ask(Json requests, Consumer<Json> answers);

        /** The task has ended with a result. */
        void result(Json result);

        /** The task has ended without one. */
        void error(Json error);

        /** The server could not be asked. */
        void failed(Reply reply);
    }

    private final StatelessSession.Parts parts;
    private final Host host;
    private final String id;
    private final AtomicReference<Optional<Long>> underWay =
            new AtomicReference<>(Optional.empty());
    private volatile boolean left;

    private AwaitedTask(StatelessSession.Parts parts, Host host, String id) {
        this.parts = parts;
        this.host = host;
        this.id = id;
    }

    /** The task that {@code created} names, or empty if it names none. */
    static Optional<AwaitedTask> of(StatelessSession.Parts parts, Json created, Host host) {
        return created.text("taskId").map(id -> new AwaitedTask(parts, host, id));
    }

    /** Asks after the task when it is time to. */
    void await(Json state) {
        long millis =
                state.get("pollIntervalMs")
                        .map(value -> value.integer().orElse(USUAL.toMillis()))
                        .orElse(USUAL.toMillis());
        long bounded = Math.clamp(millis, SHORTEST.toMillis(), LONGEST.toMillis());
        parts.alarms().after(Duration.ofMillis(bounded), this::get);
    }

    private void get() {
        send(Method.TASKS_GET, Json.object(params -> params.put("taskId", id)), this::got);
    }

    private void send(String method, Json params, Consumer<Json> then) {
        if (!left) {
            underWay.set(Optional.of(host.send(method, params, new Answer(then))));
        }
    }

    private void got(Json task) {
        switch (task.text("status").orElse("")) {
            case "completed" -> host.result(task.get("result").orElse(Json.EMPTY_OBJECT));
            case "failed" ->
                    host.error(task.get("error").orElseGet(() -> error("the task has failed")));
            case "cancelled" -> host.error(error("the task was cancelled"));
            case "input_required" ->
                    task.get("inputRequests")
                            .filter(requests -> !requests.members().isEmpty())
                            .ifPresentOrElse(
                                    requests -> host.ask(requests, this::update),
                                    () -> await(task));
            default -> await(task);
        }
    }

    private static Json error(String why) {
        return Json.object(
                error -> error.put("code", ErrorCode.INTERNAL_ERROR).put("message", why));
    }

    private void update(Json answers) {
        var params =
                Json.object(members -> members.put("taskId", id).put("inputResponses", answers));
        send(Method.TASKS_UPDATE, params, this::await);
    }

    /** Nobody waits any more. */
    void cancel() {
        left = true;
        underWay.getAndSet(Optional.empty()).ifPresent(host::cancel);
        var params = Json.object(members -> members.put("taskId", id));
        host.send(Method.TASKS_CANCEL, params, new Answer(_ -> {}));
    }

    /** Takes the reply to one request of the task's. */
    private final class Answer implements Sink {
        private final Consumer<Json> then;

        Answer(Consumer<Json> then) {
            this.then = then;
        }

        @Override
        public void notification(Spliced message) {}

        @Override
        public boolean question(Question question) {
            return false;
        }

        @Override
        public void reply(Reply reply) {
            if (left) {
                return;
            }
            var result =
                    reply instanceof Reply.Response(var message)
                            ? message.envelope().result()
                            : Optional.<Json>empty();
            try {
                result.ifPresentOrElse(then, () -> host.failed(reply));
            } catch (MalformedJson unreadable) {
                host.error(error("the server sent a task with " + unreadable.getMessage()));
            }
        }
    }

    /** A request about a task. */
    static Spliced request(long id, String method, Json params) {
        return Spliced.of(JsonRpc.request(Json.of(id), method, params));
    }
}
