package dev.heddle.transport.serve;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.core.session.ImplicitSessions;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.core.tasks.TaskNames;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import io.netty.handler.codec.http.HttpHeaders;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The endpoint for clients without sessions: each request says for itself who it is from and what
 * its client can do, and is carried out in the session that the gateway has for such clients (MCP
 * 2026-07-28).
 *
 * <p>A request whose session has begun stays on its event loop. Thread-safe.
 */
final class StatelessEndpoint {
    private static final Logger log = LoggerFactory.getLogger(StatelessEndpoint.class);

    private final ImplicitSessions sessions;
    private final Rounds rounds;
    private final StatelessForms forms;
    private final Ids ids;
    private final SharedSubscriptions subscriptions;
    private final TaskNames tasks;
    private final String here;
    private final Rounds.Returns returns = new Returns();

    /**
     * @param here what other processes reach this one by; empty if they do not
     */
    StatelessEndpoint(Stateless service, Introductions.Self self, String here) {
        this.sessions = service.sessions();
        this.forms = new StatelessForms(self);
        this.rounds = new Rounds(service.parked(), service.states(), forms, here);
        this.ids = service.ids();
        this.subscriptions = service.subscriptions();
        this.tasks = service.tasks();
        this.here = here;
    }

    private static Json spoken() {
        return Json.array(List.of(Json.of(Revision.STATELESS.text())));
    }

    /**
     * A request or notification of such a client, and what is needed to answer it.
     *
     * @param headers those of the message, if it came over HTTP
     * @param away the way to other processes that may know of it
     * @param own the id of the session that the exchange has for itself, if it has one; known to a
     *     request that comes back too
     */
    record Asked(
            Envelope message,
            Optional<HttpHeaders> headers,
            Identity caller,
            boolean takesEvents,
            Answer reply,
            Optional<Away> away,
            Optional<String> own) {
        Asked(
                Envelope message,
                Optional<HttpHeaders> headers,
                Identity caller,
                boolean takesEvents,
                Answer reply) {
            this(message, headers, caller, takesEvents, reply, Optional.empty(), Optional.empty());
        }

        Asked with(Envelope other) {
            return new Asked(other, headers, caller, takesEvents, reply, away, own);
        }

        Asked in(Optional<String> session) {
            return new Asked(message, headers, caller, takesEvents, reply, away, session);
        }
    }

    void handle(Asked asked) {
        guarded(asked, () -> decide(asked));
    }

    private void decide(Asked asked) {
        var message = asked.message();
        var reply = asked.reply();
        var refusal = StatelessRules.refusal(asked.headers(), message);
        if (refusal.isPresent()) {
            reply.error(400, refusal.get());
        } else if (message.isNotification()) {
            reply.empty(202);
        } else {
            switch (message.method()) {
                case Method.DISCOVER -> discover(asked);
                case Method.TOOLS_LIST,
                        Method.PROMPTS_LIST,
                        Method.RESOURCES_LIST,
                        Method.TEMPLATES_LIST,
                        Method.TOOLS_CALL,
                        Method.PROMPTS_GET,
                        Method.RESOURCES_READ,
                        Method.COMPLETE ->
                        inSession(asked);
                case Method.LISTEN -> {
                    var lacking =
                            ListenStream.isAboutTasks(message)
                                    ? StatelessRules.lacksTasks(message)
                                    : Optional.<Envelope>empty();
                    lacking.ifPresentOrElse(
                            error -> reply.error(400, error), () -> inSession(asked));
                }
                case Method.TASKS_GET, Method.TASKS_UPDATE, Method.TASKS_CANCEL ->
                        StatelessRules.lacksTasks(message)
                                .ifPresentOrElse(
                                        lacking -> reply.error(400, lacking),
                                        () -> inSession(asked));
                default ->
                        StatelessForms.refuse(
                                reply, message.id(), new Fault.MethodNotFound(message.method()));
            }
        }
    }

    /** What the backends want to be known is told too, if it is known. */
    private void discover(Asked asked) {
        var profile = profile(asked.message());
        sessions.live(asked.caller(), profile)
                .filter(MultiSession::isSettled)
                .ifPresentOrElse(
                        session -> discovered(asked, session),
                        () -> blocking(asked, () -> discoverAll(asked, profile)));
    }

    private void discoverAll(Asked asked, ClientProfile profile) {
        var session = sessions.find(asked.caller(), common(profile));
        session.settle();
        discovered(asked, session);
    }

    private void discovered(Asked asked, MultiSession session) {
        var whole =
                forms.ownCacheable(
                        Json.object(
                                result ->
                                        result.put("supportedVersions", spoken())
                                                .put("capabilities", session.capabilities())
                                                .put(
                                                        "instructions",
                                                        session.instructions().map(Json::of))));
        asked.reply().last(200, Spliced.of(JsonRpc.result(asked.message().id(), whole)));
    }

