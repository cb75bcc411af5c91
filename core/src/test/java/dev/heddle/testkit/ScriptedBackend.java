package dev.heddle.testkit;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.Target;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;

/** A backend that does what a test tells it to: what it offers, how it answers, when it fails. */
public final class ScriptedBackend {
    private final Backend backend;
    private final List<String> tools = new CopyOnWriteArrayList<>();
    private final List<String> resources = new CopyOnWriteArrayList<>();
    private final List<String> prompts = new CopyOnWriteArrayList<>();
    private final Set<String> onlyAsTasks = ConcurrentHashMap.newKeySet();
    private final List<Talk> talks = new CopyOnWriteArrayList<>();
    private final AtomicInteger openings = new AtomicInteger();
    private final AtomicInteger mostAtOnce = new AtomicInteger();
    private final AtomicInteger openingNow = new AtomicInteger();
    private volatile Optional<Long> lifetime = Optional.empty();
    private volatile boolean holdsSubscriptions;
    private volatile boolean losesNext;
    private volatile boolean deaf;
    private volatile Introduction introduction = usual();
    private final AtomicInteger closingNow = new AtomicInteger();
    private volatile Optional<CountDownLatch> gate = Optional.empty();
    private volatile Optional<CountDownLatch> exit = Optional.empty();
    private volatile Optional<Fault.BackendFailed> failure = Optional.empty();
    private volatile BiConsumer<Talk, Request> onCall =
            (_, request) -> request.answer(Json.EMPTY_OBJECT);

    public ScriptedBackend(String id) {
        this(
                new Backend(
                        new BackendId(id),
                        new Target.Remote(
                                URI.create("http://" + id + ".test/mcp"),
                                Target.Wire.STREAMABLE_HTTP)));
    }

    public ScriptedBackend(Backend backend) {
        this.backend = backend;
    }

    /** A connector that knows these backends. */
    public static BackendConnector connector(ScriptedBackend... backends) {
        return (backend, opening) -> {
            for (var scripted : backends) {
                if (scripted.backend.id().equals(backend.id())) {
                    return scripted.connect(opening);
                }
            }
            throw new IllegalArgumentException("no script for " + backend);
        };
    }

    public Backend backend() {
        return backend;
    }

    public BackendId id() {
        return backend.id();
    }

    public ScriptedBackend tools(String... names) {
        tools.clear();
        tools.addAll(List.of(names));
        return this;
    }

    public ScriptedBackend resources(String... uris) {
        resources.clear();
        resources.addAll(List.of(uris));
        return this;
    }

    public ScriptedBackend prompts(String... names) {
        prompts.clear();
        prompts.addAll(List.of(names));
        return this;
    }

    /** These of its tools can only be called as tasks. */
    public ScriptedBackend onlyAsTasks(String... names) {
        onlyAsTasks.addAll(List.of(names));
        return this;
    }

    /** Answers whatever is neither a list nor a subscription. */
    public ScriptedBackend onCall(BiConsumer<Talk, Request> answer) {
        onCall = answer;
        return this;
    }

    /** Lets nobody in until the latch is down. */
    public ScriptedBackend holdUntil(CountDownLatch latch) {
        gate = Optional.of(latch);
        return this;
    }

    /** Lets nobody out until the latch is down. */
    public ScriptedBackend keepUntil(CountDownLatch latch) {
        exit = Optional.of(latch);
        return this;
    }

    /** Whether it does not hear that conversations end. */
    public void deaf(boolean is) {
        deaf = is;
    }

    /** How many conversations are being closed. */
    public int closingNow() {
        return closingNow.get();
    }

    public ScriptedBackend failing(Reason reason) {
        failure =
                Optional.of(
                        Fault.BackendFailed.notSent(
                                backend.id().value(), reason, "fails as scripted"));
        return this;
    }

    public ScriptedBackend working() {
        failure = Optional.empty();
        return this;
    }

    /** Ends the first conversation before whoever opened it has got it. */
    public ScriptedBackend losingTheFirst() {
        losesNext = true;
        return this;
    }

    /** What a watch learns that asks for everything now. */
    public Catalog asCatalog() {
        return new Catalog(
                introduction,
                entries("name", tools),
                entries("uri", resources),
                List.of(),
                entries("name", prompts));
    }

