package dev.heddle.core.session;

import dev.heddle.core.aggregation.Surface;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Optional;

/**
 * Says what is to become of a request, given what the client sees. Decides and does nothing else.
 */
final class Requests {

    /** What is to become of a request. */
    sealed interface Decision {
        /** The gateway answers it. */
        record Answer(Json result) implements Decision {}

        /** A backend answers it. */
        record Forward(BackendId backend, Spliced request) implements Decision {}

        /** The first of these backends that has the resource answers it; others may be asked. */
        record Probe(List<BackendId> backends, String uri) implements Decision {}

        /** The gateway answers it, after it has asked the backends after these tasks. */
        record ListTasks(List<String> names, Optional<String> next) implements Decision {}

        /** The client sets the level below which it wants no log messages. */
        record SetLevel(LogLevel level) implements Decision {}
    }

    static final Json NO_COMPLETIONS =
            Json.parse("{\"completion\":{\"values\":[],\"total\":0,\"hasMore\":false}}");

    private static final int TASKS_PAGE = 50;

    private Requests() {}

    /**
     * @throws Fault if nobody is to answer it
     */
    static Decision decide(
            Envelope request, Surface surface, Conversations conversations, Tasks tasks) {
        return switch (request.method()) {
            case Method.PING -> new Decision.Answer(Json.EMPTY_OBJECT);
            case Method.TOOLS_LIST -> new Decision.Answer(surface.tools().page(cursor(request)));
            case Method.RESOURCES_LIST ->
                    new Decision.Answer(surface.resources().page(cursor(request)));
            case Method.TEMPLATES_LIST ->
                    new Decision.Answer(surface.templates().page(cursor(request)));
            case Method.PROMPTS_LIST ->
                    new Decision.Answer(surface.prompts().page(cursor(request)));
            case Method.TOOLS_CALL -> toolCall(request, surface);
            case Method.PROMPTS_GET -> promptGet(request, surface);
            case Method.RESOURCES_READ -> read(request, surface);
            case Method.RESOURCES_SUBSCRIBE -> subscribe(request, surface, conversations);
            case Method.RESOURCES_UNSUBSCRIBE -> unsubscribe(request, surface, conversations);
            case Method.COMPLETE -> completion(request, surface);
            case Method.SET_LEVEL -> new Decision.SetLevel(level(request));
            case Method.TASKS_GET,
                    Method.TASKS_RESULT,
                    Method.TASKS_CANCEL,
                    Method.TASKS_UPDATE -> {
                var task = tasks.of(request);
                yield new Decision.Forward(task.backend(), Tasks.atBackend(request, task));
            }
            case Method.TASKS_LIST -> taskList(tasks.made(), cursor(request));
            case Method.INITIALIZE ->
                    throw new Fault.InvalidRequest("found initialize in an initialised session");
            default -> throw new Fault.MethodNotFound(request.method());
        };
    }

    private static Optional<String> cursor(Envelope request) {
        if (request.cursor().isEmpty() && request.param("cursor").isPresent()) {
            throw missing("cursor", "the nextCursor of an earlier page, or none");
        }
        return request.cursor();
    }

    /** A cursor is the number of the task before it, which may be forgotten by then. */
    private static Decision taskList(List<Tasks.Made> made, Optional<String> cursor) {
        long after = cursor.map(Requests::number).orElse(0L);
        var rest = made.stream().filter(task -> task.number() > after).toList();
        var page = rest.subList(0, Math.min(rest.size(), TASKS_PAGE));
        return new Decision.ListTasks(
                page.stream().map(Tasks.Made::name).toList(),
                page.size() < rest.size()
                        ? Optional.of(Long.toString(page.getLast().number()))
                        : Optional.empty());
    }

    private static long number(String cursor) {
        try {
            return Long.parseLong(cursor);
        } catch (NumberFormatException e) {
            throw missing("cursor", "the nextCursor of an earlier page of tasks");
        }
    }

    private static Decision toolCall(Envelope request, Surface surface) {
        var name = request.name().orElseThrow(() -> missing("name", "the name of a tool"));
        request.arguments()
                .filter(arguments -> !arguments.isObject())
                .ifPresent(
                        _ -> {
                            throw missing("arguments", "an object or nothing");
                        });
        var route = surface.tool(name).orElseThrow(() -> new Fault.ToolNotFound(name));
        return new Decision.Forward(route.backend(), renamed(request, name, route.original()));
    }

