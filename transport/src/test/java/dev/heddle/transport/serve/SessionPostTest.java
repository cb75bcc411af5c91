package dev.heddle.transport.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpRequestDecoder;

import org.junit.jupiter.api.Test;

import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;

/** A request whose session is let go in the moment in which it is carried out. */
class SessionPostTest {
    private static final Envelope REQUEST =
            JsonRpc.request(Json.of(7), "tools/call", Json.parse("{\"name\":\"x\"}"));
    private static final MultiSession LET_GO = session(new Reply.Failed(new Fault.SessionMoved()));
    private static final MultiSession THERE =
            session(new Reply.Response(Spliced.of(JsonRpc.result(Json.of(7), Json.of("done")))));

    /** A session that answers each request alike. */
    private static MultiSession session(Reply reply) {
        return (MultiSession)
                Proxy.newProxyInstance(
                        SessionPostTest.class.getClassLoader(),
                        new Class<?>[] {MultiSession.class},
                        (_, method, arguments) ->
                                switch (method.getName()) {
                                    case "home" -> Optional.empty();
                                    case "profile" ->
                                            new ClientProfile(
                                                    Revision.LATEST,
                                                    Json.EMPTY_OBJECT,
                                                    Json.EMPTY_OBJECT);
                                    case "exchange" -> {
                                        ((Exchange) arguments[1]).sink().reply(reply);
                                        yield Running.NONE;
                                    }
                                    default ->
                                            throw new UnsupportedOperationException(
                                                    method.getName());
                                });
    }

    private static SessionPost post(
            MultiSession session, HttpReply reply, Optional<MultiSession> next) {
        return new SessionPost(
                session,
                Identity.NONE,
                true,
                reply,
                Optional.empty(),
                next.map(found -> () -> post(found, reply, Optional.empty()).carry(REQUEST)));
    }

    /** What a client gets whose session is let go, and found again as {@code next}. */
    private static String answer(MultiSession next) {
        var channel =
                new EmbeddedChannel(
                        new HttpRequestDecoder(),
                        new HttpFront(
                                (_, _, reply) ->
                                        post(LET_GO, reply, Optional.of(next)).carry(REQUEST),
                                100,
                                Duration.ofSeconds(10)));
        var text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
        channel.runPendingTasks();
        var sent = new StringBuilder();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            sent.append(out.toString(StandardCharsets.UTF_8));
            out.release();
        }
        channel.finishAndReleaseAll();
        return sent.toString();
    }

    @Test
    void it_is_carried_out_in_the_session_that_is_found_then() {
        assertThat(answer(THERE)).startsWith("HTTP/1.1 200 ").contains("done");
    }

    @Test
    void it_is_tried_once_more_and_not_for_ever() {
        assertThat(answer(LET_GO)).startsWith("HTTP/1.1 503 ").contains("was not run");
    }
}
