package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.AdmissionQueue.Pass;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Optional;

/** The requests of one session that are under way at its backends. Thread-safe; takes no lock. */
final class Calls implements CallHost {

    /** Where what comes back beside replies goes. */
    record Ways(SessionEvents events, Questions questions) {}

    private final Shared shared;
    private final Conversations conversations;
    private final Ways ways;
    private final boolean stateless;
    private final Runnable used;
    private final SparseMap<Json, InFlight> running = new SparseMap<>();
    private final SilenceWatch silence;
    private final Turns turns;

    /**
     * @param inFlight how many may be at backends at once
     * @param client the revision that the client speaks
     * @param used told whenever a call has ended
     */
    Calls(
            Shared shared,
            Conversations conversations,
            Ways ways,
            int inFlight,
            Revision client,
            Runnable used) {
        this.shared = shared;
        this.conversations = conversations;
        this.ways = ways;
        this.stateless = !client.hasSessions();
        this.used = used;
        this.turns = new Turns(inFlight);
        this.silence = new SilenceWatch(shared.alarms(), running);
    }

    /**
     * Sends {@code request} to a backend, whose reply returns {@code pass}.
     *
     * @throws Fault if it cannot be sent; the pass is then the caller's still
     */
    Running forward(BackendId backend, Spliced request, Exchange exchange, Pass pass) {
        var over = new Over(pass);
        var call = call(backend, request, exchange, over);
        over.of = call;
        register(call.clientId(), call);
        takeTurn(call, call.clientId());
        return call;
    }

    /** What is given back when a request is over. */
    private final class Over implements Runnable {
        private final Pass pass;
        private @Nullable InFlight of;

        Over(Pass pass) {
            this.pass = pass;
        }

        @Override
        public void run() {
            pass.close();
            if (of != null) {
                turns.leave(of);
            }
        }
    }

    private void takeTurn(InFlight call, Json id) {
        try {
            turns.take(call);
        } catch (Fault full) {
            running.remove(id, call);
            throw full;
        }
    }

    /** The part of a probe that asks one backend, not yet under way. */
    ForwardedCall call(BackendId backend, Envelope request, Sink sink) {
        return call(backend, Spliced.of(request), new Exchange(request, sink), () -> {});
    }

    private ForwardedCall call(
            BackendId backend, Spliced request, Exchange exchange, Runnable leave) {
        var conversation =
                conversations
                        .find(backend)
                        .orElseThrow(() -> new Fault.NoBackendClient(backend.value()));
        return stateless
                ? new ForwardedCall(
                        PinnedState.pinning(exchange, backend),
                        PinnedState.atBackend(request, backend),
                        conversation,
                        leave,
                        shared,
                        this)
                : new ForwardedCall(exchange, request, conversation, leave, shared, this);
    }

    private void register(Json id, InFlight call) {
        if (running.putIfAbsent(id, call) != null) {
            throw new Fault.InvalidRequest(
                    "found id "
                            + id
                            + ", which a request in flight has already (expected: a new one)");
        }
    }

    @Override
    public void start(ForwardedCall call) {
        var conversation = call.conversation();
        shared.health()
                .refusal(conversation.backend().id())
                .ifPresent(
                        refusal -> {
                            throw refusal;
                        });
        conversation.use(call);
    }

    /**
     * Asks one backend after the other, until one has the resource. The reply returns {@code pass}.
     *
     * @throws Fault if it cannot be asked for; the pass is then the caller's still
     */
    Running probe(List<BackendId> backends, String uri, Exchange exchange, Pass pass) {
        var request = exchange.request();
        var probing =
                new Probing(
                        this,
                        backends,
                        uri,
                        exchange,
                        ended -> {
                            running.remove(request.id(), ended);
                            pass.close();
                            turns.leave(ended);
                        });
        register(request.id(), probing);
        takeTurn(probing, request.id());
        return probing;
    }

    /**
     * Answers with the tasks called {@code names}, as their backends describe them now. The reply
     * returns {@code pass}.
     *
     * @param next the cursor of the page after this
     */
    Running listTasks(
            Tasks tasks, List<String> names, Optional<String> next, Exchange exchange, Pass pass) {
        var list =
                new TaskList(
                        this,
                        tasks,
                        names,
                        next,
                        exchange,
                        ended -> {
                            running.remove(exchange.request().id(), ended);
                            pass.close();
                            turns.leave(ended);
                        });
        register(exchange.request().id(), list);
        takeTurn(list, exchange.request().id());
        return list;
    }

    /**
     * Cancels the request that the client knows under {@code id}. Returns whether it is under way
     * here.
     */
    boolean cancel(Json id) {
        var call = running.get(id);
        if (call != null) {
            call.cancel();
        }
        return call != null;
    }

    /**
     * The request that is at the backend of {@code conversation}, if there is one and no other. One
     * that its client has given up may still be there: the others may be those of other clients.
     */
    Optional<ForwardedCall> onlyAt(Conversation conversation) {
        var there =
                running.values().stream()
                        .flatMap(one -> one.at(conversation).stream())
                        .limit(2)
                        .toList();
        boolean others = stateless && conversation.attention().mayTellOfAbandoned();
        return there.size() == 1
                ? Optional.of(there.getFirst())
                        .filter(call -> !others || call.exchange().sink().isAlone())
                : Optional.empty();
    }

    /** Nothing is under way any more. */
    void close() {
        silence.close();
    }

    /** Ends everything, since the session has ended. */
    void cancelAll() {
        running.values().forEach(call -> call.sessionEnds(shared.closed()));
    }

    @Override
    public void look(long time, long nanos) {
        silence.look(time, nanos);
    }

    @Override
    public boolean wantsLog(Envelope message) {
        return ways.events().wantsLog(message);
    }

    @Override
    public Optional<LogLevel> logLevel() {
        return ways.events().level();
    }

    @Override
    public void raise(Conversation conversation, LogLevel level, Runnable then) {
        if (conversation.raise(level)) {
            conversations.setLevel(conversation, level, then);
        } else {
            then.run();
        }
    }

    @Override
    public Optional<Json> tool(Conversation conversation, String name) {
        return ways.events().tool(conversation, name);
    }

    @Override
    public void stray(Conversation conversation, Envelope message) {
        ways.events().notification(conversation, message);
    }

    @Override
    public void becameTask(long id, Json progressToken) {
        ways.events().progresses(id, progressToken);
    }

    @Override
    public Optional<Json> progressToken(Json token) {
        return ways.events().progressToken(token);
    }

    @Override
    public void ask(ForwardedCall call, Question question) {
        ways.questions().ask(question, call);
    }

    @Override
    public boolean isAsked(Conversation conversation) {
        return ways.questions().isOpen(conversation);
    }

    @Override
    public void abandoned(ForwardedCall call) {
        if (stateless) {
            conversations.abandoned(call.conversation());
        }
    }

    @Override
    public void ended(ForwardedCall call, Reply reply) {
        running.remove(call.clientId(), call);
        ways.questions().closeOf(call);
        used.run();
        boolean success =
                switch (reply) {
                    case Reply.Response(var message) -> message.envelope().error().isEmpty();
                    case Reply.Flowing _ -> true;
                    case Reply.Failed _ -> false;
                };
        var request = call.exchange().request();
        if (success && Subscriptions.isAbout(request)) {
            conversations
                    .subscriptions()
                    .accepted(
                            request,
                            call.conversation(),
                            () -> {
                                conversations.applyListening();
                                call.exchange().sink().reply(reply);
                            });
        } else if (!(reply instanceof Reply.Flowing)) { // whose beginning is there already
            call.exchange().sink().reply(reply);
        }
    }
}
