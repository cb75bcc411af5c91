package dev.heddle.transport.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;

import org.junit.jupiter.api.Test;

import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

class HttpFrontTest {
    private static final int MAX_BODY = 100;

    /** A request that waits for its answer. */
    private record Asked(String target, String body, HttpReply reply) {
        void answer(String text) {
            reply.last(200, Spliced.of(JsonRpc.result(Json.of(1), Json.of(text))));
        }
    }

    private final MockTicker time = Ticker.newMockTicker();
    private final List<Asked> asked = new ArrayList<>();
    private final EmbeddedChannel channel =
            EmbeddedChannel.builder()
                    .ticker(time)
                    .handlers(
                            new HttpRequestDecoder(8192, 1000, 8192),
                            new HttpFront(
                                    (head, body, reply) ->
                                            asked.add(
                                                    new Asked(
                                                            head.uri(),
                                                            new String(
                                                                    body, StandardCharsets.UTF_8),
                                                            reply)),
                                    MAX_BODY,
                                    Duration.ofSeconds(10)))
                    .build();

    private void write(String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
        channel.runPendingTasks();
    }

    /** What has been sent to the client since the last look. */
    private String sent() {
        channel.runPendingTasks();
        var text = new StringBuilder();
        for (ByteBuf out = channel.readOutbound(); out != null; out = channel.readOutbound()) {
            text.append(out.toString(StandardCharsets.UTF_8));
            out.release();
        }
        return text.toString();
    }

    private void passInSteps(Duration time) {
        for (long seconds = 0; seconds < time.toSeconds(); seconds++) {
            pass(Duration.ofSeconds(1));
        }
    }

    private void pass(Duration duration) {
        time.advance(duration.toNanos(), TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
        channel.runPendingTasks();
    }

    private static String post(String target, String body) {
        return "POST "
                + target
                + " HTTP/1.1\r\nHost: x\r\nContent-Length: "
                + body.length()
                + "\r\n\r\n"
                + body;
    }

    @Test
    void requests_that_come_in_one_piece_are_answered_one_after_the_other() {
        write(post("/1", "a") + post("/2", "b") + post("/3", "c"));
        assertThat(asked).extracting(Asked::target).containsExactly("/1");
        asked.get(0).answer("first");
        assertThat(sent()).contains("first");
        assertThat(asked).extracting(Asked::target).containsExactly("/1", "/2");
        asked.get(1).answer("second");
        assertThat(sent()).contains("second").doesNotContain("third");
        asked.get(2).answer("third");
        assertThat(sent()).contains("third");
    }

    @Test
    void what_comes_together_with_an_answer_does_not_overtake_what_waits() {
        var second = post("/2", "the body of the second");
        int cut = second.length() - 8;
        write(post("/1", "a") + second.substring(0, cut));
        asked.get(0).answer("first");
        channel.pipeline()
                .fireChannelRead(
                        Unpooled.copiedBuffer(second.substring(cut), StandardCharsets.UTF_8));
        assertThat(sent()).contains("first");
        assertThat(asked).extracting(Asked::body).containsExactly("a", "the body of the second");
        asked.get(1).answer("second");
        write(post("/3", "c"));
        assertThat(asked).extracting(Asked::body).endsWith("c");
    }

    @Test
    void a_client_of_old_http_gets_a_stream_that_ends_with_its_connection() {
        write("GET /1 HTTP/1.0\r\nHost: x\r\n\r\n");
        var reply = asked.getFirst().reply();
        reply.begin();
        assertThat(sent()).contains("text/event-stream").doesNotContain("chunked");
        reply.end();
        sent();
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void a_request_may_come_in_any_number_of_pieces() {
        var text = post("/1", "{\"a\":1}");
        for (int i = 0; i < text.length(); i++) {
            write(text.substring(i, i + 1));
        }
        assertThat(asked).extracting(Asked::body).containsExactly("{\"a\":1}");
    }

    @Test
    void a_body_may_come_in_chunks() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        write("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
        assertThat(asked).extracting(Asked::body).containsExactly("abcde");
    }

    @Test
    void a_client_that_asks_first_is_told_to_go_on() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
        assertThat(sent()).startsWith("HTTP/1.1 100 ");
        write("ok");
        assertThat(asked).extracting(Asked::body).containsExactly("ok");
    }

    @Test
    void a_body_that_is_too_large_is_refused_before_it_has_come_and_in_chunks_too() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
        assertThat(sent()).startsWith("HTTP/1.1 413 ").contains("-32600");
        assertThat(channel.isOpen()).isFalse();
        assertThat(asked).isEmpty();
    }

