package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.AdmissionQueue.Pass;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The requests of one session that are under way at its backends. Thread-safe; takes no lock. */
final class Calls implements ForwardedCall.Host {

    /** Where what comes back beside replies goes. */
    record Ways(SessionEvents events, Questions questions, StandingStream standing) {}

    private final Shared shared;
    private final AdmissionQueue admission;
    private final Conversations conversations;
    private final Ways ways;
    private final Runnable used;
    private final Map<Json, ForwardedCall> running = new ConcurrentHashMap<>();

    /**
     * @param used told whenever a call has ended
     */
    Calls(
            Shared shared,
            AdmissionQueue admission,
            Conversations conversations,
            Ways ways,
            Runnable used) {
        this.shared = shared;
        this.admission = admission;
        this.conversations = conversations;
        this.ways = ways;
        this.used = used;
    }

    /**
     * Sends {@code request} to a backend, whose reply returns {@code pass}.
     *
     * @throws Fault if it cannot be sent; the pass is then the caller's still
     */
    Running forward(BackendId backend, Spliced request, Exchange exchange, Pass pass) {
        var conversation =
                conversations
                        .find(backend)
                        .orElseThrow(() -> new Fault.NoBackendClient(backend.value()));
        shared.health()
                .refusal(backend)
                .ifPresent(
                        refusal -> {
                            throw refusal;
                        });
        var call = new ForwardedCall(exchange, request, conversation, pass, shared, this);
        if (running.putIfAbsent(call.clientId(), call) != null) {
            throw new Fault.InvalidRequest(
                    "found id "
                            + call.clientId()
                            + ", which a request in flight has already (expected: a new one)");
        }
        conversation.use(call);
        return call;
    }

    /** Asks one backend after the other, until one has the resource. Fails as forwarding does. */
    Running probe(List<BackendId> backends, String uri, Exchange exchange, Pass pass) {
        if (backends.isEmpty()) {
            throw new Fault.ResourceNotFound(uri);
        }
        var request = exchange.request();
        var rest = backends.subList(1, backends.size());
        var sink = new ProbeSink(exchange.sink(), () -> probeNext(rest, uri, exchange));
        forward(backends.getFirst(), Spliced.of(request), new Exchange(request, sink), pass);
        return () -> cancel(request.id());
    }

    private void probeNext(List<BackendId> rest, String uri, Exchange exchange) {
        var pass = admission.tryAdmit();
        if (pass.isEmpty()) {
            exchange.sink().reply(new Reply.Failed(new Fault.SessionClosed()));
            return;
        }
        try {
            probe(rest, uri, exchange, pass.get());
        } catch (Fault fault) {
            try (var _ = pass.get()) {
                exchange.sink().reply(new Reply.Failed(fault));
            }
        }
    }

    /** Cancels the request that the client knows under {@code id}, if it is under way. */
    void cancel(Json id) {
        var call = running.get(id);
        if (call != null) {
            call.cancel();
        }
    }

    /** Cancels everything, since the session has ended. */
    void cancelAll() {
        running.values()
                .forEach(call -> call.cancel("the session has ended", new Fault.SessionClosed()));
    }

    @Override
    public boolean wantsLog(Envelope message) {
        return ways.events().wantsLog(message);
    }

    @Override
    public void stray(Conversation conversation, Envelope message) {
        ways.events().notification(conversation, message);
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
    public void ended(ForwardedCall call, Reply reply) {
        running.remove(call.clientId(), call);
        ways.questions().closeOf(call);
        used.run();
        boolean success =
                reply instanceof Reply.Response(var message)
                        && message.envelope().error().isEmpty();
        if (success
                && conversations.noteSubscription(call.exchange().request(), call.conversation())) {
            conversations.applyListening(ways.standing()::isOpen);
        }
        call.exchange().sink().reply(reply);
    }
}
