package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * HTTP+SSE: one stream for everything that comes, and a POST for each message that goes (MCP
 * 2024-11-05, Transports, HTTP with SSE). Thread-safe.
 */
final class SseWire implements DuplexSession.Wire, MessageStream.Receiver {
    private static final Duration TAKING = Duration.ofSeconds(30);
    private static final Duration LEFTOVERS = Duration.ofSeconds(1);

    private final HttpPool pool;
    private final Endpoint endpoint;
    private final DuplexSession session;
    private final Alarms alarms;
    private final Set<Posted> underWay = ConcurrentHashMap.newKeySet();
    private final Endpoint.Talk talk = Endpoint.Talk.fresh();
    private final CompletableFuture<Endpoint> posts = new CompletableFuture<>();
    private volatile HttpPool.Sent stream = () -> {};

    private SseWire(HttpPool pool, Endpoint endpoint, DuplexSession session, Alarms alarms) {
        this.pool = pool;
        this.endpoint = endpoint;
        this.session = session;
        this.alarms = alarms;
    }

    /** Opens a conversation. Blocks, at most for the backend's opening time. */
    static Connected connect(
            HttpPool pool,
            Endpoint endpoint,
            Backend backend,
            Opening opening,
            Handshake handshake,
            Alarms alarms) {
        var session = new DuplexSession(backend.id().value(), opening.events());
        var wire = new SseWire(pool, endpoint, session, alarms);
        session.over(wire);
        try {
            pool.prepare(endpoint.backend(), endpoint.origin());
            wire.open(backend.limits().open());
            var introduction = handshake.introduce(backend, session, opening.profile());
            wire.post(Spliced.of(JsonRpc.notification(Method.INITIALIZED)))
                    .ifPresent(posted -> posted.await(backend.limits().open()));
            return new Connected(session, introduction);
        } catch (Throwable e) {
            session.close();
            throw e;
        }
    }

    private void open(Duration patience) {
        stream = pool.send(Outgoing.get(endpoint, talk, ""), new MessageStream(this));
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
    public DuplexSession.Sending send(Spliced message) {
        return post(message).isPresent() ? DuplexSession.Sending.TAKEN : DuplexSession.Sending.SHUT;
    }

    private Optional<Posted> post(Spliced message) {
        var to = posts.isCompletedExceptionally() ? null : posts.getNow(null);
        if (to == null) {
            return Optional.empty();
        }
        var posted = new Posted(message);
        underWay.add(posted);
        posted.begin(pool.send(Outgoing.post(to, talk, message), new MessageStream(posted)));
        return Optional.of(posted);
    }

    @Override
    public void forget(long id) {
        underWay.stream()
                .filter(posted -> posted.carries(id))
                .forEach(posted -> posted.endAfter(LEFTOVERS));
    }

    @Override
    public void close() {
        stream.abort();
        List.copyOf(underWay).forEach(Posted::abort);
    }

    @Override
    public void accepted(ResponseHead head) {
        talk.cookies().note(head);
    }

    @Override
    public void message(Envelope message) {
        session.receive(message);
    }

    @Override
    public void complete() {
        end("closed its stream");
    }

    @Override
    public void refused(ResponseHead head, String body) {
        posts.completeExceptionally(
                HttpOutcome.status(endpoint.backend(), head.status(), body, false));
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

    /**
     * What becomes of one POST: its answer comes on the stream, so only a refusal is news, to the
     * call alone.
     */
    private final class Posted implements MessageStream.Receiver {
        private final Spliced message;
        private final CountDownLatch posted = new CountDownLatch(1);
        private volatile HttpPool.Sent sent = () -> {};
        private volatile Alarms.Alarm limit = () -> {};

        Posted(Spliced message) {
            this.message = message;
        }

        /**
         * The backend must say in time that it has taken a notification; a request may take as long
         * as its call.
         */
        void begin(HttpPool.Sent request) {
            sent = request;
            if (!message.envelope().isRequest()) {
                endAfter(TAKING);
            }
            if (posted.getCount() == 0) {
                limit.cancel();
                request.abort();
            }
        }

        void endAfter(Duration time) {
            limit = alarms.after(time, this::abort);
            if (posted.getCount() == 0) {
                limit.cancel();
            }
        }

        boolean carries(long id) {
            return message.envelope().isRequest()
                    && Envelope.parse(message.bytes()).id().integer().orElse(-1) == id;
        }

        void abort() {
            sent.abort();
            over();
        }

        private void over() {
            posted.countDown();
            limit.cancel();
            underWay.remove(this);
        }

        /** Waits until the backend has taken the message, at most for {@code patience}. */
        void await(Duration patience) {
            try {
                posted.await(patience.toMillis(), TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void accepted(ResponseHead head) {}

        @Override
        public void message(Envelope answer) {
            session.receive(answer);
        }

        @Override
        public void complete() {
            over();
        }

        @Override
        public void refused(ResponseHead head, String body) {
            over();
            var why = HttpOutcome.status(endpoint.backend(), head.status(), body, true);
            if (why.reason() == Reason.SESSION_GONE) {
                session.lost("has forgotten the session");
            } else {
                refuse(why);
            }
        }

        @Override
        public void broken(Throwable why, boolean mayHaveArrived) {
            over();
            refuse(HttpOutcome.broken(endpoint.backend(), why, mayHaveArrived));
        }

        private void refuse(Fault.BackendFailed why) {
            if (message.envelope().isRequest()) {
                Envelope.parse(message.bytes())
                        .id()
                        .integer()
                        .ifPresent(id -> session.refuse(id, why));
            }
        }

        @Override
        public void garbage(String what) {
            abort();
        }
    }
}
