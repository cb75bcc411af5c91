package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SubResources;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One process that several sessions use. Each sees its own calls, and hears of changed lists and of
 * the resources that it has subscribed to. Nobody can be asked a question, and nobody gets its log:
 * it would be a guess whom they are meant for. Thread-safe.
 */
final class SharedProcess implements BackendEvents {
    private final String backend;
    private final Ids ids;
    private final ReentrantLock lock = new ReentrantLock(); // guards views and connected
    private final Set<View> views = ConcurrentHashMap.newKeySet();
    private @Nullable Connected connected;
    private boolean ended;

    SharedProcess(String backend, Ids ids) {
        this.backend = backend;
        this.ids = ids;
    }

    void started(Connected process) {
        lock.lock();
        try {
            connected = ended ? null : process;
        } finally {
            lock.unlock();
        }
    }

    /** A view for one more session, or empty if the process has ended. */
    Optional<Connected> join(BackendEvents events) {
        lock.lock();
        try {
            if (connected == null) {
                return Optional.empty();
            }
            var view = new View(connected.session(), events);
            views.add(view);
            return Optional.of(new Connected(view, connected.introduction().without("logging")));
        } finally {
            lock.unlock();
        }
    }

    private void remove(View view) {
        Optional<BackendSession> last = Optional.empty();
        lock.lock();
        try {
            if (views.remove(view) && views.isEmpty() && connected != null) {
                last = Optional.of(connected.session());
                connected = null;
            }
        } finally {
            lock.unlock();
        }
        last.ifPresent(BackendSession::close);
    }

    @Override
    public void notification(Envelope message) {
        boolean updated = message.method().equals(Method.RESOURCE_UPDATED);
        var uri = message.uri().orElse("");
        boolean ofAll =
                switch (message.method()) {
                    case Method.TOOLS_CHANGED, Method.RESOURCES_CHANGED, Method.PROMPTS_CHANGED ->
                            true;
                    default -> false; // it would be a guess whose call or task it is about
                };
        for (var view : views) {
            if (ofAll || (updated && view.hasSubscribed(uri))) {
                view.events.notification(message);
            }
        }
    }

    @Override
    public void question(Question question) {
        question.refuse(
                "backend '"
                        + backend
                        + "' is shared by several clients, so none of them can be asked");
    }

    @Override
    public void lost(Fault.BackendFailed why) {
        lock.lock();
        try {
            connected = null;
            ended = true;
        } finally {
            lock.unlock();
        }
        List.copyOf(views).forEach(view -> view.events.lost(why));
        views.clear();
    }

    private boolean isSubscribed(String uri) {
        return views.stream().anyMatch(view -> view.subscriptions.contains(uri));
    }

    /** One session's share of the process. */
    private final class View implements BackendSession {
        private final BackendSession process;
        private final BackendEvents events;
        private final Set<String> subscriptions = ConcurrentHashMap.newKeySet();
        private volatile boolean listens;
        private final Map<Long, Sink> calls = new ConcurrentHashMap<>();

        View(BackendSession process, BackendEvents events) {
            this.process = process;
            this.events = events;
        }

        @Override
        public Optional<String> sessionId() {
            return process.sessionId();
        }

        @Override
        public void send(long id, Spliced request, Sink sink) {
            var envelope = request.envelope();
            var uri = envelope.uri().orElse("");
            switch (envelope.method()) {
                case Method.SET_LEVEL ->
                        sink.reply(acknowledged(id)); // each session filters what it hears
                case Method.RESOURCES_UNSUBSCRIBE -> {
                    if (!unsubscribe(uri, () -> forward(id, request, sink))) {
                        sink.reply(acknowledged(id));
                    }
                }
                case Method.RESOURCES_SUBSCRIBE -> {
                    subscriptions.add(uri);
                    forward(id, request, new Subscribing(uri, sink));
                }
                default -> forward(id, request, sink);
            }
        }

        private boolean hasSubscribed(String updated) {
            return subscriptions.stream().anyMatch(uri -> SubResources.covers(uri, updated));
        }

        /**
         * Tells the process, if no other session wants to hear of {@code uri}. One that begins to
         * want that in this moment may have been heard first. Returns whether it was told.
         */
        private boolean unsubscribe(String uri, Runnable tell) {
            subscriptions.remove(uri);
            if (isSubscribed(uri)) {
                return false;
            }
            tell.run();
            if (isSubscribed(uri)) {
                ask(Method.RESOURCES_SUBSCRIBE, uri);
            }
            return true;
        }

        private void ask(String method, String uri) {
            long id = ids.next();
            var params = Json.object(members -> members.put("uri", uri));
            var request = Spliced.of(JsonRpc.request(Json.of(id), method, params));
            process.send(id, request, ResultSink.ignoring());
        }

        /** What is refused is no subscription. */
        private final class Subscribing extends WrappedSink {
            private final String uri;

            Subscribing(String uri, Sink sink) {
                super(sink);
                this.uri = uri;
            }

            @Override
            public void reply(Reply reply) {
                boolean agreed =
                        reply instanceof Reply.Response(var message)
                                && message.envelope().error().isEmpty();
                if (!agreed) {
                    subscriptions.remove(uri);
                }
                next().reply(reply);
            }
        }

        private static Reply acknowledged(long id) {
            return new Reply.Response(Spliced.of(JsonRpc.result(Json.of(id), Json.EMPTY_OBJECT)));
        }

        private void forward(long id, Spliced request, Sink sink) {
            calls.put(id, sink);
            process.send(
                    id,
                    request,
                    new WrappedSink(sink) {
                        @Override
                        public boolean question(Question question) {
                            SharedProcess.this.question(question);
                            return true;
                        }

                        @Override
                        public void reply(Reply reply) {
                            if (calls.remove(id) != null) {
                                next().reply(reply);
                            }
                        }
                    });
        }

        @Override
        public void cancel(long id, String why) {
            if (calls.remove(id) != null) {
                process.cancel(id, why);
            }
        }

        /** What one client says of itself is no business of the others. */
        @Override
        public void notify(Spliced notification) {}

        @Override
        public void answer(Spliced response) {
            process.answer(response);
        }

        @Override
        public void listen(boolean wanted) {
            listens = wanted;
            process.listen(views.stream().anyMatch(view -> view.listens));
        }

        @Override
        public void close() {
            for (var id : List.copyOf(calls.keySet())) {
                var sink = calls.remove(id);
                if (sink != null) {
                    process.cancel(id, "the session has ended");
                    sink.reply(
                            new Reply.Failed(
                                    new Fault.BackendFailed(
                                            backend,
                                            Reason.CLOSED,
                                            "was left by the gateway before it had answered",
                                            true)));
                }
            }
            for (var uri : List.copyOf(subscriptions)) {
                unsubscribe(uri, () -> ask(Method.RESOURCES_UNSUBSCRIBE, uri));
            }
            remove(this);
        }
    }
}