    private List<Catalog.Entry> entries(String key, List<String> names) {
        return names.stream().map(name -> new Catalog.Entry(name, entry(key, name))).toList();
    }

    private Json entry(String key, String name) {
        return Json.object(
                members -> {
                    members.put(key, name);
                    if (onlyAsTasks.contains(name)) {
                        members.put("execution", Json.parse("{\"taskSupport\":\"required\"}"));
                    }
                    if (!key.equals("name")) {
                        members.put("name", "the one at " + name);
                    }
                });
    }

    /** How often a conversation was opened or tried. */
    public int openings() {
        return openings.get();
    }

    public int mostOpeningAtOnce() {
        return mostAtOnce.get();
    }

    /** The conversations that were opened, oldest first. */
    public List<Talk> talks() {
        return talks;
    }

    public Talk lastTalk() {
        return talks.getLast();
    }

    public Optional<Talk> lastTalkIfAny() {
        return talks.isEmpty() ? Optional.empty() : Optional.of(talks.getLast());
    }

    /** How many conversations are open. */
    public long open() {
        return talks.stream().filter(talk -> !talk.closed).count();
    }

    private BackendConnector.Connected connect(BackendConnector.Opening opening) {
        openings.incrementAndGet();
        mostAtOnce.accumulateAndGet(openingNow.incrementAndGet(), Math::max);
        try {
            gate.ifPresent(ScriptedBackend::await);
            failure.ifPresent(
                    fault -> {
                        throw fault;
                    });
            var talk = new Talk(opening, talks.size() + 1);
            talks.add(talk);
            if (losesNext) {
                losesNext = false;
                opening.events()
                        .lost(
                                Fault.BackendFailed.notSent(
                                        backend.id().value(), Reason.DISCONNECTED, "as scripted"));
            }
            return new BackendConnector.Connected(
                    talk,
                    opening.adopted()
                            .map(known -> Introduction.unknown(known.revision()))
                            .orElse(introduction));
        } finally {
            openingNow.decrementAndGet();
        }
    }

    /** How many milliseconds its lists are good from now on. */
    public ScriptedBackend lasting(long millis) {
        lifetime = Optional.of(millis);
        return this;
    }

    /** Leaves what is asked about subscriptions to the test from now on. */
    public ScriptedBackend holdingSubscriptions() {
        holdsSubscriptions = true;
        return this;
    }

    /** How it introduces itself from now on. */
    public ScriptedBackend introducing(Revision revision, String capabilities) {
        introduction =
                new Introduction(
                        revision, Json.parse(capabilities), Json.EMPTY_OBJECT, Optional.empty());
        return this;
    }