    @Test
    void a_chunked_body_that_grows_too_large_is_refused() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 11; i++) {
            write("a\r\n0123456789\r\n");
        }
        assertThat(sent()).startsWith("HTTP/1.1 413 ");
        assertThat(asked).isEmpty();
    }

    @Test
    void what_is_no_http_is_answered_and_ends_the_connection() {
        write("hello there\r\n\r\n");
        assertThat(sent()).startsWith("HTTP/1.1 400 ").contains("-32600");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void headers_that_are_too_large_are_refused() {
        write("GET / HTTP/1.1\r\nX: " + "x".repeat(2000) + "\r\n\r\n");
        assertThat(sent()).startsWith("HTTP/1.1 431 ");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void two_lengths_for_one_body_are_refused() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde");
        assertThat(sent()).startsWith("HTTP/1.1 400 ");
        assertThat(asked).isEmpty();
    }

    @Test
    void a_request_that_is_not_finished_in_time_loses_its_connection() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n");
        int seconds = 0;
        for (; channel.isOpen() && seconds < 90; seconds++) {
            write("a");
            pass(Duration.ofSeconds(1));
        }
        assertThat(seconds).isBetween(30, 41);
        assertThat(asked).isEmpty();
    }

    @Test
    void a_connection_that_is_not_used_is_closed_but_one_that_waits_for_its_answer_is_not() {
        write(post("/1", "a"));
        passInSteps(Duration.ofMinutes(10));
        assertThat(channel.isOpen()).isTrue();
        asked.getFirst().answer("late");
        assertThat(sent()).contains("late");
        passInSteps(Duration.ofSeconds(110));
        assertThat(channel.isOpen()).isTrue();
        passInSteps(Duration.ofSeconds(20));
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void a_stream_shows_that_it_is_alive_and_ends_with_its_client() {
        write("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
        var over = new boolean[1];
        var reply = asked.getFirst().reply();
        reply.begin();
        reply.whenOver(() -> over[0] = true);
        assertThat(sent()).contains("text/event-stream");
        pass(Duration.ofSeconds(10));
        assertThat(sent()).contains(":");
        channel.close();
        channel.runPendingTasks();
        assertThat(over[0]).isTrue();
    }

    @Test
    void a_client_that_wants_the_connection_closed_has_it_closed_after_the_answer() {
        write("POST /1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        asked.getFirst().answer("bye");
        assertThat(sent()).contains("bye");
        assertThat(channel.isOpen()).isFalse();
    }

    private static String get(String target) {
        return "GET " + target + " HTTP/1.1\r\nHost: here\r\n\r\n";
    }

    @Test
    void a_connection_that_is_to_end_ends_when_nothing_is_asked_on_it() {
        channel.pipeline().fireUserEventTriggered(HttpFront.NO_MORE);
        channel.runPendingTasks();
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void a_connection_that_is_to_end_ends_with_the_answer_to_what_is_asked_on_it() {
        write(get("/one"));
        channel.pipeline().fireUserEventTriggered(HttpFront.NO_MORE);
        assertThat(channel.isOpen()).isTrue();
        asked.getFirst().answer("the one");
        assertThat(sent()).contains("connection: close", "the one");
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void what_is_asked_behind_the_last_answer_of_a_connection_is_not_carried_out() {
        write(get("/one") + get("/two"));
        asked.getFirst().reply().closeAfterwards();
        asked.getFirst().answer("the one");
        assertThat(sent()).contains("connection: close", "the one");
        assertThat(asked).hasSize(1);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void a_connection_that_is_to_end_does_so_behind_an_answer_that_its_client_reads_slowly()
            throws Exception {
        var body = "x".repeat(8_000_000);
        var group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        var accepted = new CompletableFuture<Channel>();
        var server =
                new ServerBootstrap()
                        .group(group)
                        .channel(NioServerSocketChannel.class)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel one) {
                                        one.pipeline()
                                                .addLast(new HttpRequestDecoder())
                                                .addLast(
                                                        new HttpFront(
                                                                (_, _, reply) ->
                                                                        reply.text(
                                                                                200,
                                                                                "text/plain",
                                                                                body),
                                                                MAX_BODY,
                                                                Duration.ofSeconds(10)));
                                        accepted.complete(one);
                                    }
                                })
                        .bind("127.0.0.1", 0)
                        .sync()
                        .channel();
        try (var client = new Socket()) {
            client.connect(server.localAddress());
            client.getOutputStream().write(get("/").getBytes(StandardCharsets.UTF_8));
            await().until(() -> accepted.get().bytesBeforeWritable() > 0);
            accepted.get().pipeline().fireUserEventTriggered(HttpFront.NO_MORE);
            accepted.get().eventLoop().submit(() -> {}).sync();
            assertThat(client.getInputStream().readAllBytes().length).isGreaterThan(body.length());
        } finally {
            group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        }
    }
}