    /**
     * What a client said of itself. It need not say who it is, but servers with sessions want to
     * know, and are told the gateway's own name then.
     */
    private ClientProfile profile(Envelope message) {
        var meta = message.meta().orElse(Json.EMPTY_OBJECT);
        return new ClientProfile(
                Revision.STATELESS,
                meta.get(MetaKey.CLIENT_CAPABILITIES).orElse(Json.EMPTY_OBJECT),
                meta.get(MetaKey.CLIENT_INFO)
                        .filter(info -> info.text("name").isPresent())
                        .filter(info -> info.text("version").isPresent())
                        .orElse(forms.serverInfo()));
    }

    private void inSession(Asked asked) {
        guarded(asked, () -> rounds.goOn(asked, returns).ifPresent(this::begin));
    }

    private final class Returns implements Rounds.Returns {
        @Override
        public Sink sink(Asked asked) {
            return StatelessEndpoint.this.sink(asked);
        }

        @Override
        public Optional<Envelope> refusal(Asked asked) {
            return asked.own()
                    .flatMap(sessions::live)
                    .or(() -> sessions.live(asked.caller(), profile(asked.message())))
                    .flatMap(session -> mismatch(session, asked));
        }

        @Override
        public void leave(Asked asked) {
            asked.own()
                    .flatMap(sessions::takeBack)
                    .ifPresent(session -> sessions.end(session, asked.caller()));
        }
    }

    /** Carries out a request that belongs to none that went before. */
    private void begin(Asked asked) {
        var home = task(asked.message()).flatMap(tasks::home).filter(at -> !at.equals(here));
        if (home.isPresent()) {
            Rounds.hand(asked, home.get());
            return;
        }
        var profile = profile(asked.message());
        var before = asked.own().flatMap(sessions::takeBack);
        if (before.isPresent()) {
            blocking(asked, () -> aloneIn(before.get(), asked));
            return;
        }
        var ofTask = task(asked.message()).flatMap(sessions::ofTask);
        var live = ofTask.or(() -> sessions.live(asked.caller(), profile));
        if (live.isEmpty() || !isReady(live.get(), asked)) {
            blocking(asked, () -> inOwnOrShared(live, profile, asked));
        } else if (isShareable(live.get(), profile, asked)) {
            carry(live.get(), asked, _ -> {});
        } else {
            blocking(asked, () -> alone(profile, asked));
        }
    }

    /** The name of the task that a request is about. */
    private static Optional<String> task(Envelope request) {
        return switch (request.method()) {
            case Method.TASKS_GET, Method.TASKS_UPDATE, Method.TASKS_CANCEL ->
                    request.param("taskId").filter(Json::isString).map(Json::text);
            default -> Optional.empty();
        };
    }

    /** Whoever wants what is known already waits for nothing else. */
    private static boolean isReady(MultiSession session, Asked asked) {
        return session.isSettled() || session.knowsWay(asked.message());
    }

    private static void makeReady(MultiSession session, Asked asked) {
        if (!isReady(session, asked)) {
            session.settle();
        }
    }

    private void inOwnOrShared(Optional<MultiSession> live, ClientProfile profile, Asked asked) {
        var session = live.orElseGet(() -> sessions.find(asked.caller(), common(profile)));
        makeReady(session, asked);
        if (isShareable(session, profile, asked)) {
            carry(session, asked, _ -> {});
        } else {
            alone(profile, asked);
        }
    }

    /** What several clients have in common. */
    private ClientProfile common(ClientProfile profile) {
        return new ClientProfile(profile.revision(), profile.capabilities(), forms.serverInfo());
    }

    private boolean isShareable(MultiSession session, ClientProfile profile, Asked asked) {
        return !sessions.wantsOwn(asked.caller(), profile, asked.message().method())
                || session.leadsToStateless(asked.message());
    }

    private static void blocking(Asked asked, Runnable task) {
        Thread.ofVirtual().name("heddle-front").start(() -> guarded(asked, task));
    }

    /** Carries out a request in a session of its own, which ends with it. */
    private void alone(ClientProfile profile, Asked asked) {
        aloneIn(sessions.own(asked.caller(), profile, asked.reply().remote()), asked);
    }

    private void aloneIn(MultiSession session, Asked first) {
        var asked = first.in(Optional.of(session.id()));
        Consumer<Optional<Reply>> over = reply -> leave(session, asked, reply);
        try {
            makeReady(session, asked);
            carry(session, asked, over);
        } catch (RuntimeException e) {
            over.accept(Optional.empty());
            throw e;
        }
    }

