package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.rounds.Inquiry;
import dev.heddle.core.tasks.AwaitedTask;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * One request to a server without sessions. If the server wants to know something first and the
 * client can be asked, it is asked, and the request is made again with the answers, under a new id
 * (MCP 2026-07-28, Multi round-trip requests). Thread-safe: the whole state is one immutable value.
 */
final class StatelessCall extends WrappedSink {
    private static final int MOST_ROUNDS = 10;
    private static final Duration PAUSE = Duration.ofMillis(250);

    /** A server that only wants to be asked once more may say so for ten minutes. */
    private static final int MOST_PAUSES = 2400;

    private static final String TASK = "task";

    private sealed interface State {
        /** The request is at the server. */
        record Sent(long id, int round) implements State {}

        /** The client is thinking, or a pause is being made. */
        record Asking(int round, Optional<Json> requestState) implements State {}

        /** The server has made a task of it, for whose end the client waits. */
        record Tasked(AwaitedTask task) implements State {}

        record Ended() implements State {}
    }

    private final StatelessSession.Parts parts;
    private final Spliced request;
    private final Runnable over;
    private final AtomicReference<State> state = new AtomicReference<>(new State.Ended());
    private volatile Optional<Json> tool = Optional.empty();
    private volatile boolean relisted;
    private final AtomicInteger pauses = new AtomicInteger();
    private final boolean aboutTask; // whether the client knows that this is about a task
    private volatile boolean asTask; // whether the server has said that it is done as a task only
    private volatile long firstId;

    /**
     * @param over run when the call has ended
     */
    StatelessCall(StatelessSession.Parts parts, Spliced request, Sink sink, Runnable over) {
        super(sink);
        this.parts = parts;
        this.aboutTask = parts.knowsTasks() && isAboutTask(request.envelope());
        this.request = aboutTask ? withoutWish(request) : request;
        this.over = over;
    }

    private static boolean isAboutTask(Envelope request) {
        return switch (request.method()) {
            case Method.TOOLS_CALL -> request.task().isPresent();
            case Method.TASKS_GET, Method.TASKS_UPDATE, Method.TASKS_CANCEL -> true;
            default -> false;
        };
    }

    /** Without sessions it is the server that decides whether a call becomes a task. */
    private static Spliced withoutWish(Spliced request) {
        var whole = Envelope.parse(request.bytes());
        return whole.task().isEmpty()
                ? request
                : Spliced.of(
                        JsonRpc.request(
                                whole.id(),
                                whole.method(),
                                whole.params().orElse(Json.EMPTY_OBJECT).without(TASK)));
    }

    void begin(long id) {
        firstId = id;
        if (request.envelope().method().equals(Method.TOOLS_CALL)) {
            tool = request.name().flatMap(parts.tools());
        }
        state.set(new State.Sent(id, 1));
        try {
            send(id, request);
        } catch (MalformedJson e) {
            var why = "params: " + e.getMessage();
            var error = JsonRpc.error(Json.of(id), ErrorCode.INVALID_PARAMS, why);
            end(new Reply.Response(Spliced.of(error)));
        }
    }

    private void send(long id, Spliced message) {
        var hop = asTask || aboutTask ? parts.hop().withTasks() : parts.hop();
        var stamped = hop.on(message, next().logLevel());
        parts.wire().send(id, stamped, headers(stamped), this);
    }

    private Map<String, String> headers(Spliced stamped) {
        return parts.wire().hasHeaders() ? Hop.headers(stamped, tool) : Map.of();
    }

    /** The conversation has been closed. */
    void closed() {
        if (state.get() instanceof State.Tasked(var task)) {
            task.leave();
        }
        var why =
                new Fault.BackendFailed(
                        parts.backend(),
                        Reason.CLOSED,
                        "was left by the gateway before it had answered",
                        true);
        end(new Reply.Failed(why));
    }

    void cancel(String why) {
        switch (state.getAndSet(new State.Ended())) {
            case State.Sent(long id, _) -> parts.wire().cancel(id, why);
            case State.Tasked(var task) -> task.cancel();
            case State.Asking _, State.Ended _ -> {}
        }
    }

    @Override
    public boolean question(Question question) {
        question.refuse("a server without sessions asks in results only");
        return true;
    }

