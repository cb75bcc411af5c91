package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.session.SessionObserver.Outcome;
import dev.heddle.core.tasks.WaitedTask;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One request on its way to one backend, and everything that comes back for it.
 *
 * <p>Towards the backend it has an id and a progress token that no other call has; the client gets
 * its own back as it wrote them. It ends once: with the backend's reply, with silence, with a
 * cancellation, or with its session. Thread-safe.
 */
final class ForwardedCall implements Sink, InFlight, ConversationWaiter {

    private sealed interface State {
        /** Waits for the conversation to be open. {@code tries} have been made before. */
        record Waiting(int tries) implements State {}

        record Sent(BackendSession session, long id, int tries) implements State {}

        /** The result has begun to come. */
        record Relaying(Flow flow) implements State {}

        record Ended() implements State {}
    }

    private final Exchange exchange;
    private final Spliced request;
    private final Conversation conversation;
    private final Runnable leave;
    private final Shared shared;
    private final CallHost host;
    private final long began;
    private final AtomicReference<State> state = new AtomicReference<>(new State.Waiting(0));
    private volatile long lastSign; // of the backend, once it has been asked
    private volatile Optional<WaitedTask> task = Optional.empty(); // if it is done as one

    /**
     * @param request the client's request under the backend's own names
     * @param leave run when everything about the call is over
     */
    ForwardedCall(
            Exchange exchange,
            Spliced request,
            Conversation conversation,
            Runnable leave,
            Shared shared,
            CallHost host) {
        this.exchange = exchange;
        this.request = request;
        this.conversation = conversation;
        this.leave = leave;
        this.shared = shared;
        this.host = host;
        this.began = shared.alarms().now();
    }

    Exchange exchange() {
        return exchange;
    }

    Conversation conversation() {
        return conversation;
    }

    private BackendId backend() {
        return conversation.backend().id();
    }

    /** The id that the client gave the request. */
    Json clientId() {
        return exchange.request().id();
    }

    @Override
    public void begin() {
        try {
            host.start(this);
        } catch (Fault refused) {
            refused(refused);
        }
    }

    @Override
    public void ready(BackendSession session) {
        long id = shared.ids().next();
        long time = shared.alarms().now();
        lastSign = time;
        var now = state.get();
        if (now instanceof State.Waiting(int tries)
                && state.compareAndSet(now, new State.Sent(session, id, tries))) {
            if (silenceLimit() > 0) {
                host.look(time, silenceLimit());
            }
            exchange.sink()
                    .logLevel()
                    .ifPresentOrElse(
                            level -> host.raise(conversation, level, () -> send(session, id)),
                            () -> send(session, id));
        }
    }

    private void send(BackendSession session, long id) {
        if (state.get() instanceof State.Ended) {
            return;
        }
        var theirs = Json.of(id);
        session.send(id, request.id(theirs).progressToken(theirs).withoutHop(), this);
        if (state.get() instanceof State.Ended) {
            session.cancel(id, "the request was cancelled while it was being sent");
        }
    }

    @Override
    public void failed(Fault why) {
        end(new Reply.Failed(why), Outcome.FAILED);
    }

    @Override
    public void notice(Spliced message) {
        notification(message);
    }

    @Override
    public void notification(Spliced message) {
        lastSign = shared.alarms().now();
        var envelope = message.envelope();
        switch (envelope.method()) {
            case Method.PROGRESS -> progress(message, envelope);
            case Method.LOG_MESSAGE -> {
                if (host.wantsLog(envelope)) {
                    exchange.sink().notification(message);
                }
            }
            case Method.TOOLS_CHANGED,
                    Method.RESOURCES_CHANGED,
                    Method.PROMPTS_CHANGED,
                    Method.RESOURCE_UPDATED,
                    Method.CANCELLED ->
                    host.stray(conversation, envelope);
            default -> exchange.sink().notification(message);
        }
    }

    @Override
    public void alive(Duration pause) {
        lastSign = shared.alarms().now() + pause.toNanos();
    }

    /** A wait for a task's result may be told of the progress of the call that has become it. */
    private void progress(Spliced message, Envelope envelope) {
        boolean own =
                !exchange.request().method().equals(Method.TASKS_RESULT)
                        || !(state.get() instanceof State.Sent(_, long id, _))
                        || envelope.progress().filter(Json.of(id)::equals).isPresent();
        if (own) {
            exchange.request()
                    .progressToken()
                    .ifPresent(token -> exchange.sink().notification(message.progress(token)));
        } else {
            host.progressToken(envelope.progress().orElse(Json.NULL))
                    .ifPresent(token -> exchange.sink().notification(message.progress(token)));
        }
    }

