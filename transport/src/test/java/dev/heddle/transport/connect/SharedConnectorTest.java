package dev.heddle.transport.connect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.junit.jupiter.api.Test;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** One process that several sessions use. */
class SharedConnectorTest {
    private static final ClientProfile GATEWAY = ClientProfile.gateway("gateway", "1");
    private static final String NOWHERE = "file:///nowhere";

    private final Ids ids = new Ids();
    private final OneProcess process = new OneProcess();
    private final SharedConnector connector =
            new SharedConnector((_, opening) -> process.of(opening), GATEWAY, ids);
    private final Backend backend =
            new Backend(
                    new BackendId("shared"),
                    new Target.Remote(
                            URI.create("http://shared.test"), Target.Wire.STREAMABLE_HTTP));

    /** The one process: keeps subscriptions, and refuses those to what is not there. */
    private static final class OneProcess implements BackendSession {
        private final Set<String> subscribed = ConcurrentHashMap.newKeySet();
        private volatile Optional<Opening> opening = Optional.empty();
        private volatile boolean closed;

        Connected of(Opening by) {
            opening = Optional.of(by);
            return new Connected(
                    this,
                    new Introduction(
                            Revision.LATEST,
                            Json.EMPTY_OBJECT,
                            Json.EMPTY_OBJECT,
                            Optional.empty()));
        }

        @Override
        public Optional<String> sessionId() {
            return Optional.empty();
        }

        @Override
        public void send(long id, Spliced request, Sink sink) {
            var uri = request.envelope().uri().orElse("");
            boolean good =
                    switch (request.envelope().method()) {
                        case Method.RESOURCES_SUBSCRIBE -> subscribe(uri);
                        case Method.RESOURCES_UNSUBSCRIBE -> unsubscribe(uri);
                        default -> true;
                    };
            var message =
                    good
                            ? JsonRpc.result(Json.of(id), Json.EMPTY_OBJECT)
                            : JsonRpc.error(Json.of(id), -32002, "not found");
            sink.reply(new Reply.Response(Spliced.of(message)));
        }

        private boolean subscribe(String uri) {
            if (!uri.equals(NOWHERE)) {
                subscribed.add(uri);
            }
            return !uri.equals(NOWHERE);
        }

        private boolean unsubscribe(String uri) {
            subscribed.remove(uri);
            return true;
        }

        @Override
        public void cancel(long id, String why) {}

        @Override
        public void notify(Spliced notification) {}

        @Override
        public void answer(Spliced response) {}

        @Override
        public void listen(boolean wanted) {}

        @Override
        public void close() {
            closed = true;
        }
    }

    /** Who hears what the process says outside calls. */
    private static final class Ears implements BackendEvents {
        private final LinkedBlockingQueue<Envelope> heard = new LinkedBlockingQueue<>();

        @Override
        public void notification(Envelope message) {
            heard.add(message);
        }

        @Override
        public void question(Question question) {}

        @Override
        public void lost(Fault.BackendFailed why) {}
    }

    private BackendSession join(BackendEvents events) {
        var client =
                new ClientProfile(
                        Revision.V2024_11_05,
                        Json.parse("{\"sampling\":{}}"),
                        Json.parse("{\"name\":\"somebody\",\"version\":\"1\"}"));
        var opening = new Opening(Identity.NONE, client, events, Optional.empty(), false);
        return connector.connect(backend, opening).session();
    }

    private boolean ask(BackendSession session, String method, String uri) {
        var call = new BlockingCall();
        long id = ids.next();
        var params = Json.object(members -> members.put("uri", uri));
        session.send(id, Spliced.of(JsonRpc.request(Json.of(id), method, params)), call);
        try {
            return call.await(Duration.ofSeconds(10)).isPresent();
        } catch (Fault.ErrorReply refused) {
            return false;
        }
    }

    private void update(String uri) {
        var params = Json.object(members -> members.put("uri", uri));
        process.opening
                .orElseThrow()
                .events()
                .notification(JsonRpc.notification(Method.RESOURCE_UPDATED, params));
    }

    @Test
    void a_process_is_told_of_the_gateway_and_of_none_of_those_who_use_it() {
        join(new Ears());
        assertThat(process.opening.orElseThrow().profile()).isEqualTo(GATEWAY);
    }

    @Test
    void who_leaves_takes_its_subscriptions_along_and_no_others() {
        var first = join(new Ears());
        var second = join(new Ears());
        ask(first, Method.RESOURCES_SUBSCRIBE, "x:1");
        ask(first, Method.RESOURCES_SUBSCRIBE, "x:2");
        ask(second, Method.RESOURCES_SUBSCRIBE, "x:2");
        first.close();
        assertThat(process.subscribed).containsExactly("x:2");
        second.close();
        assertThat(process.closed).isTrue();
    }

    @Test
    void who_has_subscribed_to_a_resource_hears_of_what_lies_below_it_and_of_nothing_else() {
        var ears = new Ears();
        var session = join(ears);
        ask(session, Method.RESOURCES_SUBSCRIBE, "x:dir");
        update("x:directory");
        update("x:other/dir");
        update("x:dir/file");
        assertThat(ears.heard)
                .extracting(message -> message.uri().orElse(""))
                .containsExactly("x:dir/file");
    }

    @Test
    void what_is_refused_is_no_subscription() {
        var ears = new Ears();
        var session = join(ears);
        assertThat(ask(session, Method.RESOURCES_SUBSCRIBE, NOWHERE)).isFalse();
        update(NOWHERE);
        assertThat(ears.heard).isEmpty();
    }

    @Test
    void who_subscribes_while_another_unsubscribes_is_subscribed() throws Exception {
        var leaving = join(new Ears());
        var coming = join(new Ears());
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 2000; i++) {
                var uri = "x:" + i;
                ask(leaving, Method.RESOURCES_SUBSCRIBE, uri);
                var tasks = new ArrayList<Callable<Boolean>>();
                tasks.add(() -> ask(leaving, Method.RESOURCES_UNSUBSCRIBE, uri));
                tasks.add(() -> ask(coming, Method.RESOURCES_SUBSCRIBE, uri));
                for (var done : threads.invokeAll(tasks, 10, TimeUnit.SECONDS)) {
                    assertThat(done.get()).isTrue();
                }
                assertThat(process.subscribed).contains(uri);
            }
        }
    }
}
