package dev.heddle.transport.serve;

import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SessionManager;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A client whose messages all go one way and come another: over HTTP+SSE (MCP 2024-11-05,
 * Transports) or standard input and output. Its session, if it has one, is as long as its
 * connection. Thread-safe.
 */
final class DuplexClient {
    private static final Logger log = LoggerFactory.getLogger(DuplexClient.class);

    /** What clients are served with. */
    record Service(
            SessionManager sessions,
            Introductions introductions,
            Optional<StatelessEndpoint> stateless) {}

    private final Service service;
    private final Way way;
    private final String remote;
    private final Map<Json, WayAnswer> stateless = new ConcurrentHashMap<>();
    private final AtomicBoolean beginning = new AtomicBoolean(); // of the session
    private final Backlog early = new Backlog(); // what comes while the session begins
    private final AtomicBoolean left = new AtomicBoolean();
    private volatile Optional<MultiSession> session = Optional.empty();
    private volatile Identity owner = Identity.NONE;

    /**
     * @param remote where the client is
     */
    DuplexClient(Service service, Way way, String remote) {
        this.service = service;
        this.way = way;
        this.remote = remote;
    }

    /** Takes a message of the client, or a batch of them. */
    void receive(byte[] text, Identity caller) {
        if (Batch.is(text)) {
            early.add(() -> legal(() -> batch(text, caller)));
        } else {
            legal(() -> receive(Envelope.parse(text), caller));
        }
    }

    private void legal(Runnable task) {
        try {
            task.run();
        } catch (Malformed e) {
            way.send(Spliced.of(JsonRpc.error(e.id(), e.code(), e.getMessage())));
        } catch (RuntimeException bug) {
            log.error("message could not be handled", bug);
        }
    }

    private void batch(byte[] text, Identity caller) {
        var live = session.orElseThrow(() -> Batch.refused("before there is a session"));
        var batch = Batch.of(text, live.profile().revision());
        batch.carry(
                live,
                caller,
                new Batch.Out() {
                    @Override
                    public void event(Spliced message) {
                        way.send(message);
                    }

                    @Override
                    public boolean question(Question question) {
                        way.send(question.message()); // it ends with the session, as the way does
                        return true;
                    }

                    @Override
                    public void end(Json responses) {
                        way.send(responses);
                    }
                });
    }

    private void receive(Envelope message, Identity caller) {
        boolean claims = message.protocolVersion().isPresent();
        if (claims && service.stateless().isPresent() && message.isRequest()) {
            var answer = new WayAnswer(message.id());
            if (stateless.putIfAbsent(message.id(), answer) != null) {
                refuse(message.id(), "found an id that another request has (expected: a new one)");
                return;
            }
            service.stateless()
                    .get()
                    .handle(new Asked(message, Optional.empty(), caller, true, answer));
        } else if (message.isRequest() && message.method().equals(Method.INITIALIZE)) {
            initialize(message, caller);
        } else if (!endsStateless(message)) {
            early.add(() -> guarded(message.id(), () -> inSession(message, caller)));
        }
    }

    private boolean endsStateless(Envelope message) {
        var answer =
                message.method().equals(Method.CANCELLED)
                        ? message.requestId().map(stateless::get)
                        : Optional.<WayAnswer>empty();
        answer.ifPresent(WayAnswer::over);
        return answer.isPresent();
    }

    private void initialize(Envelope message, Identity caller) {
        if (session.isPresent() || !beginning.compareAndSet(false, true)) {
            refuse(message.id(), "found initialize in an initialised session");
            return;
        }
        early.keep();
        Thread.ofVirtual()
                .name("heddle-front")
                .start(
                        () -> {
                            guarded(message.id(), () -> begin(message, caller));
                            early.release();
                            beginning.set(false);
                        });
    }

    private void begin(Envelope message, Identity caller) {
        var begun = service.introductions().begin(message, caller, remote);
        owner = caller;
        session = Optional.of(begun.session());
        way.send(Spliced.of(JsonRpc.result(message.id(), begun.result())));
        begun.session().attach(caller, new Standing());
        if (left.get()) {
            terminate();
        }
    }

    private void inSession(Envelope message, Identity caller) {
        if (session.isEmpty()) {
            uninvited(message);
            return;
        }
        var live = session.get();
        switch (message.kind()) {
            case REQUEST -> live.exchange(caller, new Exchange(message, new WaySink(message.id())));
            case NOTIFICATION -> live.notice(caller, message);
            case RESPONSE -> live.answer(caller, message);
        }
    }

