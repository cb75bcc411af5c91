package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.core.tasks.TaskNames;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

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
    private final SessionPlaces places;
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
        this.forms = new StatelessForms(self);
        this.places = new SessionPlaces(service.sessions(), forms.serverInfo());
        this.rounds = new Rounds(service.parked(), service.states(), forms, here);
        this.ids = service.ids();
        this.subscriptions = service.subscriptions();
        this.tasks = service.tasks();
        this.here = here;
    }

    private static Json spoken() {
        return Json.array(List.of(Json.of(Revision.STATELESS.text())));
    }

    void handle(Asked asked) {
        asked.guarded(() -> decide(asked));
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
                    if (ListenStream.isAboutTasks(message)) {
                        ifTasksAreKnown(asked);
                    } else {
                        inSession(asked);
                    }
                }
                case Method.TASKS_GET, Method.TASKS_UPDATE, Method.TASKS_CANCEL ->
                        ifTasksAreKnown(asked);
                default ->
                        StatelessForms.refuse(
                                reply, message.id(), new Fault.MethodNotFound(message.method()));
            }
        }
    }

    private void ifTasksAreKnown(Asked asked) {
        StatelessRules.lacksTasks(asked.message())
                .ifPresentOrElse(
                        lacking -> asked.reply().error(400, lacking), () -> inSession(asked));
    }

    /** What the backends want to be known is told too, if it is known. */
    private void discover(Asked asked) {
        places.whenSettled(asked, session -> discovered(asked, session));
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

    private void inSession(Asked asked) {
        asked.guarded(() -> rounds.goOn(asked, returns).ifPresent(this::begin));
    }

    private final class Returns implements Rounds.Returns {
        @Override
        public Sink sink(Asked asked) {
            return StatelessEndpoint.this.sink(asked);
        }

        @Override
        public Optional<Envelope> refusal(Asked asked) {
            return places.known(asked)
                    .flatMap(session -> StatelessRules.mismatch(session.tools(), asked));
        }

        @Override
        public void leave(Asked asked) {
            places.leave(asked);
        }
    }

    /** Carries out a request that belongs to none that went before. */
    private void begin(Asked asked) {
        var home = asked.task().flatMap(tasks::home).filter(at -> !at.equals(here));
        if (home.isPresent()) {
            Rounds.hand(asked, home.get());
        } else {
            places.place(asked, this::carry);
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
                            name -> places.ofTask(name).orElse(session),
                            session,
                            asked,
                            forms,
                            subscriptions);
            case Method.TOOLS_CALL -> {
                var mismatch = StatelessRules.mismatch(session.tools(), asked);
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
            asked.task().ifPresent(name -> places.taskOver(name, asked.caller()));
        }
    }
}