    @Override
    public boolean isReady() {
        return exchange.sink().isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        exchange.sink().whenReady(task);
    }

    @Override
    public Optional<LogLevel> logLevel() {
        return exchange.sink().logLevel().or(host::logLevel);
    }

    @Override
    public boolean takesFlow(int held) {
        return exchange.sink().takesFlow(held);
    }

    @Override
    public boolean question(Question asked) {
        if (state.get() instanceof State.Ended) {
            asked.refuse("the call for which it is asked has ended");
            return true;
        }
        lastSign = shared.alarms().now();
        host.ask(this, asked);
        return true;
    }

    @Override
    public void reply(Reply reply) {
        switch (reply) {
            case Reply.Response(var message) -> {
                boolean error = message.envelope().error().isPresent();
                if (!error) {
                    noteTask();
                }
                if (error && isUncompleted(message)) {
                    end(new Reply.Response(nothing()), Outcome.RESULT);
                } else if (!WaitedTask.isRefusal(message.envelope()) || !goOnAsTask()) {
                    end(
                            new Reply.Response(message.id(clientId())),
                            error ? Outcome.ERROR : Outcome.RESULT);
                }
            }
            case Reply.Flowing(var flow) -> relay(flow);
            case Reply.Failed(Fault.BackendFailed failed) when isWorthRepeating(failed) ->
                    repeat(reply);
            case Reply.Failed _ -> end(reply, Outcome.FAILED);
        }
    }

    /** With sessions the progress of a call that has become a task is told until that has ended. */
    private void noteTask() {
        var asked = exchange.request();
        if (state.get() instanceof State.Sent(_, long id, _)
                && asked.method().equals(Method.TOOLS_CALL)
                && asked.task().isPresent()) {
            asked.progressToken().ifPresent(token -> host.becameTask(id, token));
        }
    }

    /** Whether a backend that completes nothing was asked to; clients are told that all do. */
    private boolean isUncompleted(Spliced message) {
        return exchange.request().method().equals(Method.COMPLETE)
                && message.envelope().errorCode() == ErrorCode.METHOD_NOT_FOUND;
    }

    private Spliced nothing() {
        return Spliced.of(JsonRpc.result(clientId(), Requests.NO_COMPLETIONS));
    }

    /**
     * A tool that is called as a task only has refused to be called otherwise, and so has not run:
     * it is called as a task, for whose end the client waits (MCP 2025-11-25, Tasks). Returns
     * whether it is such a tool.
     */
    private boolean goOnAsTask() {
        if (!(state.get() instanceof State.Sent sent)
                || task.isPresent()
                || !WaitedTask.isNeeded(
                        exchange.request(),
                        request.name().flatMap(name -> host.tool(conversation, name)))) {
            return false;
        }
        var waited = new WaitedTask(sent.session(), request, this, this::asks, shared.ids());
        task = Optional.of(waited);
        waited.begin();
        return true;
    }

    /** Is about the request {@code id} from now on. Returns whether that is wanted still. */
    private boolean asks(long id) {
        var now = state.get();
        return now instanceof State.Sent sent
                && state.compareAndSet(now, new State.Sent(sent.session(), id, sent.tries()));
    }

    private void relay(Flow flow) {
        var now = state.get();
        var relayed = new Relayed(flow);
        if (now instanceof State.Sent && state.compareAndSet(now, new State.Relaying(relayed))) {
            exchange.sink().reply(new Reply.Flowing(relayed));
        } else {
            flow.abort();
        }
    }

    /** Goes on until the result has been handed on, or that has been given up. */
    private final class Relayed implements Flow {
        private final Flow flow;

        Relayed(Flow flow) {
            this.flow = flow;
        }

        @Override
        public void begin(Json id, Taker taker) {
            flow.begin(
                    id,
                    new Taker() {
                        @Override
                        public void part(byte[] bytes, int offset, int length) {
                            lastSign = shared.alarms().now();
                            taker.part(bytes, offset, length);
                        }

                        @Override
                        public void end() {
                            ForwardedCall.this.end(new Reply.Flowing(flow), Outcome.RESULT);
                            taker.end();
                        }

                        @Override
                        public void broken() {
                            failed(EndedCalls.brokenOff(backend()));
                            taker.broken();
                        }
                    });
        }

        @Override
        public void abort() {
            flow.abort();
            ForwardedCall.this.end(new Reply.Failed(new Fault.Cancelled()), Outcome.CANCELLED);
        }
    }

    /** Whether the request was certainly not run, and would be in a new session. */
    private static boolean isWorthRepeating(Fault.BackendFailed failed) {
        return !failed.mayHaveRun()
                && (failed.reason() == Reason.SESSION_GONE
                        || failed.reason() == Reason.DISCONNECTED);
    }

