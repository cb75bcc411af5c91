package dev.heddle.core.session;

import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.AdmissionQueue.Pass;
import dev.heddle.core.session.Requests.Decision;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

/**
 * Carries out the requests of one session: answers what the gateway can answer, and sends the rest
 * to backends. Never blocks; thread-safe.
 */
final class Dispatch {
    private final SurfaceKeeper surfaces;
    private final Conversations conversations;
    private final Tasks tasks;
    private final Calls calls;
    private final SessionEvents events;
    private final Runnable used;

    /**
     * @param used told whenever a request has been answered here
     */
    Dispatch(
            SurfaceKeeper surfaces,
            Conversations conversations,
            Tasks tasks,
            Calls calls,
            SessionEvents events,
            Runnable used) {
        this.surfaces = surfaces;
        this.conversations = conversations;
        this.tasks = tasks;
        this.calls = calls;
        this.events = events;
        this.used = used;
    }

    /** Carries out a request, whose reply returns {@code pass}. */
    Running carryOut(Exchange exchange, Pass pass) {
        try {
            return carryOut(decide(exchange.request()), exchange, pass);
        } catch (Fault fault) {
            return refuse(exchange, fault, pass);
        } catch (MalformedJson e) {
            return refuse(exchange, new Fault.InvalidParams(e.getMessage()), pass);
        }
    }

    private Decision decide(Envelope request) {
        return Requests.decide(request, surfaces.surface(), conversations, tasks);
    }

    private Running carryOut(Decision decision, Exchange exchange, Pass pass) {
        return switch (decision) {
            case Decision.Answer(var result) -> answer(exchange, result, pass);
            case Decision.SetLevel(var level) -> {
                setLevel(level, () -> answer(exchange, Json.EMPTY_OBJECT, pass));
                yield Running.NONE;
            }
            case Decision.Probe(var backends, var uri) ->
                    calls.probe(backends, uri, exchange, pass);
            case Decision.ListTasks(var names, var next) ->
                    calls.listTasks(tasks, names, next, exchange, pass);
            case Decision.Forward(var backend, var request) ->
                    calls.forward(backend, request, tasks.named(exchange, backend), pass);
        };
    }

    private Running answer(Exchange exchange, Json result, Pass pass) {
        used.run();
        try (pass) {
            var response = JsonRpc.result(exchange.request().id(), result);
            exchange.sink().reply(new Reply.Response(Spliced.of(response)));
        }
        return Running.NONE;
    }

    private Running refuse(Exchange exchange, Fault fault, Pass pass) {
        used.run();
        try (pass) {
            exchange.sink().reply(new Reply.Failed(fault));
        }
        return Running.NONE;
    }

    /** What others have noted before counts no more once it is noted. */
    private void setLevel(LogLevel level, Runnable then) {
        conversations.setLevel(level);
        events.noteLevel(
                level,
                () -> {
                    events.level(level);
                    then.run();
                });
    }

    /**
     * Whether a request need not go where what cannot move of the session is: it is for a backend
     * that any process can reach, or for none.
     */
    boolean staysHere(Envelope request) {
        try {
            return request.method().equals(Method.PING)
                    || (decide(request) instanceof Decision.Forward(var backend, _)
                            && conversations
                                    .find(backend)
                                    .filter(one -> !one.backend().target().isBound())
                                    .isPresent());
        } catch (Fault | MalformedJson unknown) {
            return false;
        }
    }

    /** As of {@link MultiSession#knowsWay}. */
    boolean knowsWay(Envelope request) {
        try {
            return decide(request) instanceof Decision.Forward;
        } catch (Fault.ToolNotFound
                | Fault.PromptNotFound
                | Fault.ResourceNotFound
                | Fault.MethodNotFound unknown) {
            return false;
        } catch (Fault | MalformedJson refused) {
            return true; // whatever else there may be
        }
    }

    /** Whether it may become something else of a request when more is known of the backends. */
    boolean dependsOnOffers(Envelope request) {
        return switch (request.method()) {
            case Method.PING, Method.SET_LEVEL -> false;
            default -> !knowsWay(request);
        };
    }

    /** As of {@link MultiSession#leadsToStateless}. */
    boolean leadsToStateless(Envelope request) {
        try {
            return decide(request) instanceof Decision.Forward(var backend, _)
                    && surfaces.introduction(backend)
                            .filter(known -> !known.revision().hasSessions())
                            .isPresent();
        } catch (Fault | MalformedJson refused) {
            return false;
        }
    }
}