    @Override
    public void reply(Reply reply) {
        if (!(state.get() instanceof State.Sent(_, int round))) {
            return;
        }
        try {
            switch (reply) {
                case Reply.Response(var message) -> response(message, round);
                case Reply.Failed(Fault.BackendFailed failed) when mayBeAnother(failed) ->
                        lookAgain(reply, round);
                case Reply.Failed _, Reply.Flowing _ -> end(reply);
            }
        } catch (MalformedJson e) {
            end(new Reply.Failed(MessageStream.asFault(parts.backend(), "a result with " + e)));
        }
    }

    /** Whether the server may have answered as one that has never heard of this revision. */
    private static boolean mayBeAnother(Fault.BackendFailed failed) {
        return !failed.mayHaveRun()
                && switch (failed.reason()) {
                    case GARBAGE, SESSION_GONE -> true;
                    case UNREACHABLE, DISCONNECTED, TIMEOUT -> false;
                    case AUTHENTICATION, UNHEALTHY, LIMIT, CLOSED -> false;
                    case ELSEWHERE, STATE_LOST -> false;
                };
    }

    /** The same, for a server that has not shown yet that it has heard of it. */
    private boolean mayBeAnother(long code) {
        return switch ((int) code) {
            case ErrorCode.UNSUPPORTED_VERSION -> true;
            case ErrorCode.INVALID_REQUEST, ErrorCode.METHOD_NOT_FOUND, ErrorCode.INVALID_PARAMS ->
                    !parts.proven().get();
            default -> false;
        };
    }

    /** Ends with {@code reply} if the server is what it was, as only it can say. */
    private void lookAgain(Reply reply, int round) {
        Thread.ofVirtual()
                .name("heddle-era")
                .start(() -> end(parts.era().hasSessions() ? another(round) : reply));
    }

    private Reply another(int round) {
        var gone = "is another server than it was";
        return new Reply.Failed(
                round == 1 && pauses.get() == 0
                        ? Fault.BackendFailed.notSent(parts.backend(), Reason.SESSION_GONE, gone)
                        : new Fault.BackendFailed(parts.backend(), Reason.GARBAGE, gone, true));
    }

    private void response(Spliced message, int round) {
        var envelope = message.envelope();
        if (envelope.error().isPresent()) {
            refused(message, round);
            return;
        }
        parts.proven().set(true);
        var result = envelope.result().orElse(Json.EMPTY_OBJECT);
        boolean asks = result.text("resultType").filter("input_required"::equals).isPresent();
        if (asks && !parts.relays()) {
            ask(result, round);
        } else if (asTask && result.text("resultType").filter(TASK::equals).isPresent()) {
            awaitTask(result);
        } else {
            end(new Reply.Response(message));
        }
    }

    private void refused(Spliced message, int round) {
        long code = message.envelope().errorCode();
        if (mayBeAnother(code)) {
            lookAgain(new Reply.Response(message), round);
        } else if (code == ErrorCode.MISSING_CAPABILITY
                && !parts.relays()
                && requiresTask(message)) {
            asTask = true;
            again(request, round);
        } else if (code != ErrorCode.HEADER_MISMATCH) {
            end(new Reply.Response(message));
        } else if (relisted || !request.envelope().method().equals(Method.TOOLS_CALL)) {
            error(
                    "backend '"
                            + parts.backend()
                            + "' does not accept the headers that its own list of tools asks for");
        } else {
            relisted = true;
            new ToolSearch(parts, request.name().orElse(""), found -> sendAgain(found, round))
                    .begin();
        }
    }

    /** Whether the server does this as a task only, of which the client knows nothing. */
    private boolean requiresTask(Spliced refusal) {
        return !asTask
                && refusal.envelope()
                        .error()
                        .flatMap(error -> error.get("data"))
                        .flatMap(data -> data.get("requiredCapabilities"))
                        .flatMap(needed -> needed.get("extensions"))
                        .flatMap(extensions -> extensions.get(MetaKey.TASKS))
                        .isPresent();
    }

    private void awaitTask(Json created) {
        var task =
                AwaitedTask.id(created)
                        .map(id -> new AwaitedTask(parts.alarms(), new TaskHost(), id));
        var now = state.get();
        if (task.isEmpty()) {
            error("backend '" + parts.backend() + "' made a task without a name");
        } else if (now instanceof State.Sent
                && state.compareAndSet(now, new State.Tasked(task.get()))) {
            task.get().await(created);
        } else {
            task.get().cancel();
        }
    }

