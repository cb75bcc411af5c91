package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.tasks.TaskNames.Task;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * The tasks of one session's client: calls whose results come later (MCP 2025-11-25, Tasks; the
 * extension {@code io.modelcontextprotocol/tasks} of 2026-07-28). They live at their backends; the
 * client knows them by names of ours. Thread-safe.
 */
public final class Tasks {
    private static final String ID = TaskForms.ID;
    private static final String TASK = "task";
    private static final int MANY = 1000;

    /** So that two processes hardly ever take the same number. */
    private static final int PER_MILLI = 1024;

    /**
     * A task that was made for the client.
     *
     * @param number grows with each, whichever process makes it
     */
    public record Made(long number, String name) {}

    /** Where it is noted which tasks there are, for other processes. Never blocks. */
    public interface Notes {
        Notes NONE = new Notes() {};

        /**
         * Notes a new task.
         *
         * @param dropped older ones that are not listed any more
         */
        default void made(Made task, List<Made> dropped) {}

        /** Notes that a task is no more. */
        default void forgotten(Made task) {}
    }

    private final TaskNames names;
    private final String owner;
    private final boolean extension;
    private final Predicate<BackendId> stays;
    private final Notes notes;
    private final LongSupplier millis;
    private final AtomicReference<List<Made>> made = new AtomicReference<>(List.of());

    /**
     * @param owner whose tasks they are
     * @param stays whether only this process can ask a backend after them
     * @param millis the time
     */
    public Tasks(
            TaskNames names,
            String owner,
            ClientProfile profile,
            Predicate<BackendId> stays,
            Notes notes,
            LongSupplier millis) {
        this.names = names;
        this.owner = owner;
        this.extension = declares(profile);
        this.stays = stays;
        this.notes = notes;
        this.millis = millis;
    }

    /** Whether a client says that it understands tasks as an extension. */
    public static boolean declares(ClientProfile profile) {
        return profile.capabilities()
                .get("extensions")
                .flatMap(extensions -> extensions.get(MetaKey.TASKS))
                .isPresent();
    }

    /** Whether nothing more happens to a task in {@code status}. */
    public static boolean isOver(String status) {
        return TaskForms.isOver(status);
    }

    /**
     * The task that a request is about.
     *
     * @throws Fault.InvalidParams if its client knows no such task
     */
    public Task of(Envelope request) {
        return of(request.param(ID).filter(Json::isString).map(Json::text).orElse(""));
    }

    /**
     * The task that the client knows as {@code name}.
     *
     * @throws Fault.InvalidParams if it knows no such task
     */
    public Task of(String name) {
        return names.find(name, owner);
    }

    /** The tasks that were made for the client, oldest first; not more than 1000. */
    public List<Made> made() {
        return made.get();
    }

    /** The client has no use any more for the task called {@code name}. */
    public void forget(String name) {
        made.getAndUpdate(all -> without(all, name)).stream()
                .filter(one -> one.name().equals(name))
                .forEach(notes::forgotten);
    }

    private static List<Made> without(List<Made> all, String name) {
        return all.stream().filter(one -> !one.name().equals(name)).toList();
    }

    /** Knows those too that were made at other processes. */
    public void join(Collection<Made> others) {
        if (!others.isEmpty()) {
            made.updateAndGet(all -> newest(all, others));
        }
    }

    private static List<Made> newest(List<Made> all, Collection<Made> others) {
        var both = new TreeMap<Long, Made>();
        all.forEach(one -> both.put(one.number(), one));
        others.forEach(one -> both.put(one.number(), one));
        var list = List.copyOf(both.values());
        return list.subList(Math.max(0, list.size() - MANY), list.size());
    }

    private void make(String name) {
        long now = millis.getAsLong() * PER_MILLI + ThreadLocalRandom.current().nextInt(PER_MILLI);
        var before = made.getAndUpdate(all -> newest(all, List.of(next(all, now, name))));
        var task = next(before, now, name);
        var dropped = new ArrayList<>(before);
        dropped.removeAll(newest(before, List.of(task)));
        notes.made(task, dropped);
    }

    private static Made next(List<Made> all, long now, String name) {
        return new Made(all.isEmpty() ? now : Math.max(now, all.getLast().number() + 1), name);
    }

    /** A request about a task, as the task's backend knows it. */
    public static Spliced atBackend(Envelope request, Task task) {
        var params = request.params().orElse(Json.EMPTY_OBJECT).with(ID, Json.of(task.id()));
        return Spliced.of(JsonRpc.request(request.id(), request.method(), params));
    }

