package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A list of tasks: asks the backend of each, all at once, what has become of it (MCP 2025-11-25,
 * Tasks). A backend's own list could be that of other clients too. Thread-safe.
 */
final class TaskList implements InFlight {
    private final Calls calls;
    private final Tasks tasks;
    private final List<String> names;
    private final Optional<String> next;
    private final Exchange exchange;
    private final Consumer<TaskList> over;
    private final Queue<ForwardedCall> asked = new ConcurrentLinkedQueue<>();
    private final Map<String, Json> found = new ConcurrentHashMap<>();
    private final AtomicInteger missing;
    private volatile Optional<Fault> ending = Optional.empty();

    /**
     * @param next the cursor of the page after this
     * @param over told before the client gets its reply
     */
    TaskList(
            Calls calls,
            Tasks tasks,
            List<String> names,
            Optional<String> next,
            Exchange exchange,
            Consumer<TaskList> over) {
        this.calls = calls;
        this.tasks = tasks;
        this.names = names;
        this.next = next;
        this.exchange = exchange;
        this.over = over;
        this.missing = new AtomicInteger(names.size() + 1);
    }

    @Override
    public void begin() {
        names.forEach(this::ask);
        settled();
    }

    private void ask(String name) {
        try {
            var task = tasks.of(name);
            var params = Json.object(members -> members.put("taskId", task.id()));
            var request = JsonRpc.request(exchange.request().id(), Method.TASKS_GET, params);
            var call =
                    calls.call(
                            task.backend(),
                            request,
                            new ResultSink(
                                    state -> {
                                        note(name, state, task.backend());
                                        settled();
                                    },
                                    otherwise -> {
                                        missed(name, otherwise);
                                        settled();
                                    }));
            calls.start(call);
            asked.add(call);
            ending.ifPresent(why -> end(call, why));
        } catch (Fault unreachable) {
            settled();
        }
    }

    /** A task that cannot be read is left out; whoever asks after it hears why. */
    private void note(String name, Json state, BackendId backend) {
        try {
            found.put(name, tasks.named(state, backend));
        } catch (MalformedJson unreadable) {
            found.remove(name);
        }
    }

    /** A task that its backend does not know any more is not asked after again. */
    private void missed(String name, Reply reply) {
        if (reply instanceof Reply.Response(var message)
                && message.envelope().errorCode() == ErrorCode.INVALID_PARAMS) {
            tasks.forget(name);
        }
    }

    private void settled() {
        if (missing.decrementAndGet() != 0) {
            return;
        }
        over.accept(this);
        var reply =
                ending.<Reply>map(Reply.Failed::new)
                        .orElseGet(
                                () ->
                                        new Reply.Response(
                                                Spliced.of(
                                                        JsonRpc.result(
                                                                exchange.request().id(), list()))));
        exchange.sink().reply(reply);
    }

    private Json list() {
        var known = names.stream().filter(found::containsKey).map(found::get).toList();
        return Json.object(
                result ->
                        result.put("tasks", Json.array(known))
                                .put("nextCursor", next.map(Json::of)));
    }

    @Override
    public void cancel() {
        end(new Fault.Cancelled());
    }

    @Override
    public void sessionEnds(Fault why) {
        end(why);
    }

    private void end(Fault why) {
        ending = Optional.of(why);
        asked.forEach(call -> end(call, why));
    }

    private static void end(ForwardedCall call, Fault why) {
        if (why instanceof Fault.Cancelled) {
            call.cancel();
        } else {
            call.sessionEnds(why);
        }
    }

    @Override
    public long checkSilence() {
        return asked.stream()
                .mapToLong(ForwardedCall::checkSilence)
                .min()
                .orElse(SilenceWatch.NEVER);
    }

    @Override
    public Optional<ForwardedCall> at(Conversation conversation) {
        return asked.stream().flatMap(call -> call.at(conversation).stream()).findFirst();
    }
}