    private final class TaskHost implements AwaitedTask.Host {
        @Override
        public long send(String method, Json params, Sink answer) {
            long id = parts.ids().next();
            var message = Spliced.of(JsonRpc.request(Json.of(id), method, params));
            var stamped = parts.hop().withTasks().on(message, Optional.empty());
            parts.wire().send(id, stamped, Hop.headers(stamped, Optional.empty()), answer);
            return id;
        }

        @Override
        public void cancel(long id) {
            parts.wire().cancel(id, "nobody waits for the task any more");
        }

        @Override
        public void ask(Json requests, Consumer<Json> answers) {
            new Inquiry(next(), parts.ids(), able(), requests, answers, StatelessCall.this::error)
                    .begin();
        }

        @Override
        public void alive(Duration pause) {
            next().alive(pause);
        }

        @Override
        public void result(Json result) {
            end(new Reply.Response(Spliced.of(JsonRpc.result(Json.of(firstId), result))));
        }

        @Override
        public void error(Json error) {
            end(new Reply.Response(Spliced.of(JsonRpc.error(Json.of(firstId), error))));
        }

        @Override
        public void failed(Reply reply) {
            end(reply);
        }
    }

    /** Another schema marks other arguments, which is why the server refused the request. */
    private void sendAgain(Optional<Json> found, int round) {
        tool = found;
        again(request, round);
    }

    private void again(Spliced message, int round) {
        var now = state.get();
        long id = parts.ids().next();
        if (!(now instanceof State.Ended) && state.compareAndSet(now, new State.Sent(id, round))) {
            var theirs = Json.of(id);
            send(id, message.id(theirs).progressToken(theirs));
            if (state.get() instanceof State.Ended) {
                parts.wire().cancel(id, "the request was cancelled while it was being sent");
            }
        }
    }

    private void ask(Json result, int round) {
        var requests = result.get("inputRequests").orElse(Json.EMPTY_OBJECT);
        var requestState = result.get("requestState");
        boolean pause = requests.members().isEmpty();
        if (pause ? pauses.incrementAndGet() > MOST_PAUSES : round >= MOST_ROUNDS) {
            error(
                    "backend '"
                            + parts.backend()
                            + "' wants to know more after "
                            + (round + pauses.get())
                            + " rounds (expected: a result)");
            return;
        }
        var asking = new State.Asking(pause ? round - 1 : round, requestState);
        var now = state.get();
        if (now instanceof State.Ended || !state.compareAndSet(now, asking)) {
            return;
        }
        if (pause) {
            next().alive(PAUSE);
            parts.alarms().after(PAUSE, () -> nextRound(asking, Json.EMPTY_OBJECT));
        } else {
            new Inquiry(
                            next(),
                            parts.ids(),
                            able(),
                            requests,
                            answers -> nextRound(asking, answers),
                            this::error)
                    .begin();
        }
    }

    /** What the client has declared. */
    private Json able() {
        return parts.hop().members().get(MetaKey.CLIENT_CAPABILITIES).orElse(Json.EMPTY_OBJECT);
    }

    private void nextRound(State.Asking asking, Json answers) {
        var whole = Envelope.parse(request.bytes());
        var params = whole.params().orElse(Json.EMPTY_OBJECT).without("requestState");
        params = params.without("inputResponses");
        if (!answers.members().isEmpty()) {
            params = params.with("inputResponses", answers);
        }
        if (asking.requestState().isPresent()) {
            params = params.with("requestState", asking.requestState().get());
        }
        var message = Spliced.of(JsonRpc.request(whole.id(), whole.method(), params));
        again(message, asking.round() + 1);
    }

    private void error(String why) {
        if (state.get() instanceof State.Tasked(var task)) {
            task.cancel(); // which cannot go on without its client
        }
        end(
                new Reply.Response(
                        Spliced.of(
                                JsonRpc.error(Json.of(firstId), ErrorCode.INTERNAL_ERROR, why))));
    }

    private void end(Reply reply) {
        if (!(state.getAndSet(new State.Ended()) instanceof State.Ended)) {
            over.run();
            next().reply(reply);
        }
    }
}