    private void uninvited(Envelope message) {
        if (message.isRequest() && message.method().equals(Method.PING)) {
            way.send(Spliced.of(JsonRpc.result(message.id(), Json.EMPTY_OBJECT)));
        } else if (message.isRequest()) {
            refuse(
                    message.id(),
                    "found "
                            + message.method()
                            + " before initialize (expected: initialize, or a request that names "
                            + Revision.STATELESS.text()
                            + ")");
        }
    }

    private void refuse(Json id, String why) {
        way.send(
                Spliced.of(
                        JsonRpc.error(id, ErrorCode.INVALID_REQUEST, "Invalid Request: " + why)));
    }

    private void guarded(Json id, Runnable task) {
        try {
            task.run();
        } catch (Fault fault) {
            way.send(Spliced.of(FaultForms.error(id, fault)));
        } catch (MalformedJson e) {
            way.send(Spliced.of(FaultForms.error(id, new Fault.InvalidParams(e.getMessage()))));
        } catch (RuntimeException bug) {
            log.error("message could not be handled", bug);
            way.send(Spliced.of(JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, "Internal error")));
        }
    }

    /** The client has gone. Its session ends in the background. */
    void leave() {
        if (left.compareAndSet(false, true)) {
            stateless.values().forEach(WayAnswer::over);
            if (session.isPresent()) {
                Thread.ofVirtual().name("heddle-end").start(this::terminate);
            }
        }
    }

    private void terminate() {
        try {
            var live = session;
            if (live.isPresent()) {
                service.sessions().terminate(live.get().id(), owner);
            }
        } catch (Fault over) {
            log.debug("a session had ended already: {}", over.getMessage());
        }
    }

    /** Sends what belongs to a call. */
    private final class WaySink implements Sink {
        private final Json id;

        WaySink(Json id) {
            this.id = id;
        }

        @Override
        public void notification(Spliced message) {
            boolean needed = message.envelope().method().equals(Method.CANCELLED);
            if (needed || !way.isCrowded()) {
                way.send(message);
            }
        }

        @Override
        public boolean question(Question question) {
            way.send(question.message());
            return true;
        }

        @Override
        public boolean isReady() {
            return way.isWritable();
        }

        @Override
        public void whenReady(Runnable task) {
            way.whenWritable(task);
        }

        @Override
        public void reply(Reply ending) {
            switch (ending) {
                case Reply.Response(var message) -> way.send(message);
                case Reply.Flowing(var flow) -> flow.abort();
                case Reply.Failed(Fault.Cancelled _) -> {}
                case Reply.Failed(var fault) -> way.send(Spliced.of(FaultForms.error(id, fault)));
            }
        }
    }

    /** Sends what belongs to no call. */
    private final class Standing implements ClientStream {
        @Override
        public void notification(Spliced message) {
            if (!way.isCrowded() || GetStream.isNeeded(message.envelope().method())) {
                way.send(message);
            }
        }

        @Override
        public boolean question(Question question) {
            way.send(question.message());
            return true;
        }

        @Override
        public boolean carriesCalls() {
            return true;
        }

        @Override
        public void ended() {
            session = Optional.empty();
            way.sessionEnded();
        }
    }

    /** Sends what comes back for a request that has no session. */
    private final class WayAnswer implements Answer {
        private final Json id;
        private final Overs overs = new Overs();

        WayAnswer(Json id) {
            this.id = id;
        }

        @Override
        public String remote() {
            return remote;
        }

        /** Nothing more is sent. */
        void over() {
            stateless.remove(id, this);
            overs.run();
        }

        @Override
        public void empty(int status) {
            over();
        }

        @Override
        public void last(int status, Spliced message) {
            if (!overs.isOver()) {
                stateless.remove(id, this); // first: who has the response may use the id again
                way.send(message);
                overs.run();
            }
        }

        @Override
        public void event(Spliced message) {
            if (!overs.isOver()) {
                way.send(message);
            }
        }

        @Override
        public void end() {
            over();
        }

        @Override
        public void error(int status, Envelope error) {
            last(status, Spliced.of(error));
        }

        @Override
        public void refuse(int status, Envelope error, Fault fault) {
            error(status, error);
        }

        @Override
        public boolean isWritable() {
            return way.isWritable();
        }

        @Override
        public boolean isCrowded() {
            return way.isCrowded();
        }

        @Override
        public void whenWritable(Runnable task) {
            way.whenWritable(task);
        }

        @Override
        public void whenOver(Runnable task) {
            overs.add(task);
        }
    }
}
