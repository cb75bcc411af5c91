package dev.heddle.core.session;

import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.session.SessionObserver.Outcome;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

/**
 * One request on its way to one backend, and everything that comes back for it.
 *
 * <p>Towards the backend it has an id and a progress token that no other call has; the client gets
 * its own back as it wrote them. It ends once: with the backend's reply, with silence, with a
 * cancellation, or with its session. Thread-safe.
 */
final class ForwardedCall implements Sink, InFlight, Conversation.Waiter {

    /** What the session does for its calls. */
    interface Host {
        /**
         * Sends a call to its backend.
         *
         * @throws Fault if that is not worth asking now
         */
        void start(ForwardedCall call);

        /** A notification came on the answer of a call but does not belong to it. */
        void stray(Conversation conversation, Envelope message);

        /** Whether the client wants a log message. */
        boolean wantsLog(Envelope message);

        /** Puts a question of the backend to the client, on the way of {@code call}. */
        void ask(ForwardedCall call, Question question);

        /** Checks the silence of all calls {@code nanos} after {@code time}, or sooner. */
        void look(long time, long nanos);

        /** Whether somebody is thinking about a question of this backend. */
        boolean isAsked(Conversation conversation);

        /** The call has ended: with {@code reply}, after which nothing more is sent for it. */
        void ended(ForwardedCall call, Reply reply);
    }

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
    private final Host host;
    private final long began;
    private final AtomicReference<State> state = new AtomicReference<>(new State.Waiting(0));
    private volatile long lastSign; // of the backend, once it has been asked

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
            Host host) {
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
            var theirs = Json.of(id);
            session.send(id, request.id(theirs).progressToken(theirs), this);
            if (state.get() instanceof State.Ended) {
                session.cancel(id, "the request was cancelled while it was being sent");
            }
        }
    }

    @Override
    public void failed(Fault why) {
        end(new Reply.Failed(why), Outcome.FAILED);
    }

    @Override
    public void notification(Spliced message) {
        lastSign = shared.alarms().now();
        var envelope = message.envelope();
        switch (envelope.method()) {
            case Method.PROGRESS ->
                    exchange.request()
                            .progressToken()
                            .ifPresent(
                                    token -> exchange.sink().notification(message.progress(token)));
            case Method.LOG_MESSAGE -> {
                if (host.wantsLog(envelope)) {
                    exchange.sink().notification(message);
                }
            }
            default -> host.stray(conversation, envelope);
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
    public boolean takesFlow() {
        return exchange.sink().takesFlow();
    }

    @Override
    public boolean question(Question asked) {
        if (state.get() instanceof State.Ended) {
            return false;
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
                end(
                        new Reply.Response(message.id(clientId())),
                        error ? Outcome.ERROR : Outcome.RESULT);
            }
            case Reply.Flowing(var flow) -> relay(flow);
            case Reply.Failed(Fault.BackendFailed failed) when isWorthRepeating(failed) ->
                    repeat(reply);
            case Reply.Failed _ -> end(reply, Outcome.FAILED);
        }
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
                            failed(brokenOff());
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

    private Fault brokenOff() {
        return new Fault.BackendFailed(
                conversation.backend().id().value(),
                Reason.DISCONNECTED,
                "broke off in its result",
                true);
    }

    /** Whether the request was certainly not run, and would be in a new session. */
    private static boolean isWorthRepeating(Fault.BackendFailed failed) {
        return !failed.mayHaveRun()
                && (failed.reason() == Reason.SESSION_GONE
                        || failed.reason() == Reason.DISCONNECTED);
    }

    /** Tells the circuit breaker what the end of this call says about the backend. */
    private void report(Reply reply) {
        var id = conversation.backend().id();
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

    private long silenceLimit() {
        return conversation.backend().limits().silence().toNanos();
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
        long quiet = Math.min(now - lastSign, now - conversation.answeredAt());
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
        var why = clientsFault ? notTaken(silence) : silent(silence);
        finish(before, new Reply.Failed(why), Outcome.FAILED);
        return SilenceWatch.NEVER;
    }

    /** Says nothing about the backend, which was not read from meanwhile. */
    private Fault notTaken(Duration limit) {
        return new Fault.BackendFailed(
                conversation.backend().id().value(),
                Reason.LIMIT,
                "was left, since the client took nothing for " + limit.toMillis() + " ms",
                true);
    }

    private Fault silent(Duration limit) {
        return new Fault.BackendFailed(
                conversation.backend().id().value(),
                Reason.TIMEOUT,
                "gave no sign of life for " + limit.toMillis() + " ms",
                true);
    }

    @Override
    public void cancel() {
        var before = state.getAndSet(new State.Ended());
        tell(before, "the client cancelled the request");
        finish(before, new Reply.Failed(new Fault.Cancelled()), Outcome.CANCELLED);
    }

    @Override
    public void sessionEnds() {
        var before = state.getAndSet(new State.Ended());
        tell(before, "the session has ended");
        var why = before instanceof State.Waiting ? new Fault.SessionClosed() : abandoned();
        finish(before, new Reply.Failed(why), Outcome.CANCELLED);
    }

    /** Tells the backend, if it has been asked, that nobody waits any more. */
    private static void tell(State before, String why) {
        switch (before) {
            case State.Sent sent -> sent.session().cancel(sent.id(), why);
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

    /** A client must not take this for a call that was never made. */
    private Fault abandoned() {
        return new Fault.BackendFailed(
                conversation.backend().id().value(),
                Reason.CLOSED,
                "had not answered when the session ended",
                true);
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
        shared.observer()
                .callEnded(conversation.backend().id(), exchange.request().method(), outcome, took);
        try {
            host.ended(this, reply);
        } finally {
            leave.run();
        }
    }
}
