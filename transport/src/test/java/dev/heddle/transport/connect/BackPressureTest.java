package dev.heddle.transport.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.net.EventLoops;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** A client that takes what comes piece by piece, and a backend that sends it all at once. */
class BackPressureTest {
    private static final int MESSAGES = 5_000;
    private static final String HEAD =
            """
            HTTP/1.1 200 OK
            Content-Type: text/event-stream
            Connection: close

            """
                    .replace("\n", "\r\n");

    /** Takes nothing until it is told to, and then what one look at the connection brings. */
    private static final class SlowSink implements Sink {
        private final List<String> taken = new CopyOnWriteArrayList<>();
        private volatile boolean ready;
        private volatile Optional<Reply> reply = Optional.empty();
        private Optional<Runnable> waiting = Optional.empty();

        @Override
        public void notification(Spliced message) {
            taken.add(message.envelope().params().map(Json::toString).orElse(""));
            ready = false;
        }

        @Override
        public boolean question(Question question) {
            return false;
        }

        @Override
        public void reply(Reply last) {
            reply = Optional.of(last);
        }

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public synchronized void whenReady(Runnable task) {
            assertThat(waiting).isEmpty();
            waiting = Optional.of(task);
        }

        synchronized boolean goOn() {
            var task = waiting;
            waiting = Optional.empty();
            ready = task.isPresent();
            task.ifPresent(Runnable::run);
            return task.isPresent();
        }
    }

    private static String flood(RawServer.Request request) {
        var answer = new StringBuilder(HEAD);
        for (int i = 0; i < MESSAGES; i++) {
            var data = "{\"n\":" + i + ",\"data\":\"" + "x".repeat(1000) + "\"}";
            answer.append(
                    "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
                            + data
                            + "}\n\n");
        }
        return answer.append("data: " + RawServer.result(request) + "\n\n").toString();
    }

    private static BackendSession open(Connectors connectors, RawServer server) {
        var backend =
                new Backend(
                        new BackendId("raw"),
                        new Target.Remote(server.url(), Target.Wire.STREAMABLE_HTTP));
        var opening =
                new Opening(
                        Identity.NONE,
                        ClientProfile.gateway("test", "1"),
                        HttpBackendTest.DEAF,
                        Optional.empty(),
                        false);
        return connectors.connect(backend, opening).session();
    }

    @ParameterizedTest
    @EnumSource(EventLoops.Io.class)
    void all_comes_in_order_although_the_backend_has_gone_by_then(EventLoops.Io io) {
        Assumptions.assumeTrue(io.isAvailable());
        var ids = new Ids();
        try (var loops = new EventLoops(io, 1);
                var connectors =
                        new Connectors(
                                loops,
                                new OutgoingAuthRegistry(List.of()),
                                ids,
                                ClientProfile.gateway("test", "1"));
                var server = RawServer.mcp(request -> Optional.of(flood(request)));
                var session = open(connectors, server)) {
            var sink = new SlowSink();
            long id = ids.next();
            session.send(
                    id,
                    Spliced.of(JsonRpc.request(Json.of(id), Method.TOOLS_CALL, Json.EMPTY_OBJECT)),
                    sink);
            await().pollInterval(Duration.ofMillis(1))
                    .until(() -> sink.goOn() || sink.reply.isPresent());
            int before = sink.taken.size();
            await().pollInterval(Duration.ofMillis(1))
                    .until(() -> sink.goOn() || sink.reply.isPresent());
            assertThat(sink.taken.size() - before).isLessThan(MESSAGES / 10);
            await().pollInterval(Duration.ofMillis(1))
                    .until(
                            () -> {
                                sink.goOn();
                                return sink.reply.isPresent();
                            });
            assertThat(sink.taken).hasSize(MESSAGES);
            for (int i = 0; i < MESSAGES; i++) {
                assertThat(sink.taken.get(i)).startsWith("{\"n\":" + i + ",");
            }
            assertThat(sink.reply.orElseThrow()).isInstanceOf(Reply.Response.class);
        }
    }
}
