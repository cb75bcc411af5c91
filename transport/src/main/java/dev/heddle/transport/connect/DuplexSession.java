package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A conversation over one wire that carries all messages both ways: stdio, HTTP+SSE, or a server in
 * this process.
 *
 * <p>Replies find their call by id, progress by token; whatever else comes belongs to no call.
 * Thread-safe.
 */
final class DuplexSession implements BackendSession {

    /** What became of a message that a wire was given. */
    enum Sending {
        TAKEN,
        /** The backend reads too slowly: more waits for it than may. */
        FULL,
        SHUT
    }

    /** Carries messages to the backend. Thread-safe. */
    interface Wire {
        /** Takes a message, or says why not. Never blocks. */
        Sending send(Spliced message);

        /** Nobody waits any more for the answer to the request {@code id}. */
        default void forget(long id) {}

        /** Shuts the way. Blocks for a bounded time; idempotent. */
        void close();
    }

    private final String backend;
    private final BackendEvents events;
    private final Map<Long, Sink> calls = new ConcurrentHashMap<>();
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile Wire wire = new NotConnected();
    private volatile boolean listening;
    private volatile String howLost = "is not connected any more";
    private volatile long lastUsed = System.nanoTime();

    DuplexSession(String backend, BackendEvents events) {
        this.backend = backend;
        this.events = events;
    }

    /** Uses {@code connected} from now on. */
    void over(Wire connected) {
        wire = connected;
    }

    @Override
    public Optional<String> sessionId() {
        return Optional.empty();
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        lastUsed = System.nanoTime();
        calls.put(id, sink);
        switch (over.get() ? Sending.SHUT : wire.send(request)) {
            case TAKEN -> {}
            case FULL ->
                    fail(
                            id,
                            Fault.BackendFailed.notSent(
                                    backend, Reason.LIMIT, "does not read what it is sent"));
            case SHUT ->
                    fail(id, Fault.BackendFailed.notSent(backend, Reason.DISCONNECTED, howLost));
        }
    }

    @Override
    public void cancel(long id, String why) {
        if (calls.remove(id) != null) {
            wire.forget(id);
            var params = Json.object(members -> members.put("requestId", id).put("reason", why));
            notify(Spliced.of(JsonRpc.notification(Method.CANCELLED, params)));
        }
    }

    @Override
    public void notify(Spliced notification) {
        wire.send(notification);
    }

    @Override
    public void answer(Spliced response) {
        wire.send(response);
    }

    /** The one wire is always open; who listens still uses it. */
    @Override
    public void listen(boolean wanted) {
        listening = wanted;
        lastUsed = System.nanoTime();
    }

    /** Whether nobody has called, waited or listened for {@code time}. */
    boolean isUnusedFor(Duration time) {
        return !listening
                && calls.isEmpty()
                && !over.get()
                && System.nanoTime() - lastUsed >= time.toNanos();
    }

    boolean isOver() {
        return over.get();
    }

    /** Takes a message of the backend. */
    void receive(Envelope message) {
        switch (message.kind()) {
            case RESPONSE -> {
                long id = message.id().integer().orElse(-1);
                var sink = calls.remove(id);
                if (sink != null) {
                    wire.forget(id);
                    sink.reply(new Reply.Response(Spliced.of(message)));
                }
            }
            case NOTIFICATION -> {
                var sink = callOf(message);
                if (sink.isPresent()) {
                    sink.get().notification(Spliced.of(message));
                } else {
                    events.notification(message);
                }
            }
            case REQUEST -> {
                if (message.method().equals(Method.PING)) {
                    answer(Spliced.of(JsonRpc.result(message.id(), Json.EMPTY_OBJECT)));
                } else {
                    events.question(new Question(Spliced.of(message), this::answer));
                }
            }
        }
    }

    private Optional<Sink> callOf(Envelope notification) {
        return notification.method().equals(Method.PROGRESS)
                ? notification.progress().map(token -> calls.get(token.integer().orElse(-1)))
                : Optional.empty();
    }

    /** The wire has ended by itself: every call fails, and the conversation must be opened anew. */
    void lost(String how) {
        howLost = how;
        if (over.compareAndSet(false, true)) {
            failAll(new Fault.BackendFailed(backend, Reason.DISCONNECTED, how, true));
            events.lost(Fault.BackendFailed.notSent(backend, Reason.DISCONNECTED, how));
            wire.close();
        }
    }

    @Override
    public void close() {
        boolean first = over.compareAndSet(false, true);
        wire.close();
        if (first) {
            failAll(
                    new Fault.BackendFailed(
                            backend,
                            Reason.CLOSED,
                            "was left by the gateway before it had answered",
                            true));
        }
    }

    /** The wire could not carry one request. */
    void refuse(long id, Fault.BackendFailed why) {
        fail(id, why);
    }

    private void failAll(Fault.BackendFailed why) {
        List.copyOf(calls.keySet()).forEach(id -> fail(id, why));
    }

    private void fail(long id, Fault.BackendFailed why) {
        var sink = calls.remove(id);
        if (sink != null) {
            sink.reply(new Reply.Failed(why));
        }
    }

    private static final class NotConnected implements Wire {
        @Override
        public Sending send(Spliced message) {
            return Sending.SHUT;
        }

        @Override
        public void close() {}
    }
}