    /** Whoever is to open a URL first comes back to the same server, which may remember it. */
    private void leave(MultiSession session, Asked asked, Optional<Reply> reply) {
        boolean comesBack =
                reply.orElse(null) instanceof Reply.Response(var message)
                        && Rounds.leadsToUrls(asked.message(), message.envelope());
        if (comesBack) {
            sessions.keep(session, asked.caller(), ParkedExchanges.PATIENCE);
        } else {
            sessions.end(session, asked.caller());
        }
    }

    private static void guarded(Asked asked, Runnable task) {
        var id = asked.message().id();
        try {
            task.run();
        } catch (Fault fault) {
            StatelessForms.refuse(asked.reply(), id, fault);
        } catch (MalformedJson e) {
            StatelessForms.refuse(asked.reply(), id, new Fault.InvalidParams(e.getMessage()));
        } catch (RuntimeException bug) {
            log.error("request could not be handled", bug);
            asked.reply().error(500, JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, "Internal error"));
        }
    }

    /**
     * Carries out a request in {@code session}.
     *
     * @param over told when the whole exchange is over
     */
    private void carry(MultiSession session, Asked asked, Consumer<Optional<Reply>> over) {
        var message = asked.message();
        switch (message.method()) {
            case Method.LISTEN ->
                    ListenStream.open(
                            name -> sessions.ofTask(name).orElse(session),
                            session,
                            asked,
                            forms,
                            subscriptions);
            case Method.TOOLS_CALL -> {
                var mismatch = mismatch(session, asked);
                if (mismatch.isPresent()) {
                    over.accept(Optional.empty());
                    asked.reply().error(400, mismatch.get());
                } else {
                    rounds.begin(session, asked, known(message), sink(asked), over);
                }
            }
            case Method.PROMPTS_GET, Method.RESOURCES_READ ->
                    rounds.begin(session, asked, known(message), sink(asked), over);
            default -> {
                var exchange = new Exchange(known(message), sink(asked));
                var running = session.exchange(asked.caller(), exchange);
                asked.reply().whenOver(running::cancel);
            }
        }
    }

    /**
     * The request under an id that no other client in its session uses; the reply gets the client's
     * own again.
     */
    private Envelope known(Envelope request) {
        return Envelope.parse(Spliced.of(request).id(Json.of(ids.next())).bytes());
    }

    /** What a tool's headers say that its arguments do not. */
    private static Optional<Envelope> mismatch(MultiSession session, Asked asked) {
        var message = asked.message();
        if (!message.method().equals(Method.TOOLS_CALL)) {
            return Optional.empty();
        }
        return asked.headers()
                .flatMap(
                        given ->
                                message.name()
                                        .map(session.tools()::headers)
                                        .flatMap(
                                                headers ->
                                                        headers.mismatch(
                                                                message.arguments(),
                                                                name ->
                                                                        Optional.ofNullable(
                                                                                given.get(name)))))
                .map(why -> StatelessRules.mismatch(message, why));
    }

    private StatelessSink sink(Asked asked) {
        var message = asked.message();
        var level =
                message.meta().flatMap(meta -> meta.text(MetaKey.LOG_LEVEL)).flatMap(LogLevel::of);
        boolean list =
                switch (message.method()) {
                    case Method.TOOLS_LIST,
                            Method.PROMPTS_LIST,
                            Method.RESOURCES_LIST,
                            Method.TEMPLATES_LIST ->
                            true;
                    default -> false;
                };
        boolean read = message.method().equals(Method.RESOURCES_READ);
        return new StatelessSink(
                message,
                asked.reply(),
                asked.takesEvents(),
                asked.own().isPresent() || asked.headers().isEmpty(),
                level,
                response -> {
                    noteEnd(asked, response);
                    return list
                            ? forms.ownList(response)
                            : rounds.asRound(
                                    asked,
                                    forms.response(
                                            response,
                                            read ? message.uri() : Optional.empty(),
                                            message.method().equals(Method.TOOLS_CALL)));
                });
    }

    /** A task whose client has been told that it has ended needs no session much longer. */
    private void noteEnd(Asked asked, Envelope response) {
        var request = asked.message();
        boolean over =
                switch (request.method()) {
                    case Method.TASKS_CANCEL -> response.result().isPresent();
                    case Method.TASKS_GET ->
                            response.result()
                                    .flatMap(state -> state.text("status"))
                                    .filter(Tasks::isOver)
                                    .isPresent();
                    default -> false;
                };
        if (over) {
            task(request).ifPresent(name -> sessions.taskOver(name, asked.caller()));
        }
    }
}
