package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * A request about a resource that nobody lists: one backend after the other is asked to read it,
 * until one has it; what is not a reading goes there then. Only one backend is asked at a time;
 * thread-safe.
 */
final class Probing implements Sink, InFlight {
    private final Calls calls;
    private final Queue<BackendId> rest;
    private final boolean only;
    private final String uri;
    private final Envelope reading;
    private final Exchange exchange;
    private final Consumer<Probing> over;
    private final AtomicBoolean finished = new AtomicBoolean();
    private volatile boolean found; // the client's request is where the resource is
    private volatile Optional<ForwardedCall> current = Optional.empty();
    private volatile Optional<Fault> failure = Optional.empty();
    private volatile Optional<Reply> unknown = Optional.empty(); // what the only backend said
    private volatile Optional<Fault> ending = Optional.empty();

    /**
     * @param over told before the client gets its reply
     */
    Probing(
            Calls calls,
            List<BackendId> backends,
            String uri,
            Exchange exchange,
            Consumer<Probing> over) {
        this.calls = calls;
        this.rest = new ConcurrentLinkedQueue<>(backends);
        this.only = backends.size() == 1;
        this.uri = uri;
        this.exchange = exchange;
        this.over = over;
        this.reading = reading(exchange.request(), uri);
    }

    private static Envelope reading(Envelope request, String uri) {
        return request.method().equals(Method.RESOURCES_READ)
                ? request
                : JsonRpc.request(
                        request.id(),
                        Method.RESOURCES_READ,
                        Json.object(members -> members.put("uri", uri)));
    }

    private boolean onlyReads() {
        return reading.equals(exchange.request());
    }

    @Override
    public void begin() {
        next();
    }

    /** Asks the next backend, or says what came of asking them all. */
    private void next() {
        while (ending.isEmpty()) {
            var backend = rest.poll();
            if (backend == null) {
                break;
            }
            try {
                ask(backend, reading);
                return;
            } catch (Fault refused) {
                failure = Optional.of(refused);
            }
        }
        var why = ending.or(() -> failure);
        finish(
                why.isEmpty() && unknown.isPresent()
                        ? unknown.get()
                        : new Reply.Failed(why.orElseGet(() -> new Fault.ResourceNotFound(uri))));
    }

    private void ask(BackendId backend, Envelope request) {
        var call = calls.call(backend, request, this);
        current = Optional.of(call);
        calls.start(call);
        ending.ifPresent(why -> end(call, why)); // it may have come too early to find it
    }

    /** Hands the client's request to the backend that has the resource. */
    private void goOn(BackendId backend) {
        found = true;
        try {
            ask(backend, exchange.request());
        } catch (Fault refused) {
            finish(new Reply.Failed(refused));
        }
    }

    @Override
    public void notification(Spliced message) {
        exchange.sink().notification(message);
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
        return exchange.sink().logLevel();
    }

    @Override
    public boolean question(Question question) {
        return exchange.sink().question(question);
    }

    @Override
    public void reply(Reply reply) {
        switch (reply) {
            case Reply.Response _, Reply.Flowing _, Reply.Failed _ when found -> finish(reply);
            case Reply.Response(var message) when saysUnknown(message) -> {
                unknown = only ? Optional.of(reply) : Optional.empty();
                next();
            }
            case Reply.Failed(Fault.BackendFailed failed) when !failed.mayHaveRun() -> {
                failure = Optional.of(failed);
                next();
            }
            case Reply.Response(var message) when !onlyReads() && isResult(message) ->
                    current.ifPresent(call -> goOn(call.conversation().backend().id()));
            case Reply.Response _, Reply.Flowing _, Reply.Failed _ -> finish(reply);
        }
    }

    private static boolean isResult(Spliced message) {
        return message.envelope().error().isEmpty();
    }

    private static boolean saysUnknown(Spliced message) {
        long code = message.envelope().errorCode();
        return code == ErrorCode.RESOURCE_NOT_FOUND
                || code == ErrorCode.INVALID_PARAMS
                || code == ErrorCode.METHOD_NOT_FOUND;
    }

    private void finish(Reply reply) {
        if (finished.compareAndSet(false, true)) {
            over.accept(this);
            exchange.sink().reply(reply);
        }
    }

    @Override
    public void cancel() {
        end(new Fault.Cancelled());
    }

    @Override
    public void sessionEnds(Fault why) {
        end(why);
    }

    @Override
    public long checkSilence() {
        return current.map(ForwardedCall::checkSilence).orElse(SilenceWatch.NEVER);
    }

    @Override
    public Optional<ForwardedCall> at(Conversation conversation) {
        return current.flatMap(call -> call.at(conversation));
    }

    private void end(Fault why) {
        ending = Optional.of(why);
        current.ifPresent(call -> end(call, why));
    }

    private static void end(ForwardedCall call, Fault why) {
        if (why instanceof Fault.Cancelled) {
            call.cancel();
        } else {
            call.sessionEnds(why);
        }
    }
}
