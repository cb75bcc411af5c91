package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Spliced;

import io.netty.handler.codec.http.HttpResponse;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * HTTP+SSE: one stream for everything that comes, and a POST for each message that goes (MCP
 * 2024-11-05, Transports, HTTP with SSE). Thread-safe.
 */
final class SseWire implements DuplexSession.Wire, MessageStream.Receiver {
    private final HttpPool pool;
    private final Endpoint endpoint;
    private final DuplexSession session;
    private final CompletableFuture<Endpoint> posts = new CompletableFuture<>();
    private volatile HttpPool.Sent stream = () -> {};

    private SseWire(HttpPool pool, Endpoint endpoint, DuplexSession session) {
        this.pool = pool;
        this.endpoint = endpoint;
        this.session = session;
    }

    /** Opens a conversation. Blocks, at most for the backend's opening time. */
    static Connected connect(
            HttpPool pool,
            Endpoint endpoint,
            Backend backend,
            Opening opening,
            Handshake handshake) {
        var session = new DuplexSession(backend.id().value(), opening.events());
        var wire = new SseWire(pool, endpoint, session);
        session.over(wire);
        try {
            wire.open(backend.limits().open());
            var introduction = handshake.introduce(backend, session, opening.profile());
            Handshake.confirm(session);
            return new Connected(session, introduction);
        } catch (Throwable e) {
            session.close();
            throw e;
        }
    }

    private void open(Duration patience) {
        stream =
                pool.send(
                        endpoint.origin(),
                        endpoint.get(Endpoint.Talk.NONE, ""),
                        new MessageStream(this));
        try {
            posts.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw failed(
                    Reason.TIMEOUT,
                    "did not name its endpoint within " + patience.toMillis() + " ms");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw failed(Reason.TIMEOUT, "was not waited for");
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Fault.BackendFailed failed
                    ? failed
                    : failed(Reason.UNREACHABLE, "cannot be reached");
        }
    }

    private Fault.BackendFailed failed(Reason reason, String detail) {
        return Fault.BackendFailed.notSent(endpoint.backend(), reason, detail);
    }

    @Override
    public void event(String type, String data) {
        if (!type.equals("endpoint")) {
            return;
        }
        try {
            var target = endpoint.url().resolve(URI.create(data.strip()));
            if (!endpoint.isSameHost(target)) {
                posts.completeExceptionally(
                        failed(
                                Reason.GARBAGE,
                                "named an endpoint on another host (expected: its own)"));
            } else {
                posts.complete(endpoint.at(target));
            }
        } catch (IllegalArgumentException notAUrl) {
            posts.completeExceptionally(failed(Reason.GARBAGE, "named an endpoint that is no URL"));
        }
    }

    @Override
    public boolean send(Spliced message) {
        var to = posts.isCompletedExceptionally() ? null : posts.getNow(null);
        if (to == null) {
            return false;
        }
        pool.send(
                to.origin(), to.post(message, Endpoint.Talk.NONE), new MessageStream(new Posted()));
        return true;
    }

    @Override
    public void close() {
        stream.abort();
    }

    @Override
    public void accepted(HttpResponse head) {}

    @Override
    public void message(Envelope message) {
        session.receive(message);
    }

    @Override
    public void complete() {
        end("closed its stream");
    }

    @Override
    public void refused(HttpResponse head, String body) {
        posts.completeExceptionally(
                HttpOutcome.status(endpoint.backend(), head.status().code(), body, false));
    }

    @Override
    public void broken(Throwable why, boolean mayHaveArrived) {
        posts.completeExceptionally(HttpOutcome.broken(endpoint.backend(), why, false));
        end("closed its stream");
    }

    @Override
    public void garbage(String what) {
        end("sent " + what);
    }

    private void end(String how) {
        posts.completeExceptionally(failed(Reason.GARBAGE, how));
        session.lost(how);
    }

    /** What becomes of one POST: its answer comes on the stream, so only a refusal is news. */
    private final class Posted implements MessageStream.Receiver {
        @Override
        public void accepted(HttpResponse head) {}

        @Override
        public void message(Envelope message) {
            session.receive(message);
        }

        @Override
        public void complete() {}

        @Override
        public void refused(HttpResponse head, String body) {
            session.lost("refused a message (HTTP " + head.status().code() + ")");
        }

        @Override
        public void broken(Throwable why, boolean mayHaveArrived) {
            session.lost("closed a connection before it had taken the message");
        }

        @Override
        public void garbage(String what) {}
    }
}
