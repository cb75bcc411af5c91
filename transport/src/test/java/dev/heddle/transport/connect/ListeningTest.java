package dev.heddle.transport.connect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.connect.Listening.Topic;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** What is heard of a server without sessions. */
class ListeningTest {
    private final Wire wire = new Wire();
    private final List<Runnable> alarms = new CopyOnWriteArrayList<>();
    private final Listening listening =
            new Listening(
                    wire,
                    Hop.of(ClientProfile.gateway("test", "1")),
                    new Ids(),
                    new Alarms() {
                        @Override
                        public Alarm after(Duration delay, Runnable task) {
                            alarms.add(task);
                            return () -> alarms.remove(task);
                        }

                        @Override
                        public long now() {
                            return 0;
                        }
                    });

    /** A server that honours everything but what is called hidden. */
    private static final class Wire implements StatelessWire {
        private final Map<Long, Sink> open = new ConcurrentHashMap<>();
        private final List<Envelope> asked = new CopyOnWriteArrayList<>();
        private volatile boolean silent;

        @Override
        public void send(long id, Spliced request, Map<String, String> fields, Sink sink) {
            var message = Envelope.parse(request.bytes());
            asked.add(message);
            open.put(id, sink);
            if (!silent) {
                acknowledge(id, message, sink);
            }
        }

        private static void acknowledge(long id, Envelope message, Sink sink) {
            var wanted = message.param("notifications").orElseThrow();
            var uris =
                    wanted
                            .get("resourceSubscriptions")
                            .map(Json::elements)
                            .orElse(List.of())
                            .stream()
                            .filter(uri -> !uri.text().contains("hidden"))
                            .toList();
            var honoured = wanted.with("resourceSubscriptions", Json.array(uris));
            say(sink, id, Method.ACKNOWLEDGED, Json.object(p -> p.put("notifications", honoured)));
        }

        private static void say(Sink sink, long id, String method, Json params) {
            var meta = Json.object(m -> m.put("io.modelcontextprotocol/subscriptionId", id));
            var message = JsonRpc.notification(method, params.with("_meta", meta));
            sink.notification(Spliced.of(message));
        }

        void say(String method, Json params) {
            open.forEach((id, sink) -> say(sink, id, method, params));
        }

        /** Says something on the oldest stream that is open. */
        void sayOnOldest(String method, Json params) {
            sayOn(open.keySet().stream().min(Long::compare).orElseThrow(), method, params);
        }

        void sayOnNewest(String method, Json params) {
            sayOn(open.keySet().stream().max(Long::compare).orElseThrow(), method, params);
        }

        private void sayOn(long stream, String method, Json params) {
            open.forEach(
                    (id, sink) -> {
                        if (id == stream) {
                            say(sink, id, method, params);
                        }
                    });
        }

        void acknowledgeNewest() {
            long id = open.keySet().stream().max(Long::compare).orElseThrow();
            open.forEach(
                    (stream, sink) -> {
                        if (stream == id) {
                            acknowledge(id, asked.getLast(), sink);
                        }
                    });
        }

        void breakOff() {
            var why =
                    Fault.BackendFailed.notSent(
                            "b", Fault.BackendFailed.Reason.DISCONNECTED, "broke off");
            var all = Map.copyOf(open);
            open.clear();
            all.values().forEach(sink -> sink.reply(new Reply.Failed(why)));
        }

        void refuse(int code) {
            var all = Map.copyOf(open);
            open.clear();
            all.forEach(
                    (id, sink) -> {
                        var error = JsonRpc.error(Json.of(id), code, "no");
                        sink.reply(new Reply.Response(Spliced.of(error)));
                    });
        }

        @Override
        public boolean hasHeaders() {
            return true;
        }

        @Override
        public void cancel(long id, String why) {
            open.remove(id);
        }

        @Override
        public void close() {}
    }

    /** Somebody who keeps what it is told. */
    private static final class Told implements BackendEvents {
        private final List<String> told = new CopyOnWriteArrayList<>();

        @Override
        public void notification(Envelope message) {
            told.add(message.uri().map(uri -> "updated " + uri).orElse(message.method()));
            assertThat(message.meta()).isEmpty();
        }

        @Override
        public void question(Question question) {}

        @Override
        public void lost(Fault.BackendFailed why) {}
    }

    private static Json uri(String uri) {
        return Json.object(params -> params.put("uri", uri));
    }

    private void fire() {
        var due = List.copyOf(alarms);
        alarms.clear();
        due.forEach(Runnable::run);
    }

    private static Topic resource(String uri) {
        return new Topic(Topic.Kind.RESOURCE, uri);
    }

