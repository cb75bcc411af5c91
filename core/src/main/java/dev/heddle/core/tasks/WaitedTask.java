package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.function.LongPredicate;

/**
 * A call that its backend carries out as a task only, for a client that waits for the result: the
 * task is made, and its result is asked for (MCP 2025-11-25, Tasks). Thread-safe.
 */
public final class WaitedTask extends WrappedSink {
    private static final String TASK = "task";
    private static final String NOT_FOUND = Long.toString(ErrorCode.METHOD_NOT_FOUND);
    private static final int LONGEST_REFUSAL = 1024;

    private final BackendSession session;
    private final Spliced request;
    private final LongPredicate asks;
    private final Ids ids;
    private volatile Optional<Json> task = Optional.empty();

    /**
     * @param request the call under the backend's own names
     * @param call takes what comes back in the end
     * @param asks told the id of each request before it is sent; says whether it is wanted still
     */
    public WaitedTask(
            BackendSession session, Spliced request, Sink call, LongPredicate asks, Ids ids) {
        super(call);
        this.session = session;
        this.request = request;
        this.asks = asks;
        this.ids = ids;
    }

    /**
     * Whether {@code request} is the plain call of a tool that is called as a task only.
     *
     * @param tool what the backend says of it
     */
    public static boolean isNeeded(Envelope request, Optional<Json> tool) {
        return request.method().equals(Method.TOOLS_CALL)
                && request.task().isEmpty()
                && tool.flatMap(known -> known.get("execution"))
                        .flatMap(execution -> execution.text("taskSupport"))
                        .filter("required"::equals)
                        .isPresent();
    }

    /**
     * Whether {@code response} says that there is no such method, and so that nothing has run. Some
     * servers put that error into a tool's result.
     */
    public static boolean isRefusal(Envelope response) {
        return response.error().isPresent()
                ? response.errorCode() == ErrorCode.METHOD_NOT_FOUND
                : response.length() < LONGEST_REFUSAL
                        && response.result()
                                .filter(result -> result.contains(NOT_FOUND))
                                .flatMap(result -> result.get("isError"))
                                .filter(Json::isTrue)
                                .isPresent();
    }

    /** Makes the task. */
    public void begin() {
        var whole = Envelope.parse(request.bytes());
        var params = whole.params().orElse(Json.EMPTY_OBJECT).with(TASK, Json.EMPTY_OBJECT);
        send(Method.TOOLS_CALL, params, this);
    }

    private void send(String method, Json params, Sink sink) {
        long id = ids.next();
        if (asks.test(id)) {
            var theirs = Json.of(id);
            var message = Spliced.of(JsonRpc.request(theirs, method, params));
            session.send(id, message.progressToken(theirs).withoutHop(), sink);
        }
    }

    /** Nobody waits any more. */
    public void cancel() {
        task.ifPresent(
                id -> {
                    var params = Json.object(members -> members.put(TaskForms.ID, id));
                    long mine = ids.next();
                    var message = JsonRpc.request(Json.of(mine), Method.TASKS_CANCEL, params);
                    session.send(mine, Spliced.of(message), ResultSink.ignoring());
                });
    }

    /** Takes the reply to the call: the task, if one was made of it. */
    @Override
    public void reply(Reply reply) {
        task = reply instanceof Reply.Response(var message) ? made(message) : Optional.empty();
        if (task.isPresent()) {
            var params = Json.object(members -> members.put(TaskForms.ID, task));
            send(Method.TASKS_RESULT, params, next());
        } else {
            next().reply(reply);
        }
    }

    private static Optional<Json> made(Spliced message) {
        return message.envelope()
                .result()
                .flatMap(result -> result.get(TASK))
                .flatMap(made -> made.get(TaskForms.ID))
                .map(Json::detached);
    }
}