    /**
     * An exchange whose client knows tasks of {@code backend} by their names, if it is about any.
     */
    public Exchange named(Exchange exchange, BackendId backend) {
        var request = exchange.request();
        boolean concerned =
                switch (request.method()) {
                    case Method.TASKS_GET,
                            Method.TASKS_RESULT,
                            Method.TASKS_CANCEL,
                            Method.TASKS_UPDATE ->
                            true;
                    case Method.TOOLS_CALL -> extension || request.task().isPresent();
                    default -> false;
                };
        return concerned
                ? new Exchange(
                        request,
                        new Naming(
                                exchange.sink(),
                                backend,
                                request.method().equals(Method.TOOLS_CALL)))
                : exchange;
    }

    /** A message of {@code backend} that may be about a task, as the client knows it. */
    public Spliced named(Spliced message, BackendId backend) {
        var envelope = message.envelope();
        if (envelope.method().equals(Method.TASK_STATUS)
                || envelope.method().equals(Method.TASK_CHANGED)) {
            var params = named(envelope.params().orElse(Json.EMPTY_OBJECT), backend);
            return Spliced.of(JsonRpc.notification(envelope.method(), params));
        }
        return message;
    }

    /** A question of {@code backend} that may be asked for a task, as the client knows it. */
    public Question named(Question question, BackendId backend) {
        var request = Envelope.parse(question.message().bytes()); // under the next hop's id
        var params = request.params().filter(given -> given.contains(MetaKey.RELATED_TASK));
        if (params.isEmpty()) {
            return question;
        }
        var message =
                JsonRpc.request(request.id(), request.method(), related(params.get(), backend));
        return new Question(Spliced.of(message), question.answer(), question.wayLost());
    }

    /** {@code object} with the names of the tasks that it is about. */
    public Json named(Json object, BackendId backend) {
        var whole = object;
        var id = object.text(ID);
        if (id.isPresent()) {
            whole = whole.with(ID, name(backend, id.get()));
        }
        var task = object.get(TASK).filter(Json::isObject);
        var inner = task.flatMap(one -> one.text(ID));
        if (inner.isPresent()) {
            whole = whole.with(TASK, task.orElseThrow().with(ID, name(backend, inner.get())));
        }
        return related(whole, backend);
    }

    private Json related(Json object, BackendId backend) {
        var meta = object.get("_meta");
        var related = meta.flatMap(given -> given.get(MetaKey.RELATED_TASK));
        var id = related.flatMap(given -> given.text(ID));
        return id.isEmpty()
                ? object
                : object.with(
                        "_meta",
                        meta.orElseThrow()
                                .with(
                                        MetaKey.RELATED_TASK,
                                        related.orElseThrow().with(ID, name(backend, id.get()))));
    }

    private Json name(BackendId backend, String id) {
        return Json.of(names.name(new Task(backend, id), owner, stays.test(backend)));
    }

    /** Puts the names of tasks into what comes back for one request. */
    private final class Naming extends WrappedSink {
        private final BackendId backend;
        private final boolean makes;

        /**
         * @param makes whether a task that is named is a new one
         */
        Naming(Sink sink, BackendId backend, boolean makes) {
            super(sink);
            this.backend = backend;
            this.makes = makes;
        }

        @Override
        public void notification(Spliced message) {
            next().notification(Tasks.this.named(message, backend));
        }

        @Override
        public boolean question(Question question) {
            return next().question(Tasks.this.named(question, backend));
        }

        @Override
        public void reply(Reply reply) {
            next().reply(reply instanceof Reply.Response(var message) ? readable(message) : reply);
        }

        private Reply readable(Spliced message) {
            try {
                return named(message);
            } catch (MalformedJson e) {
                return new Reply.Failed(
                        new Fault.BackendFailed(
                                backend.value(),
                                Fault.BackendFailed.Reason.GARBAGE,
                                "sent a result with " + e.getMessage(),
                                true));
            }
        }

        private Reply named(Spliced message) {
            var response = Envelope.parse(message.bytes());
            if (response.result().isEmpty()) {
                return new Reply.Response(message);
            }
            var given = response.result().get();
            boolean task = !makes || isTask(given);
            var result = task ? Tasks.this.named(given, backend) : related(given, backend);
            if (makes && task) {
                result.text(ID)
                        .or(() -> result.get(TASK).flatMap(made -> made.text(ID)))
                        .ifPresent(Tasks.this::make);
            }
            return new Reply.Response(Spliced.of(JsonRpc.result(response.id(), result)));
        }

        /** Whether a call has become a task; the result of a tool may have any members. */
        private boolean isTask(Json result) {
            return extension
                    ? result.text("resultType").filter(TASK::equals).isPresent()
                    : result.get(TASK).flatMap(task -> task.text(ID)).isPresent();
        }
    }
}