    /** Tells the circuit breaker what the end of this call says about the backend. */
    private void report(Reply reply) {
        var id = backend();
        switch (reply) {
            case Reply.Response _, Reply.Flowing _ -> shared.health().callSucceeded(id);
            case Reply.Failed(Fault.BackendFailed failed) when countsAgainst(failed.reason()) ->
                    shared.health().callFailed(id);
            case Reply.Failed _ -> shared.health().callToldNothing(id);
        }
    }

    private static boolean countsAgainst(Reason reason) {
        return switch (reason) {
            case UNREACHABLE, DISCONNECTED, TIMEOUT, GARBAGE -> true;
            case AUTHENTICATION, SESSION_GONE, UNHEALTHY, LIMIT, CLOSED -> false;
            case ELSEWHERE, STATE_LOST -> false;
        };
    }

    /**
     * The backend has forgotten its session and so has not run the request: it is sent once more,
     * in a new one.
     */
    private void repeat(Reply reply) {
        if (!(state.get() instanceof State.Sent sent)) {
            return;
        }
        conversation.gone(sent.session());
        if (sent.tries() > 0 || !state.compareAndSet(sent, new State.Waiting(sent.tries() + 1))) {
            end(reply, Outcome.FAILED);
            return;
        }
        conversation.use(this);
    }

    /** Whoever waits for the result of a task waits as long as that takes. */
    private long silenceLimit() {
        return task.isPresent() || exchange.request().method().equals(Method.TASKS_RESULT)
                ? 0
                : conversation.backend().limits().silence().toNanos();
    }

    /** A person who is thinking is not silence. */
    @Override
    public long checkSilence() {
        long limit = silenceLimit();
        var before = state.get();
        if (before instanceof State.Waiting || before instanceof State.Ended || limit <= 0) {
            return SilenceWatch.NEVER;
        }
        long now = shared.alarms().now();
        long quiet = Math.min(now - lastSign, now - conversation.attention().answeredAt());
        if (host.isAsked(conversation)) {
            return limit;
        } else if (quiet < limit) {
            return limit - quiet;
        }
        boolean clientsFault = !exchange.sink().isReady();
        var silence = conversation.backend().limits().silence();
        if (!state.compareAndSet(before, new State.Ended())) {
            return limit;
        }
        tell(before, "no sign of life for " + silence.toMillis() + " ms");
        var why =
                clientsFault
                        ? EndedCalls.notTaken(backend(), silence)
                        : EndedCalls.silent(backend(), silence);
        finish(before, new Reply.Failed(why), Outcome.FAILED);
        return SilenceWatch.NEVER;
    }

    @Override
    public Optional<ForwardedCall> at(Conversation asked) {
        return conversation.equals(asked) && state.get() instanceof State.Sent
                ? Optional.of(this)
                : Optional.empty();
    }

    @Override
    public void cancel() {
        var before = state.getAndSet(new State.Ended());
        tell(before, "the client cancelled the request");
        finish(before, new Reply.Failed(new Fault.Cancelled()), Outcome.CANCELLED);
    }

    @Override
    public void sessionEnds(Fault closed) {
        var before = state.getAndSet(new State.Ended());
        tell(before, "the session has ended");
        var why =
                before instanceof State.Waiting ? shared.closed() : EndedCalls.abandoned(backend());
        finish(before, new Reply.Failed(why), Outcome.CANCELLED);
    }

    /** Tells the backend, if it has been asked, that nobody waits any more. */
    private void tell(State before, String why) {
        switch (before) {
            case State.Sent sent -> {
                sent.session().cancel(sent.id(), why);
                host.abandoned(this);
                task.ifPresent(WaitedTask::cancel);
            }
            case State.Relaying(var flow) -> flow.abort();
            case State.Waiting _, State.Ended _ -> {}
        }
    }

    /** Ends a call that was not let through to its backend, which says nothing about that one. */
    private void refused(Fault why) {
        if (!(state.getAndSet(new State.Ended()) instanceof State.Ended)) {
            over(new Reply.Failed(why), Outcome.FAILED);
        }
    }

    private void end(Reply reply, Outcome outcome) {
        finish(state.getAndSet(new State.Ended()), reply, outcome);
    }

    private void finish(State before, Reply reply, Outcome outcome) {
        if (!(before instanceof State.Ended)) {
            report(reply);
            over(reply, outcome);
        }
    }

    private void over(Reply reply, Outcome outcome) {
        var took = Duration.ofNanos(shared.alarms().now() - began);
        shared.observer().callEnded(backend(), exchange.request().method(), outcome, took);
        try {
            host.ended(this, reply);
        } finally {
            leave.run();
        }
    }
}
