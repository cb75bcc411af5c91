package dev.heddle.transport.connect;

import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One request to a server without sessions. If the server wants to know something first and the
 * client can be asked, it is asked, and the request is made again with the answers, under a new id
 * (MCP 2026-07-28, Multi round-trip requests). Thread-safe: the whole state is one immutable value.
 */
final class StatelessCall implements Sink {
    private static final int MOST_ROUNDS = 10;
    private static final Duration PAUSE = Duration.ofMillis(250);

    private sealed interface State {
        /** The request is at the server. */
        record Sent(long id, int round) implements State {}

        /** The client is thinking, or a pause is being made. */
        record Asking(
                int round, Json requests, Optional<Json> requestState, Map<String, Json> given)
                implements State {
            Asking with(String key, Json answer) {
                var more = new HashMap<>(given);
                more.put(key, answer);
                return new Asking(round, requests, requestState, Map.copyOf(more));
            }

            boolean isAnswered() {
                return given.keySet().containsAll(requests.members().keySet());
            }

            Json answers() {
                return Json.object(
                        all ->
                                requests.members()
                                        .keySet()
                                        .forEach(
                                                k ->
                                                        all.put(
                                                                k,
                                                                Optional.ofNullable(
                                                                        given.get(k)))));
            }
        }

        record Ended() implements State {}
    }

    private final StatelessSession.Parts parts;
    private final Spliced request;
    private final Sink sink;
    private final Runnable over;
    private final AtomicReference<State> state = new AtomicReference<>(new State.Ended());
    private volatile Optional<Json> tool = Optional.empty();
    private volatile boolean relisted;
    private volatile long firstId;

    /**
     * @param over run when the call has ended
     */
    StatelessCall(StatelessSession.Parts parts, Spliced request, Sink sink, Runnable over) {
        this.parts = parts;
        this.request = request;
        this.sink = sink;
        this.over = over;
    }

    void begin(long id) {
        firstId = id;
        if (request.envelope().method().equals(Method.TOOLS_CALL)) {
            tool = request.name().flatMap(parts.tools());
        }
        state.set(new State.Sent(id, 1));
        send(id, request);
    }

    private void send(long id, Spliced message) {
        var stamped = parts.hop().on(message, sink.logLevel());
        parts.wire().send(id, stamped, Hop.headers(stamped, tool), this);
    }

    void cancel(String why) {
        if (state.getAndSet(new State.Ended()) instanceof State.Sent(long id, _)) {
            parts.wire().cancel(id, why);
        }
    }

    @Override
    public void notification(Spliced message) {
        sink.notification(message);
    }

    @Override
    public boolean question(Question question) {
        question.refuse("a server without sessions asks in results only");
        return true;
    }

    @Override
    public boolean isReady() {
        return sink.isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        sink.whenReady(task);
    }

    @Override
    public Optional<LogLevel> logLevel() {
        return sink.logLevel();
    }

    @Override
    public void reply(Reply reply) {
        if (!(state.get() instanceof State.Sent(_, int round))) {
            return;
        }
        try {
            switch (reply) {
                case Reply.Response(var message) -> response(message, round);
                case Reply.Failed(Fault.BackendFailed failed) when isAnother(failed) ->
                        misjudged(round);
                case Reply.Failed _, Reply.Flowing _ -> end(reply);
            }
        } catch (MalformedJson e) {
            end(new Reply.Failed(MessageStream.asFault(parts.backend(), "a result with " + e)));
        }
    }

    /** Whether the server may have answered as one that has never heard of this revision. */
    private static boolean isAnother(Fault.BackendFailed failed) {
        return !failed.mayHaveRun()
                && switch (failed.reason()) {
                    case GARBAGE, UNREACHABLE, SESSION_GONE -> true;
                    case DISCONNECTED, TIMEOUT, AUTHENTICATION, UNHEALTHY, LIMIT, CLOSED -> false;
                };
    }