    @Test
    void each_is_told_what_it_wants_on_one_stream_for_all() {
        var one = new Told();
        var other = new Told();
        var first = listening.join(one);
        var second = listening.join(other);
        var watched = new ArrayList<Boolean>();
        first.lists(true);
        second.subscribe(resource("x:1"), watched::add);
        assertThat(watched).containsExactly(true);
        fire();
        assertThat(wire.open).hasSize(1);
        wire.say(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        wire.say(Method.RESOURCE_UPDATED, uri("x:1"));
        wire.say(Method.RESOURCE_UPDATED, uri("x:2"));
        assertThat(one.told).containsExactly(Method.TOOLS_CHANGED);
        assertThat(other.told).containsExactly("updated x:1");
    }

    @Test
    void what_was_on_its_way_on_the_last_stream_is_told_too_and_once() {
        var one = new Told();
        var member = listening.join(one);
        member.lists(true);
        member.subscribe(resource("x:1"), _ -> {});
        assertThat(wire.open).hasSize(2);
        wire.sayOnOldest(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        assertThat(one.told).containsExactly(Method.TOOLS_CHANGED);
        wire.say(Method.PROMPTS_CHANGED, Json.EMPTY_OBJECT);
        wire.say(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        assertThat(one.told)
                .containsExactly(
                        Method.TOOLS_CHANGED, Method.PROMPTS_CHANGED, Method.TOOLS_CHANGED);
        fire();
        assertThat(wire.open).hasSize(1);
        wire.say(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        assertThat(one.told).hasSize(4);
    }

    @Test
    void what_came_before_the_next_stream_was_acknowledged_is_not_told_again_on_it() {
        var one = new Told();
        var member = listening.join(one);
        member.lists(true);
        wire.silent = true;
        member.subscribe(resource("x:1"), _ -> {});
        wire.sayOnOldest(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        wire.acknowledgeNewest();
        wire.sayOnNewest(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        assertThat(one.told).containsExactly(Method.TOOLS_CHANGED);
        wire.say(Method.TOOLS_CHANGED, Json.EMPTY_OBJECT);
        assertThat(one.told).hasSize(2);
    }

    @Test
    void what_the_server_does_not_acknowledge_is_not_said_to_be_watched() {
        var watched = new ArrayList<Boolean>();
        var member = listening.join(new Told());
        member.subscribe(resource("x:1"), watched::add);
        member.subscribe(resource("x:hidden"), watched::add);
        assertThat(watched).containsExactly(true, false);
        assertThat(wire.asked.getLast().param("notifications").orElseThrow().toString())
                .doesNotContain("hidden");
    }

    @Test
    void nothing_is_open_when_nobody_wants_anything() {
        var member = listening.join(new Told());
        assertThat(wire.asked).isEmpty();
        member.lists(true);
        member.subscribe(resource("x:1"), _ -> {});
        member.unsubscribe(resource("x:1"));
        member.lists(false);
        assertThat(wire.open).isEmpty();
        member.leave();
        assertThat(listening.isDeserted()).isTrue();
    }

    @Test
    void
            a_stream_that_broke_is_opened_again_and_everybody_is_told_that_something_may_have_changed() {
        var told = new Told();
        var member = listening.join(told);
        member.lists(true);
        member.subscribe(resource("x:1"), _ -> {});
        wire.breakOff();
        assertThat(wire.open).isEmpty();
        fire();
        assertThat(wire.open).hasSize(1);
        assertThat(told.told).contains(Method.TOOLS_CHANGED, "updated x:1");
    }

    @Test
    void a_server_without_such_streams_is_asked_once() {
        wire.silent = true;
        var watched = new ArrayList<Boolean>();
        var member = listening.join(new Told());
        member.subscribe(resource("x:1"), watched::add);
        wire.refuse(ErrorCode.METHOD_NOT_FOUND);
        assertThat(watched).containsExactly(false);
        member.subscribe(resource("x:2"), watched::add);
        fire();
        assertThat(watched).containsExactly(false, false);
        assertThat(wire.asked).hasSize(1);
    }

    @Test
    void who_waits_for_a_server_that_says_nothing_is_told_so_in_the_end() {
        wire.silent = true;
        var watched = new ArrayList<Boolean>();
        listening.join(new Told()).subscribe(resource("x:1"), watched::add);
        fire();
        assertThat(watched).containsExactly(false);
        assertThat(wire.open).isEmpty();
    }

    /** Many come and go at once; afterwards exactly what is wanted is heard. */
    @RepeatedTest(100)
    void however_many_come_and_go_at_once_those_who_stay_are_told() throws Exception {
        var staying = new Told();
        listening.join(staying).subscribe(resource("x:stays"), _ -> {});
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<Boolean>>();
            for (int i = 0; i < 8; i++) {
                int mine = i;
                all.add(
                        threads.submit(
                                () -> {
                                    var member = listening.join(new Told());
                                    member.subscribe(resource("x:" + mine), _ -> {});
                                    member.lists(mine % 2 == 0);
                                    member.leave();
                                    return true;
                                }));
            }
            for (var one : all) {
                assertThat(one.get()).isTrue();
            }
        }
        wire.say(Method.RESOURCE_UPDATED, uri("x:stays"));
        assertThat(staying.told).containsExactly("updated x:stays");
        fire();
        assertThat(wire.open).hasSize(1);
        var open = Json.of(wire.open.keySet().iterator().next());
        var heard = wire.asked.stream().filter(one -> one.id().equals(open)).findAny();
        assertThat(heard.orElseThrow().param("notifications").orElseThrow())
                .hasToString("{\"resourceSubscriptions\":[\"x:stays\"]}");
    }
}
