package dev.heddle.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * An MCP server that costs next to nothing: it looks for the few bytes it needs and answers from
 * texts that are ready. Tools: {@code echo0} and so on answer with about 1 KB of JSON, {@code
 * steps} with a stream of 10 progress notifications, {@code big} with 10 MB, {@code never} never,
 * {@code work} after 20 ms.
 */
final class Stub implements AutoCloseable {
    static final int STEPS = 10;
    static final int WORK_MILLIS = 20;
    static final int BIG = 10 * 1024 * 1024;
    private static final int ECHOED = 940;

    private static final byte[] ID = Texts.ascii("\"id\":");
    private static final byte[] METHOD = Texts.ascii("\"method\":\"");
    private static final byte[] NAME = Texts.ascii("\"name\":\"");
    private static final byte[] TOKEN = Texts.ascii("\"progressToken\":");
    private static final byte[] JSON_HEAD =
            Texts.ascii("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ");
    private static final byte[] ACCEPTED =
            Texts.ascii("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    private static final byte[] STREAM_HEAD =
            Texts.ascii(
                    """
                    HTTP/1.1 200 OK
                    Content-Type: text/event-stream
                    Cache-Control: no-cache
                    Transfer-Encoding: chunked

                    """
                            .replace("\n", "\r\n"));
    private static final byte[] LAST_CHUNK = Texts.ascii("0\r\n\r\n");
    private static final byte[] REPLY = Texts.ascii("{\"jsonrpc\":\"2.0\",\"id\":");
    private static final byte[] CALL_RESULT =
            Texts.ascii(
                    ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""
                            + "x".repeat(ECHOED)
                            + "\"}],\"isError\":false}}");

    private final Channel listening;
    private final ChannelGroup streams = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();
    private final LongAdder sessions = new LongAdder();
    private final byte[] bigResult =
            Texts.ascii(
                    ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""
                            + "y".repeat(BIG)
                            + "\"}]}}");
    private final boolean hangs;
    private volatile byte[] toolsResult;

    /**
     * @param port 0 for any
     * @param tools how many it lists
     * @param hangs whether it never answers
     */
    Stub(Loop loop, int port, int tools, boolean hangs) {
        this.hangs = hangs;
        this.toolsResult = toolsResult(IntStream.range(0, tools));
        this.listening =
                new ServerBootstrap()
                        .group(loop.group())
                        .channel(loop.serverChannel())
                        .option(ChannelOption.SO_BACKLOG, 4096)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        channel.pipeline().addLast(new Connection());
                                    }
                                })
                        .bind("127.0.0.1", port)
                        .syncUninterruptibly()
                        .channel();
    }

    /**
     * What a good answer to a call must have.
     *
     * @param bytes at least so many
     * @param events so many notifications before the reply
     */
    record Good(int bytes, int events) {}

    static Good good(String tool) {
        return tool.endsWith("steps") ? new Good(0, STEPS) : new Good(ECHOED, 0);
    }

    private static byte[] toolsResult(IntStream tools) {
        return Texts.ascii(
                tools.mapToObj(Stub::tool)
                        .collect(Collectors.joining(",", ",\"result\":{\"tools\":[", "]}}")));
    }

    private static String tool(int i) {
        var name =
                switch (i) {
                    case 1 -> "steps";
                    case 2 -> "big";
                    case 3 -> "never";
                    case 4 -> "work";
                    default -> "echo" + i;
                };
        return "{\"name\":\""
                + name
                + "\",\"description\":\"A tool that a benchmark calls, described at some"
                + " length, as tools are.\",\"inputSchema\":{\"type\":\"object\",\"properties\":"
                + "{\"message\":{\"type\":\"string\",\"description\":\"What to say\"}}}}";
    }

    int port() {
        return ((InetSocketAddress) listening.localAddress()).getPort();
    }

    String url() {
        return "http://127.0.0.1:" + port() + "/mcp";
    }

    /** How many requests with {@code method} have come. */
    long count(String method) {
        var count = counts.get(method);
        return count == null ? 0 : count.sum();
    }

    /** How many requests and notifications of any kind have come. */
    long requests() {
        return counts.values().stream().mapToLong(LongAdder::sum).sum();
    }

    /** Sessions that are open. */
    long sessions() {
        return sessions.sum();
    }

    int streams() {
        return streams.size();
    }

    /** Lists {@code tools} and one other from now on, and says so on every open stream. */
    void offer(int tools, int other) {
        toolsResult = toolsResult(IntStream.concat(IntStream.range(0, tools), IntStream.of(other)));
        var event =
                "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n";
        var chunk = Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
        for (var stream : streams) {
            stream.writeAndFlush(
                    stream.alloc().buffer().writeBytes(Texts.ascii(chunk)), stream.voidPromise());
        }
    }

    @Override
    public void close() {
        listening.close().syncUninterruptibly();
        streams.close().syncUninterruptibly();
    }

    /** One connection, on which requests come one after the other or many at once. */
    private final class Connection extends ChannelInboundHandlerAdapter {
        private final HttpMessage message = new HttpMessage();
        private ByteBuf read = Unpooled.EMPTY_BUFFER;

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object part) {
            read = append(ctx, read, (ByteBuf) part);
            while (message.isWhole(read)) {
                answer(ctx, read);
                read.readerIndex(message.end());
            }
            if (!read.isReadable()) {
                read.release();
                read = Unpooled.EMPTY_BUFFER;
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            read.release();
            read = Unpooled.EMPTY_BUFFER;
        }

        /** Gateways may leave as they like. */
        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ctx.close();
        }

        private void answer(ChannelHandlerContext ctx, ByteBuf in) {
            switch (in.getByte(in.readerIndex())) {
                case 'P' -> post(ctx, in);
                case 'G' -> {
                    note("GET");
                    streams.add(ctx.channel());
                    write(ctx, STREAM_HEAD);
                    ctx.flush();
                }
                default -> {
                    note("DELETE");
                    sessions.decrement();
                    write(ctx, ACCEPTED);
                    ctx.flush();
                }
            }
        }

        private void post(ChannelHandlerContext ctx, ByteBuf in) {
            int body = message.body();
            int end = message.bodyEnd();
            int id = Texts.find(in, body, end, ID);
            int method = Texts.find(in, body, end, METHOD) + METHOD.length;
            int methodEnd = in.indexOf(method, end, (byte) '"');
            if (id < 0) {
                note(in.toString(method, methodEnd - method, StandardCharsets.ISO_8859_1));
                write(ctx, ACCEPTED);
                ctx.flush();
                return;
            }
            long number = Texts.number(in, id + ID.length, end);
            if (methodEnd - method == 10 && in.getByte(method + 6) == 'c') {
                call(ctx, in, number);
            } else {
                other(
                        ctx,
                        in.toString(method, methodEnd - method, StandardCharsets.ISO_8859_1),
                        number);
            }
        }

        private void call(ChannelHandlerContext ctx, ByteBuf in, long id) {
            note("tools/call");
            int name = Texts.find(in, message.body(), message.bodyEnd(), NAME) + NAME.length;
            switch (in.getByte(name)) {
                case 's' -> steps(ctx, in, id);
                case 'b' -> json(ctx, id, bigResult);
                case 'n' -> {}
                case 'w' -> work(ctx, id);
                default -> json(ctx, id, CALL_RESULT);
            }
        }

        private static void work(ChannelHandlerContext ctx, long id) {
            var done = (Runnable) () -> json(ctx, id, CALL_RESULT);
            ctx.executor().schedule(done, WORK_MILLIS, TimeUnit.MILLISECONDS);
        }

        private void steps(ChannelHandlerContext ctx, ByteBuf in, long id) {
            int token = Texts.find(in, message.body(), message.bodyEnd(), TOKEN);
            long number = Texts.number(in, token + TOKEN.length, message.bodyEnd());
            write(ctx, STREAM_HEAD);
            for (int i = 1; i <= STEPS; i++) {
                event(
                        ctx,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                                + "{\"progressToken\":"
                                + number
                                + ",\"progress\":"
                                + i
                                + ",\"total\":10,\"message\":\"a step is done\"}}",
                        new byte[0]);
                ctx.flush();
            }
            event(ctx, "{\"jsonrpc\":\"2.0\",\"id\":" + id, CALL_RESULT);
            write(ctx, LAST_CHUNK);
            ctx.flush();
        }

        private static void event(ChannelHandlerContext ctx, String begin, byte[] end) {
            int length = "event: message\ndata: \n\n".length() + begin.length() + end.length;
            var out = ctx.alloc().buffer(length + 16);
            ascii(out, Integer.toHexString(length));
            ascii(out, "\r\nevent: message\ndata: ");
            ascii(out, begin);
            out.writeBytes(end);
            ascii(out, "\n\n\r\n");
            ctx.write(out, ctx.voidPromise());
        }

        private void other(ChannelHandlerContext ctx, String method, long id) {
            note(method);
            if (hangs) {
                return;
            }
            switch (method) {
                case "initialize" -> {
                    sessions.increment();
                    var session = "stub-" + count("initialize") + "-" + System.nanoTime();
                    var result =
                            ",\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":"
                                + "{\"listChanged\":true}},\"serverInfo\":{\"name\":\"stub\",\"version\":\"1\"}}}";
                    var digits = Long.toString(id);
                    write(
                            ctx,
                            Texts.ascii(
                                    "HTTP/1.1 200 OK\r\nMcp-Session-Id: "
                                            + session
                                            + "\r\n"
                                            + "Content-Type: application/json\r\n"
                                            + "Content-Length: "
                                            + (REPLY.length + digits.length() + result.length())
                                            + "\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":"
                                            + digits
                                            + result));
                    ctx.flush();
                }
                case "tools/list" -> json(ctx, id, toolsResult);
                default -> json(ctx, id, Texts.ascii(",\"result\":{}}"));
            }
        }

        private static void json(ChannelHandlerContext ctx, long id, byte[] result) {
            var digits = Long.toString(id);
            int length = REPLY.length + digits.length() + result.length;
            var out = ctx.alloc().buffer(JSON_HEAD.length + 16 + length);
            out.writeBytes(JSON_HEAD);
            ascii(out, Integer.toString(length));
            ascii(out, "\r\n\r\n");
            out.writeBytes(REPLY);
            ascii(out, digits);
            out.writeBytes(result);
            ctx.writeAndFlush(out, ctx.voidPromise());
        }

        private static void ascii(ByteBuf out, String text) {
            out.writeCharSequence(text, StandardCharsets.US_ASCII);
        }

        private static void write(ChannelHandlerContext ctx, byte[] text) {
            ctx.write(ctx.alloc().buffer(text.length).writeBytes(text), ctx.voidPromise());
        }
    }

    private void note(String method) {
        counts.computeIfAbsent(method, _ -> new LongAdder()).increment();
    }

    /** What has been read and not used yet, with {@code part} behind it. */
    static ByteBuf append(ChannelHandlerContext ctx, ByteBuf read, ByteBuf part) {
        if (!read.isReadable()) {
            read.release();
            return part;
        }
        if (read.refCnt() == 1 && read.writableBytes() >= part.readableBytes()) {
            read.writeBytes(part);
            part.release();
            return read;
        }
        var both = ctx.alloc().buffer(2 * (read.readableBytes() + part.readableBytes()));
        both.writeBytes(read).writeBytes(part);
        read.release();
        part.release();
        return both;
    }
}