    private void misjudged(int round) {
        parts.misjudged().run();
        var gone = "is another server than it was";
        end(
                new Reply.Failed(
                        round == 1
                                ? Fault.BackendFailed.notSent(
                                        parts.backend(), Reason.SESSION_GONE, gone)
                                : new Fault.BackendFailed(
                                        parts.backend(), Reason.GARBAGE, gone, true)));
    }

    private void response(Spliced message, int round) {
        var envelope = message.envelope();
        if (envelope.error().isPresent()) {
            refused(message, round);
            return;
        }
        var result = envelope.result().orElse(Json.EMPTY_OBJECT);
        boolean asks = result.text("resultType").filter("input_required"::equals).isPresent();
        if (asks && !parts.relays()) {
            ask(result, round);
        } else {
            end(new Reply.Response(message));
        }
    }

    private void refused(Spliced message, int round) {
        long code = message.envelope().errorCode();
        if (code == ErrorCode.UNSUPPORTED_VERSION) {
            misjudged(round);
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
        if (round >= MOST_ROUNDS) {
            error(
                    "backend '"
                            + parts.backend()
                            + "' wants to know more after "
                            + round
                            + " rounds (expected: a result)");
            return;
        }
        var asking = new State.Asking(round, requests, requestState, Map.of());
        var now = state.get();
        if (now instanceof State.Ended || !state.compareAndSet(now, asking)) {
            return;
        }
        if (requests.members().isEmpty()) {
            parts.alarms().after(PAUSE, () -> nextRound(asking));
            return;
        }
        requests.members().forEach(this::ask);
    }

    private void ask(String key, Json asked) {
        var id = Json.of(parts.ids().next());
        var method = asked.text("method").orElse("");
        switch (method) {
            case Method.ELICITATION, Method.SAMPLING, Method.ROOTS_LIST -> {
                var params = asked.get("params").filter(Json::isObject).orElse(Json.EMPTY_OBJECT);
                var message = Spliced.of(JsonRpc.request(id, method, params));
                var question = new Question(message, answer -> answered(key, method, answer));
                if (!sink.question(question)) {
                    question.refuse("the client cannot be asked");
                }
            }
            default ->
                    error(
                            "backend '"
                                    + parts.backend()
                                    + "' wants '"
                                    + method
                                    + "' of the client (expected: elicitation/create,"
                                    + " sampling/createMessage or roots/list)");
        }
    }

    /** There is no way to say that a client could not answer but to say that nobody wanted to. */
    private void answered(String key, String method, Spliced answer) {
        var response = Envelope.parse(answer.bytes());
        if (response.result().isPresent()) {
            given(key, response.result().get().detached());
        } else if (method.equals(Method.ELICITATION)) {
            given(key, Json.object(members -> members.put("action", "cancel")));
        } else {
            error(
                    "the client did not answer "
                            + method
                            + ": "
                            + response.error().flatMap(e -> e.text("message")).orElse("an error"));
        }
    }

    private void given(String key, Json answer) {
        var before =
                state.getAndUpdate(
                        now -> now instanceof State.Asking asking ? asking.with(key, answer) : now);
        if (before instanceof State.Asking asking
                && !asking.isAnswered()
                && asking.with(key, answer).isAnswered()) {
            nextRound(asking.with(key, answer));
        }
    }

    private void nextRound(State.Asking asking) {
        var whole = Envelope.parse(request.bytes());
        var params = whole.params().orElse(Json.EMPTY_OBJECT).without("requestState");
        params = params.without("inputResponses");
        if (!asking.requests().members().isEmpty()) {
            params = params.with("inputResponses", asking.answers());
        }
        if (asking.requestState().isPresent()) {
            params = params.with("requestState", asking.requestState().get());
        }
        var message = Spliced.of(JsonRpc.request(whole.id(), whole.method(), params));
        again(message, asking.round() + 1);
    }

    private void error(String why) {
        end(
                new Reply.Response(
                        Spliced.of(
                                JsonRpc.error(Json.of(firstId), ErrorCode.INTERNAL_ERROR, why))));
    }

    private void end(Reply reply) {
        if (!(state.getAndSet(new State.Ended()) instanceof State.Ended)) {
            over.run();
            sink.reply(reply);
        }
    }
}
