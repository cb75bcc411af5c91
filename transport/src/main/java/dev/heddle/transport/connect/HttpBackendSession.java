package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A conversation over Streamable HTTP: every message is a POST of its own (MCP 2025-11-25,
 * Streamable HTTP). Owns no socket while nothing is under way. Thread-safe.
 */
final class HttpBackendSession implements BackendSession {
    private static final Duration DELETE_PATIENCE = Duration.ofSeconds(5);

    private final Correspondence way;
    private final BackendEvents events;
    private final SparseMap<Long, Post> calls = new SparseMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicReference<@Nullable StandingGet> standing = new AtomicReference<>();
    private volatile boolean mayBeAsked;
    private volatile boolean unheard; // that the conversation has ended
    private final boolean takenOver; // from others, who may have listened

    HttpBackendSession(
            HttpPool pool,
            Endpoint endpoint,
            Endpoint.Talk talk,
            Alarms alarms,
            BackendEvents events) {
        this(pool, endpoint, talk, alarms, events, false);
    }

    private HttpBackendSession(
            HttpPool pool,
            Endpoint endpoint,
            Endpoint.Talk talk,
            Alarms alarms,
            BackendEvents events,
            boolean takenOver) {
        this.way = new Correspondence(pool, endpoint, talk, alarms);
        this.events = events;
        this.takenOver = takenOver;
    }

    /** One that others have had before. */
    static HttpBackendSession takenOver(
            HttpPool pool,
            Endpoint endpoint,
            Endpoint.Talk talk,
            Alarms alarms,
            BackendEvents events) {
        return new HttpBackendSession(pool, endpoint, talk, alarms, events, true);
    }

    @Override
    public Optional<String> sessionId() {
        return way.isInSession() ? Optional.of(way.talk().sessionId()) : Optional.empty();
    }

    @Override
    public String cookies() {
        return way.talk().cookies().header();
    }

    /** Speaks {@code agreed} from now on, as the handshake has brought. */
    void introduced(Revision agreed) {
        way.introduced(agreed);
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        send(id, request, Map.of(), sink);
    }

    /** Sends a request with further headers. */
    void send(long id, Spliced request, Map<String, String> fields, Sink sink) {
        var post = new Post(way, calls, events, id, request, fields, sink);
        calls.put(id, post);
        var stream = standing.get();
        if (stream == null) {
            post.send(0);
        } else {
            stream.whenSettled(() -> post.send(0));
        }
    }

    /** Gives up on a request, which says enough to a server without sessions. */
    void abandon(long id) {
        var post = calls.remove(id);
        if (post != null) {
            post.abort();
        }
    }

    @Override
    public void cancel(long id, String why) {
        var post = calls.remove(id);
        if (post != null) {
            var params = Json.object(members -> members.put("requestId", id).put("reason", why));
            notify(Spliced.of(JsonRpc.notification(Method.CANCELLED, params)));
            post.abort();
        }
    }

    @Override
    public void notify(Spliced notification) {
        way.deliver(notification);
    }

    @Override
    public void answer(Spliced response) {
        way.deliver(response);
    }

    /** Says that the conversation has begun, and waits until the backend has heard it. */
    void confirm(Duration patience) {
        way.deliver(Spliced.of(JsonRpc.notification(Method.INITIALIZED))).await(patience);
    }

    @Override
    public void listen(boolean wanted) {
        boolean needed = wanted || mayBeAsked;
        if (needed && !closed.get()) {
            standing().want(true);
        }
        var stream = standing.get();
        if (stream != null && (!needed || closed.get())) {
            stream.want(false);
        }
    }

    @Override
    public void listenElsewhere() {
        listen(false);
        var stream = standing.get();
        if (stream != null && !mayBeAsked) {
            stream.forgetPosition();
        }
    }

    @Override
    public void hearQuestions() {
        mayBeAsked = true;
        listen(true);
    }

    /** Made when it is wanted first, since most sessions never do. */
    private StandingGet standing() {
        var known = standing.get();
        if (known != null) {
            return known;
        }
        var made =
                new StandingGet(
                        way.pool(), way.alarms(), new Unbound(way, calls, events), takenOver);
        return standing.compareAndSet(null, made) ? made : standing();
    }

    @Override
    public void leave() {
        if (closed.compareAndSet(false, true)) {
            stop();
        }
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        stop();
        if (way.isInSession()) {
            var delivery = way.delete();
            delivery.await(DELETE_PATIENCE);
            unheard = !delivery.isHeard();
        }
        way.abortDeliveries();
    }

    @Override
    public boolean hasHeardEnd() {
        return !unheard;
    }

    private void stop() {
        listen(false);
        var ended =
                new Fault.BackendFailed(
                        way.backend(),
                        Fault.BackendFailed.Reason.CLOSED,
                        "was left by the gateway before it had answered",
                        true);
        for (var id : calls.keys()) {
            var post = calls.remove(id);
            if (post != null) {
                post.leave(ended);
            }
        }
    }
}
