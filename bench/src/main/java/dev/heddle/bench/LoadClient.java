package dev.heddle.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;

/** One client of a load: a connection with a session, on which it calls one tool. */
final class LoadClient extends ChannelInboundHandlerAdapter {
    private static final long FIRST_ID = 1_000_000_000L;
    private static final byte[] SESSION = Texts.ascii("mcp-session-id:");
    private static final byte[] RESULT = Texts.ascii("\"result\":");
    private static final byte[] PROGRESS = Texts.ascii("\"notifications/progress\"");
    private static final byte[] ID = Texts.ascii("\"id\":");

    private final Load load;
    private final Load.Plan plan;
    private final String tool;
    private final Stub.Good good;
    private final CountDownLatch ready;
    private final CountDownLatch begun = new CountDownLatch(1);
    private final HttpMessage message = new HttpMessage();
    private long nextId;
    private long calledAt;
    private boolean out; // whether a call is
    private int answers; // before the calls
    private String sessionHeaders = "";
    private byte[] request = new byte[0];
    private int[] idsAt = new int[0];
    private ByteBuf read = Unpooled.EMPTY_BUFFER;
    private @Nullable Channel channel;

    LoadClient(Load load, String tool, int number, CountDownLatch ready) {
        this.load = load;
        this.plan = load.plan();
        this.tool = tool;
        this.good = Stub.good(tool);
        this.ready = ready;
        this.nextId = FIRST_ID + number * 10_000_000L;
    }

    void connect(Loop loop) {
        new Bootstrap()
                .group(loop.group())
                .channel(loop.channel())
                .option(ChannelOption.TCP_NODELAY, true)
                .handler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel made) {
                                made.pipeline().addLast(LoadClient.this);
                            }
                        })
                .connect(new InetSocketAddress(plan.url().getHost(), plan.url().getPort()))
                .syncUninterruptibly();
    }

    private Channel connected() {
        return Objects.requireNonNull(channel, "not connected yet");
    }

    void close() {
        connected().close().syncUninterruptibly();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        channel = ctx.channel();
        if (!load.common().isEmpty()) {
            answers = 2;
            useSession(load.common());
            ready.countDown();
            return;
        }
        send(
                post(
                        "",
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
                            + "\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}"));
    }

    private byte[] post(String headers, String body) {
        return Texts.ascii(
                "POST "
                        + plan.url().getPath()
                        + " HTTP/1.1\r\nHost: "
                        + plan.url().getAuthority()
                        + "\r\nContent-Type: application/json\r\n"
                        + "Accept: application/json, text/event-stream\r\n"
                        + headers
                        + "Content-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body);
    }

    void call(long when) {
        calledAt = when;
        out = true;
        load.called();
        nextId++;
        for (int at : idsAt) {
            Texts.put(request, at, nextId);
        }
        send(request);
    }

    private void send(byte[] text) {
        var to = connected();
        to.writeAndFlush(to.alloc().buffer(text.length).writeBytes(text), to.voidPromise());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object part) {
        read = Stub.append(ctx, read, (ByteBuf) part);
        if (message.isWhole(read)) {
            answered(read);
            read.readerIndex(message.end());
        }
        if (!read.isReadable()) {
            read.release();
            read = Unpooled.EMPTY_BUFFER;
        }
    }

    private void answered(ByteBuf in) {
        if (answers < 2) {
            begin(in);
            return;
        }
        out = false;
        load.finished(this, calledAt, message.status(in) == 200 && hasReply(in));
    }

    private boolean hasReply(ByteBuf in) {
        int from = message.body();
        int to = message.bodyEnd();
        int id = Texts.find(in, from, to, ID);
        return id >= 0
                && Texts.number(in, id + ID.length, to) == nextId
                && Texts.find(in, from, to, RESULT) >= 0
                && to - from >= good.bytes()
                && (good.events() == 0 || Texts.count(in, from, to, PROGRESS) == good.events());
    }

    private void begin(ByteBuf in) {
        if (answers++ == 0) {
            var headers = sessionHeader(in) + "MCP-Protocol-Version: 2025-11-25\r\n";
            useSession(headers);
            send(post(headers, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
        } else {
            load.share(sessionHeaders);
            begun.countDown();
            ready.countDown();
        }
    }

    /** Empty text if the server keeps no sessions. */
    private String sessionHeader(ByteBuf in) {
        int at = message.header(in, SESSION);
        if (at < 0) {
            return "";
        }
        int end = in.indexOf(at, in.writerIndex(), (byte) '\r');
        return "Mcp-Session-Id: " + in.toString(at, end - at, StandardCharsets.US_ASCII) + "\r\n";
    }

    private void useSession(String headers) {
        sessionHeaders = headers;
        request = callRequest(headers);
        idsAt = idsIn(request);
    }

    private byte[] callRequest(String headers) {
        return post(
                headers,
                "{\"jsonrpc\":\"2.0\",\"id\":"
                        + FIRST_ID
                        + ",\"method\":\"tools/call\",\"params\":{\"_meta\":{\"progressToken\":"
                        + FIRST_ID
                        + "},\"name\":\""
                        + tool
                        + "\",\"arguments\":{\"message\":\"hello, this is about as long as what"
                        + " people say\"}}}");
    }

    private static int[] idsIn(byte[] text) {
        var all = new String(text, StandardCharsets.US_ASCII);
        var id = Long.toString(FIRST_ID);
        int first = all.indexOf(id);
        return new int[] {first, all.indexOf(id, first + 1)};
    }

    /** Waits until its session has begun. */
    void awaitBegun() {
        Load.await(begun);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        read.release();
        read = Unpooled.EMPTY_BUFFER;
        if (out) {
            out = false;
            load.lost();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