    private static Introduction usual() {
        var capabilities =
                Json.parse(
                        """
                        {"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},\
                        "prompts":{"listChanged":true},"logging":{},"completions":{}}\
                        """);
        return new Introduction(Revision.LATEST, capabilities, Json.EMPTY_OBJECT, Optional.empty());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One request that a test may answer now or later. */
    public record Request(long id, Envelope message, Sink sink) {
        public void answer(Json result) {
            sink.reply(new Reply.Response(Spliced.of(JsonRpc.result(Json.of(id), result))));
        }

        public void error(int code, String text) {
            sink.reply(new Reply.Response(Spliced.of(JsonRpc.error(Json.of(id), code, text))));
        }

        /** Answers with what {@code flow} brings. */
        public void flow(Flow flow) {
            sink.reply(new Reply.Flowing(flow));
        }

        public void fail(Fault fault) {
            sink.reply(new Reply.Failed(fault));
        }

        public void progress(int progress) {
            var params =
                    Json.object(
                            members -> members.put("progressToken", id).put("progress", progress));
            sink.notification(Spliced.of(JsonRpc.notification(Method.PROGRESS, params)));
        }

        public void say(Envelope notification) {
            sink.notification(Spliced.of(notification));
        }
    }

    /** One conversation with the backend, from the backend's side. */
    public final class Talk implements BackendSession {
        private final BackendConnector.Opening opening;
        private final int number;
        private final AtomicInteger counter = new AtomicInteger();
        private final List<String> received = new CopyOnWriteArrayList<>();
        private final List<Envelope> answers = new CopyOnWriteArrayList<>();
        private final Map<Long, Request> pending = new ConcurrentHashMap<>();
        private volatile boolean listening;
        private volatile boolean heard;
        private volatile boolean closed;
        private volatile boolean left;

        private Talk(BackendConnector.Opening opening, int number) {
            this.opening = opening;
            this.number = number;
        }

        /** How many calls there have been, this one included. */
        public int count() {
            return counter.incrementAndGet();
        }

        public BackendConnector.Opening opening() {
            return opening;
        }

        public BackendEvents events() {
            return opening.events();
        }

        /** The methods of what came, in order; cancellations with the id that they cancel. */
        public List<String> received() {
            return received;
        }

        /** The client's answers to this backend's questions. */
        public List<Envelope> answers() {
            return answers;
        }

        /** Whether questions outside calls are listened to. */
        public boolean isHeard() {
            return heard;
        }

        public boolean isListening() {
            return listening;
        }

        public boolean isClosed() {
            return closed;
        }

        /** Whether it is left to others. */
        public boolean isLeft() {
            return left;
        }

        /** The calls that wait for an answer. */
        public List<Request> pending() {
            return new ArrayList<>(pending.values());
        }

        /** Asks outside every call. */
        public void ask(String method, Json params) {
            events().question(question(method, params, "outside"));
        }

        public Question question(String method, Json params, String id) {
            return new Question(
                    Spliced.of(JsonRpc.request(Json.of(id), method, params)),
                    answer -> answers.add(Envelope.parse(answer.bytes())));
        }

        @Override
        public Optional<String> sessionId() {
            return opening.adopted()
                    .map(BackendConnector.Adopted::sessionId)
                    .or(() -> Optional.of(backend.id() + "-" + number));
        }

        @Override
        public void send(long id, Spliced request, Sink sink) {
            var message = Envelope.parse(request.bytes());
            received.add(message.method());
            var asked = new Request(id, message, new Forgetting(id, sink));
            switch (message.method()) {
                case Method.TOOLS_LIST -> asked.answer(list("tools", "name", tools));
                case Method.RESOURCES_LIST -> asked.answer(list("resources", "uri", resources));
                case Method.TEMPLATES_LIST ->
                        asked.answer(Json.parse("{\"resourceTemplates\":[]}"));
                case Method.PROMPTS_LIST -> asked.answer(list("prompts", "name", prompts));
                case Method.RESOURCES_SUBSCRIBE, Method.RESOURCES_UNSUBSCRIBE -> {
                    if (holdsSubscriptions) {
                        pending.put(id, asked);
                    } else {
                        asked.answer(Json.EMPTY_OBJECT);
                    }
                }
                case Method.SET_LEVEL -> asked.answer(Json.EMPTY_OBJECT);
                default -> {
                    pending.put(id, asked);
                    onCall.accept(this, asked);
                }
            }
        }

        private Json list(String member, String key, List<String> names) {
            var entries = names.stream().map(name -> entry(key, name)).toList();
            return Json.object(
                    result ->
                            result.put(member, Json.array(entries))
                                    .put("ttlMs", lifetime.map(Json::of)));
        }

        @Override
        public void cancel(long id, String why) {
            received.add("cancel " + id);
            pending.remove(id);
        }

        @Override
        public void hearQuestions() {
            heard = true;
        }

        @Override
        public void notify(Spliced notification) {
            received.add(notification.envelope().method());
        }

        @Override
        public void answer(Spliced response) {
            answers.add(Envelope.parse(response.bytes()));
        }

        @Override
        public void listen(boolean wanted) {
            listening = wanted;
        }

        @Override
        public void leave() {
            left = true;
        }

        @Override
        public void close() {
            closingNow.incrementAndGet();
            exit.ifPresent(ScriptedBackend::await);
            closed = true;
            closingNow.decrementAndGet();
        }

        @Override
        public boolean hasHeardEnd() {
            return !deaf;
        }

        private final class Forgetting extends WrappedSink {
            private final long id;

            Forgetting(long id, Sink next) {
                super(next);
                this.id = id;
            }

            @Override
            public boolean takesFlow(int held) {
                return next().takesFlow(held);
            }

            @Override
            public void reply(Reply reply) {
                pending.remove(id);
                next().reply(reply);
            }
        }
    }
}