    private static Decision promptGet(Envelope request, Surface surface) {
        var name = request.name().orElseThrow(() -> missing("name", "the name of a prompt"));
        var route = surface.prompt(name).orElseThrow(() -> new Fault.PromptNotFound(name));
        return new Decision.Forward(route.backend(), renamed(request, name, route.original()));
    }

    private static Spliced renamed(Envelope request, String name, String original) {
        var message = Spliced.of(request);
        return name.equals(original) ? message : message.name(original);
    }

    /** A resource that nobody lists may be there all the same: a tool may just have made it. */
    private static Decision read(Envelope request, Surface surface) {
        var uri = uri(request);
        var backend = surface.resource(uri);
        return backend.isPresent()
                ? new Decision.Forward(backend.get(), Spliced.of(request))
                : new Decision.Probe(surface.resourceBackends(), uri);
    }

    private static String uri(Envelope request) {
        return request.uri().orElseThrow(() -> missing("uri", "the URI of a resource"));
    }

    private static Decision subscribe(
            Envelope request, Surface surface, Conversations conversations) {
        var uri = uri(request);
        if (conversations.subscriptions().isFull(uri)) {
            throw new Fault.InvalidRequest(
                    "found too many subscriptions in one session (expected: at most "
                            + Subscriptions.MOST
                            + ")");
        }
        var backend = surface.resource(uri).or(() -> only(surface.resourceBackends()));
        return backend.isPresent()
                ? new Decision.Forward(backend.get(), Spliced.of(request))
                : new Decision.Probe(surface.resourceBackends(), uri);
    }

    /** A resource that nobody lists can only be where resources are. */
    private static Optional<BackendId> only(List<BackendId> backends) {
        return backends.size() == 1 ? Optional.of(backends.getFirst()) : Optional.empty();
    }

    /** What the client has subscribed to it can end, listed or not. */
    private static Decision unsubscribe(
            Envelope request, Surface surface, Conversations conversations) {
        var uri = uri(request);
        var backend =
                conversations
                        .subscriptions()
                        .backend(uri)
                        .or(() -> surface.resource(uri))
                        .orElseThrow(() -> new Fault.ResourceNotFound(uri));
        return new Decision.Forward(backend, Spliced.of(request));
    }

    private static Decision completion(Envelope request, Surface surface) {
        var ref =
                request.param("ref")
                        .orElseThrow(() -> missing("ref", "a reference to a prompt or a resource"));
        return switch (ref.text("type").orElse("")) {
            case "ref/prompt" -> {
                var name =
                        ref.text("name")
                                .orElseThrow(() -> missing("ref.name", "the name of a prompt"));
                yield surface.prompt(name)
                        .<Decision>map(
                                route ->
                                        new Decision.Forward(
                                                route.backend(),
                                                name.equals(route.original())
                                                        ? Spliced.of(request)
                                                        : Spliced.of(request)
                                                                .ref(
                                                                        ref.with(
                                                                                "name",
                                                                                Json.of(
                                                                                        route
                                                                                                .original())))))
                        .orElse(new Decision.Answer(NO_COMPLETIONS));
            }
            case "ref/resource" -> {
                var uri =
                        ref.text("uri")
                                .orElseThrow(() -> missing("ref.uri", "a URI or a URI template"));
                var backend = surface.resource(uri).or(() -> only(surface.resourceBackends()));
                yield backend.<Decision>map(id -> new Decision.Forward(id, Spliced.of(request)))
                        .orElse(new Decision.Answer(NO_COMPLETIONS));
            }
            default -> throw missing("ref.type", "ref/prompt or ref/resource");
        };
    }

    private static LogLevel level(Envelope request) {
        return request.level()
                .flatMap(LogLevel::of)
                .orElseThrow(() -> missing("level", LogLevel.words()));
    }

    private static Fault missing(String param, String expected) {
        return new Fault.InvalidParams(
                "params." + param + ": found nothing usable (expected: " + expected + ")");
    }
}
