package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.connect.Listening.Topic;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A conversation with a server that has no sessions (MCP 2026-07-28): each request says who asks,
 * and what the server wants to know it says in results. Thread-safe.
 */
final class StatelessSession implements BackendSession {

    /**
     * What such a conversation is made of.
     *
     * @param relays whether results that ask for something are handed on, since the client has no
     *     session either
     * @param knowsTasks whether the client has tasks that belong to its session
     * @param tools what is known of a tool, as its server lists it
     * @param era to be asked when the server may be another than it was
     * @param proven whether the server has shown in this conversation what it is
     */
    record Parts(
            String backend,
            StatelessWire wire,
            Hop hop,
            boolean relays,
            boolean knowsTasks,
            Function<String, Optional<Json>> tools,
            Ids ids,
            Alarms alarms,
            Era era,
            AtomicBoolean proven) {

        /** What the server at the other end is. */
        interface Era {
            /** Whether the server has sessions, as it says now. Blocks for a bounded time. */
            boolean hasSessions();
        }
    }

    private final Parts parts;
    private final Listening.Member listening;
    private final Runnable left;
    private final SparseMap<Long, StatelessCall> calls = new SparseMap<>();

    /**
     * @param left run when the conversation has ended
     */
    StatelessSession(Parts parts, Listening.Member listening, Runnable left) {
        this.parts = parts;
        this.listening = listening;
        this.left = left;
    }

    @Override
    public Optional<String> sessionId() {
        return Optional.empty();
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        switch (request.envelope().method()) {
            case Method.PING -> ping(id, sink);
            case Method.SET_LEVEL -> done(id, sink); // each request says its own
            case Method.RESOURCES_SUBSCRIBE -> subscribe(id, request, sink);
            case Method.RESOURCES_UNSUBSCRIBE -> {
                request.envelope()
                        .uri()
                        .map(uri -> new Topic(Topic.Kind.RESOURCE, uri))
                        .ifPresent(listening::unsubscribe);
                done(id, sink);
            }
            default -> {
                var call = new StatelessCall(parts, request, sink, () -> calls.remove(id));
                calls.put(id, call);
                call.begin(id);
            }
        }
    }

    private static void done(long id, Sink sink) {
        var response = JsonRpc.result(Json.of(id), Json.EMPTY_OBJECT);
        sink.reply(new Reply.Response(Spliced.of(response)));
    }

    /** There is no ping; a server that can be asked what it can do is there too. */
    private void ping(long id, Sink sink) {
        var request =
                parts.hop()
                        .on(
                                Spliced.of(
                                        JsonRpc.request(
                                                Json.of(id), Method.DISCOVER, Json.EMPTY_OBJECT)),
                                Optional.empty());
        parts.wire()
                .send(
                        id,
                        request,
                        Hop.headers(request, Optional.empty()),
                        new Sink() {
                            @Override
                            public void notification(Spliced message) {}

                            @Override
                            public boolean question(Question question) {
                                return false;
                            }

                            @Override
                            public void reply(Reply reply) {
                                if (reply instanceof Reply.Failed) {
                                    sink.reply(reply);
                                } else {
                                    done(id, sink);
                                }
                            }
                        });
    }

    private void subscribe(long id, Spliced request, Sink sink) {
        var uri = request.envelope().uri().orElse("");
        listening.subscribe(
                new Topic(Topic.Kind.RESOURCE, uri),
                watched -> {
                    if (watched) {
                        done(id, sink);
                    } else {
                        var why = "the server does not tell of updates of '" + uri + "'";
                        var error = JsonRpc.error(Json.of(id), ErrorCode.INVALID_PARAMS, why);
                        sink.reply(new Reply.Response(Spliced.of(error)));
                    }
                });
    }

    @Override
    public void cancel(long id, String why) {
        var call = calls.remove(id);
        if (call != null) {
            call.cancel(why);
        } else {
            parts.wire().cancel(id, why);
        }
    }

    /** Such a server takes no notifications but what the wire itself says. */
    @Override
    public void notify(Spliced notification) {}

    /** Such a server asks nothing to which a response would be the answer. */
    @Override
    public void answer(Spliced response) {}

    @Override
    public void watchTask(String task, Consumer<Boolean> told) {
        listening.subscribe(new Topic(Topic.Kind.TASK, task), told);
    }

    @Override
    public void unwatchTask(String task) {
        listening.unsubscribe(new Topic(Topic.Kind.TASK, task));
    }

    @Override
    public void listen(boolean wanted) {
        listening.lists(wanted);
    }

    @Override
    public void close() {
        listening.leave();
        calls.values().forEach(StatelessCall::closed);
        parts.wire().close();
        left.run();
    }
}
