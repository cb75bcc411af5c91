package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.ResponseSplicer;
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
    private static final Duration LEFTOVERS = Duration.ofSeconds(1);
    private static final int MAX_REDIRECTS = 3;

    private final HttpPool pool;
    private final BackendEvents events;
    private final SparseMap<Long, Post> calls = new SparseMap<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final AtomicReference<@Nullable StandingGet> standing = new AtomicReference<>();
    private final Alarms alarms;
    private final SparseMap<Delivery, Delivery> deliveries = new SparseMap<>();
    private volatile Endpoint endpoint;
    private volatile Endpoint.Talk talk;
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
        this.takenOver = takenOver;
        this.pool = pool;
        this.endpoint = endpoint;
        this.talk = talk;
        this.events = events;
        this.alarms = alarms;
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
        return talk.sessionId().isEmpty() ? Optional.empty() : Optional.of(talk.sessionId());
    }

    @Override
    public String cookies() {
        return talk.cookies().header();
    }

    /** Speaks {@code agreed} from now on, as the handshake has brought. */
    void introduced(Revision agreed) {
        talk = talk.in(agreed);
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        send(id, request, Map.of(), sink);
    }

    /** Sends a request with further headers. */
    void send(long id, Spliced request, Map<String, String> fields, Sink sink) {
        var post = new Post(id, request, fields, sink);
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
        deliver(notification);
    }

    @Override
    public void answer(Spliced response) {
        deliver(response);
    }

    /** Sends what no answer is wanted to, and gives up on it after a while. */
    private Delivery deliver(Spliced message) {
        var delivery = new Delivery(endpoint.backend(), deliveries);
        delivery.begin(
                pool.send(Outgoing.post(endpoint, talk, message), new MessageStream(delivery)),
                alarms);
        return delivery;
    }

    /** Says that the conversation has begun, and waits until the backend has heard it. */
    void confirm(Duration patience) {
        deliver(Spliced.of(JsonRpc.notification(Method.INITIALIZED))).await(patience);
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
        var made = new StandingGet(pool, alarms, new Unbound(), takenOver);
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
        if (!talk.sessionId().isEmpty()) {
            var delivery = new Delivery(endpoint.backend(), deliveries);
            delivery.begin(
                    pool.send(Outgoing.delete(endpoint, talk), new MessageStream(delivery)),
                    alarms);
            delivery.await(DELETE_PATIENCE);
            unheard = !delivery.isHeard();
        }
        deliveries.values().forEach(Delivery::abort);
    }

    @Override
    public boolean hasHeardEnd() {
        return !unheard;
    }

    private void stop() {
        listen(false);
        var ended =
                new Fault.BackendFailed(
                        endpoint.backend(),
                        Fault.BackendFailed.Reason.CLOSED,
                        "was left by the gateway before it had answered",
                        true);
        for (var id : calls.keys()) {
            var post = calls.remove(id);
            if (post != null) {
                post.abort();
                post.sink.reply(new Reply.Failed(ended));
            }
        }
    }

    /** Follows a redirect. Returns whether there is one that may be followed. */
    private boolean follow(ResponseHead head, int redirects) {
        var target =
                redirects < MAX_REDIRECTS
                        ? endpoint.redirectedBy(head)
                        : Optional.<Endpoint>empty();
        target.ifPresent(other -> endpoint = other);
        return target.isPresent();
    }

    /** One request, and the answer that comes on its POST. */
    private final class Post implements MessageStream.Receiver {
        private final long id;
        private final Spliced request;
        private final Map<String, String> fields;
        private final Sink sink;
        private final boolean inSession = !talk.sessionId().isEmpty();
        private volatile HttpPool.@Nullable Sent sent;
        private volatile boolean aborted;
        private volatile boolean streaming; // while the answer is a stream that has not ended
        private volatile Alarms.@Nullable Alarm leftovers;
        private volatile @Nullable ResumedAnswer resumed;
        private String position = ""; // on the event loop
        private long retry = -1;
        private int redirects;

        Post(long id, Spliced request, Map<String, String> fields, Sink sink) {
            this.id = id;
            this.request = request;
            this.fields = fields;
            this.sink = sink;
        }

        void send(int followed) {
            if (!this.equals(calls.get(id))) {
                return; // nobody waits any more
            }
            redirects = followed;
            sent =
                    pool.send(
                            Outgoing.post(endpoint, talk, request, fields),
                            new MessageStream(this));
            if (aborted) {
                abort(); // it may have come too early to find what was sent
            }
        }

        void abort() {
            aborted = true;
            var request = sent;
            if (request != null) {
                request.abort();
            }
            var rest = resumed;
            if (rest != null) {
                rest.abort();
            }
        }

        @Override
        public void position(String eventId) {
            position = eventId;
        }

        @Override
        public void retry(long millis) {
            retry = millis;
        }

        /**
         * Asks for the rest of the answer if its stream has said where that begins. Returns whether
         * it has.
         */
        private boolean resume() {
            if (!canResume() || calls.get(id) == null) {
                return false;
            }
            var rest =
                    new ResumedAnswer(
                            pool,
                            alarms,
                            from -> Outgoing.get(endpoint, talk, from),
                            new Rest(),
                            position,
                            retry);
            resumed = rest;
            rest.begin();
            return true;
        }

        /** What can be asked for again is not handed on before it is whole. */
        private boolean canResume() {
            return inSession && !position.isEmpty();
        }

        /** Takes the rest of the answer. */
        private final class Rest implements ResumedAnswer.Receiver {
            @Override
            public boolean isWanting() {
                return calls.get(id) != null;
            }

            @Override
            public void message(Envelope message) {
                Post.this.message(message);
            }

            @Override
            public void over(String why) {
                fail(
                        new Fault.BackendFailed(
                                endpoint.backend(),
                                Fault.BackendFailed.Reason.DISCONNECTED,
                                why,
                                true));
            }
        }

        @Override
        public void accepted(ResponseHead head) {
            talk.cookies().note(head);
            if (head.isEventStream()) {
                streaming = true;
            }
            if (!inSession && request.envelope().method().equals(Method.INITIALIZE)) {
                head.sessionId().ifPresent(name -> talk = talk.called(name));
            }
        }

        @Override
        public void message(Envelope message) {
            switch (message.kind()) {
                case RESPONSE -> {
                    if (message.id().integer().orElse(-1) == id) {
                        end(new Reply.Response(Spliced.of(message)));
                    }
                }
                case NOTIFICATION -> sink.notification(Spliced.of(message));
                case REQUEST -> asked(message);
            }
        }

        @Override
        public @Nullable FlowingAnswer flow(byte[] beginning) {
            boolean flows =
                    sink.takesFlow(beginning.length)
                            && !canResume()
                            && ResponseSplicer.isResult(beginning, id)
                            && calls.remove(id, this);
            if (!flows) {
                return null;
            }
            var answer = new FlowingAnswer(id, beginning, this::abort);
            sink.reply(new Reply.Flowing(answer));
            return answer;
        }

        @Override
        public void flowed() {
            endLeftovers();
        }

        @Override
        public boolean isReady() {
            return sink.isReady();
        }

        @Override
        public void whenReady(Runnable task) {
            sink.whenReady(task);
        }

        private void asked(Envelope message) {
            if (message.method().equals(Method.PING)) {
                answer(Spliced.of(JsonRpc.result(message.id(), Json.EMPTY_OBJECT)));
                return;
            }
            var question = new Question(Spliced.of(message), HttpBackendSession.this::answer);
            if (!sink.question(question)) {
                events.question(question);
            }
        }

        /** Nothing more comes on the answer. */
        private void over() {
            if (streaming) {
                streaming = false;
            }
            var alarm = leftovers;
            if (alarm != null) {
                alarm.cancel();
            }
        }

        @Override
        public void complete() {
            over();
            if (calls.get(id) != null && !resume()) {
                fail(
                        new Fault.BackendFailed(
                                endpoint.backend(),
                                Fault.BackendFailed.Reason.GARBAGE,
                                "ended its answer without a reply",
                                true));
            }
        }

        @Override
        public void refused(ResponseHead head, String body) {
            over();
            if (this.equals(calls.get(id)) && follow(head, redirects)) {
                send(redirects + 1);
                return;
            }
            var error =
                    HttpOutcome.error(body)
                            .filter(answer -> answer.id().integer().orElse(-1) == id);
            if (error.filter(this::isOfOtherEra).isPresent()) {
                fail(
                        Fault.BackendFailed.notSent(
                                endpoint.backend(),
                                Fault.BackendFailed.Reason.SESSION_GONE,
                                "is another server than it was"));
            } else if (error.isPresent()
                    && !(inSession && HttpOutcome.isOver(head.status(), error.get(), body))) {
                end(new Reply.Response(Spliced.of(error.get())));
            } else {
                fail(HttpOutcome.status(endpoint.backend(), head.status(), body, inSession));
            }
        }

        private boolean isOfOtherEra(Envelope error) {
            return error.errorCode() == ErrorCode.UNSUPPORTED_VERSION
                    && talk.revision().filter(Revision::hasSessions).isPresent();
        }

        @Override
        public void broken(Throwable why, boolean mayHaveArrived) {
            over();
            if (!resume()) {
                fail(HttpOutcome.broken(endpoint.backend(), why, mayHaveArrived));
            }
        }

        @Override
        public void garbage(String what) {
            fail(MessageStream.asFault(endpoint.backend(), what));
            abort();
        }

        private void fail(Fault.BackendFailed why) {
            end(new Reply.Failed(why));
        }

        private void end(Reply reply) {
            if (calls.remove(id, this)) {
                endLeftovers();
                sink.reply(reply);
            }
        }

        /** A server that does not end its answer behind the reply has it ended. */
        private void endLeftovers() {
            if (streaming) {
                leftovers = alarms.after(LEFTOVERS, this::abort);
            }
        }
    }

    /**
     * Hands on what comes on the standing stream, which belongs to no call that is known to the
     * HTTP layer.
     */
    private final class Unbound implements StandingGet.Owner {
        @Override
        public Endpoint endpoint() {
            return endpoint;
        }

        @Override
        public Endpoint.Talk talk() {
            return talk;
        }

        @Override
        public void missed() {
            events.missed();
        }

        @Override
        public void message(Envelope message) {
            switch (message.kind()) {
                case RESPONSE -> {
                    var post = calls.get(message.id().integer().orElse(-1));
                    if (post != null) {
                        post.message(message);
                    }
                }
                case NOTIFICATION -> {
                    var post =
                            message.progress()
                                    .map(token -> calls.get(token.integer().orElse(-1)))
                                    .orElse(null);
                    if (post != null) {
                        post.message(message);
                    } else {
                        events.notification(message);
                    }
                }
                case REQUEST -> {
                    if (message.method().equals(Method.PING)) {
                        answer(Spliced.of(JsonRpc.result(message.id(), Json.EMPTY_OBJECT)));
                    } else {
                        events.question(
                                new Question(Spliced.of(message), HttpBackendSession.this::answer));
                    }
                }
            }
        }

        @Override
        public void sessionGone() {
            events.lost(
                    Fault.BackendFailed.notSent(
                            endpoint.backend(),
                            Fault.BackendFailed.Reason.SESSION_GONE,
                            "has forgotten the session"));
        }
    }
}
