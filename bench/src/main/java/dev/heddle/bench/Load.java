package dev.heddle.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;

import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Clients, each with one connection and one session, that call tools and check every reply's id.
 * All of them live on one event loop.
 */
final class Load implements AutoCloseable {
    private static final long FIRST_ID = 1_000_000_000L;
    private static final byte[] SESSION = Texts.ascii("mcp-session-id:");
    private static final byte[] RESULT = Texts.ascii("\"result\":");
    private static final byte[] ID = Texts.ascii("\"id\":");

    /**
     * @param tools called in turn, one after the other over the clients
     * @param together whether all clients are connections of one session
     */
    record Plan(URI url, int clients, List<String> tools, boolean together) {
        Plan(URI url, int clients, List<String> tools) {
            this(url, clients, tools, false);
        }
    }

    /** What came of it. Latencies are in nanoseconds. */
    record Result(long calls, long errors, double seconds, Histogram latency) {
        double perSecond() {
            return calls / seconds;
        }
    }

    private final Loop loop;
    private final Plan plan;
    private final List<Client> clients = new ArrayList<>();
    private final ArrayDeque<Client> idle = new ArrayDeque<>();
    private final ArrayDeque<Long> due = new ArrayDeque<>();
    private Histogram latency = new Histogram(3);
    private long calls;
    private long errors;
    private int out;
    private volatile CountDownLatch quiet = new CountDownLatch(1);
    private boolean open;
    private boolean running;
    private volatile String common = ""; // the headers of the one session, if there is one

    /** Connects all clients and begins their sessions. */
    Load(Loop loop, Plan plan) {
        this.loop = loop;
        this.plan = plan;
        var ready = new CountDownLatch(plan.clients());
        for (int i = 0; i < plan.clients(); i++) {
            var client = new Client(plan.tools().get(i % plan.tools().size()), i, ready);
            clients.add(client);
            client.connect();
            if (i == 0 && plan.together()) {
                await(client.hasBegun);
            }
        }
        await(ready);
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("clients did not get their answers in time");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Every client calls as soon as it has its answer. */
    Result closedLoop(double warmUp, double seconds) {
        open = false;
        return run(
                warmUp, seconds, () -> clients.forEach(client -> client.call(System.nanoTime())));
    }

    /** So many calls in each second are due, whether answers come or not. */
    Result openLoop(double perSecond, double warmUp, double seconds) {
        return run(
                warmUp,
                seconds,
                () -> {
                    open = true;
                    idle.addAll(clients);
                    new Schedule(perSecond).run();
                });
    }

    /** Every client calls as soon as it has its answer, until {@link #end}. */
    void begin() {
        open = false;
        onLoop(
                () -> {
                    running = true;
                    clients.forEach(client -> client.call(System.nanoTime()));
                });
    }

    /** Ends what {@link #begin} has begun. */
    void end() {
        onLoop(() -> running = false);
        awaitQuiet();
    }

    private Result run(double warmUp, double seconds, Runnable begin) {
        onLoop(
                () -> {
                    running = true;
                    begin.run();
                });
        sleep(warmUp);
        long began = System.nanoTime();
        onLoop(this::reset);
        sleep(seconds);
        var result = new Result[1];
        onLoop(
                () ->
                        result[0] =
                                new Result(
                                        calls,
                                        errors,
                                        (System.nanoTime() - began) / 1e9,
                                        latency.copy()));
        onLoop(() -> running = false);
        awaitQuiet();
        return result[0];
    }

    /** A call that is out must be over before its client makes another. */
    private void awaitQuiet() {
        onLoop(this::tellIfQuiet);
        await(quiet);
        quiet = new CountDownLatch(1);
        due.clear();
        idle.clear();
    }

    private void tellIfQuiet() {
        if (!running && out == 0) {
            quiet.countDown();
        }
    }

    private void reset() {
        latency = new Histogram(3);
        calls = 0;
        errors = 0;
    }

    private void onLoop(Runnable task) {
        loop.group().next().submit(task).syncUninterruptibly();
    }

    /** A measurement takes the time that it is given. */
    private static void sleep(double seconds) {
        try {
            Thread.sleep((long) (seconds * 1000));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        clients.forEach(Client::close);
    }

    /** Says when calls are due, and gives them to clients that have nothing to do. */
    private final class Schedule implements Runnable {
        private final double perNano;
        private final long began = System.nanoTime();
        private long issued;

        Schedule(double perSecond) {
            this.perNano = perSecond / 1e9;
        }

        @Override
        public void run() {
            if (!running) {
                return;
            }
            long target = (long) ((System.nanoTime() - began) * perNano);
            for (; issued < target; issued++) {
                long when = began + (long) (issued / perNano);
                var client = idle.pollFirst();
                if (client == null) {
                    due.add(when);
                } else {
                    client.call(when);
                }
            }
            loop.group().next().schedule(this, 50, TimeUnit.MICROSECONDS);
        }
    }

    private final class Client extends ChannelInboundHandlerAdapter {
        private final String tool;
        private final CountDownLatch ready;
        private final CountDownLatch hasBegun = new CountDownLatch(1);
        private final HttpMessage message = new HttpMessage();
        private long nextId;
        private long calledAt;
        private int begun;
        private String sessionHeaders = "";
        private byte[] request = new byte[0];
        private int[] idsAt = new int[0];
        private ByteBuf read = Unpooled.EMPTY_BUFFER;
        private @Nullable Channel channel;

        Client(String tool, int number, CountDownLatch ready) {
            this.tool = tool;
            this.ready = ready;
            this.nextId = FIRST_ID + number * 10_000_000L;
        }

        void connect() {
            new Bootstrap()
                    .group(loop.group())
                    .channel(loop.channel())
                    .option(ChannelOption.TCP_NODELAY, true)
                    .handler(
                            new ChannelInitializer<Channel>() {
                                @Override
                                protected void initChannel(Channel made) {
                                    made.pipeline().addLast(Client.this);
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
            if (!common.isEmpty()) {
                begun = 2;
                useSession(common);
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
            out++;
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
            if (begun < 2) {
                begin(in);
                return;
            }
            finished(message.status(in) == 200 && hasReply(in));
        }

        private boolean hasReply(ByteBuf in) {
            int at = Texts.find(in, message.body(), message.bodyEnd(), ID);
            return at >= 0
                    && Texts.number(in, at + ID.length, message.bodyEnd()) == nextId
                    && Texts.find(in, at, message.bodyEnd(), RESULT) >= 0;
        }

        private void begin(ByteBuf in) {
            if (begun++ == 0) {
                int at = message.header(in, SESSION);
                int end = in.indexOf(at, in.writerIndex(), (byte) '\r');
                var session = in.toString(at, end - at, StandardCharsets.US_ASCII);
                var headers =
                        "Mcp-Session-Id: " + session + "\r\nMCP-Protocol-Version: 2025-11-25\r\n";
                useSession(headers);
                send(
                        post(
                                headers,
                                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
            } else {
                if (plan.together()) {
                    common = sessionHeaders;
                }
                hasBegun.countDown();
                ready.countDown();
            }
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

        private void finished(boolean good) {
            long now = System.nanoTime();
            out--;
            if (good) {
                calls++;
                latency.recordValue(now - calledAt);
            } else {
                errors++;
            }
            if (!running) {
                tellIfQuiet();
                return;
            }
            if (!open) {
                call(now);
                return;
            }
            var next = due.pollFirst();
            if (next == null) {
                idle.add(this);
            } else {
                call(next);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            errors++;
            read.release();
            read = Unpooled.EMPTY_BUFFER;
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            errors++;
            ctx.close();
        }
    }
}
