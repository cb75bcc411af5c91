package dev.heddle.transport.connect;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.transport.net.EventLoops;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

import javax.net.ssl.SSLException;

/**
 * Kept-alive HTTP/1.1 connections to backends, pooled for each event loop and origin, so that a
 * request goes out on the loop on which it came in. Thread-safe: each loop touches only its own
 * connections.
 */
public final class HttpPool {
    private static final int CONNECT_MILLIS = 10_000;
    private static final VirtualResolver NAMES = new VirtualResolver();

    /** Where connections lead. */
    record Origin(boolean tls, String host, int port, Optional<Path> caBundle) {
        static Origin of(URI url, Optional<Path> caBundle) {
            boolean tls = "https".equalsIgnoreCase(url.getScheme());
            int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
            var host = url.getHost();
            var bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
            return new Origin(tls, bare, port, caBundle);
        }
    }

    /** A request under way. */
    @FunctionalInterface
    interface Sent {
        /** Gives up on the answer and closes the connection. Idempotent; safe from any thread. */
        void abort();
    }

    private final EventLoops loops;
    private final Map<EventLoop, Map<Origin, Deque<HttpConnection>>> idle =
            new ConcurrentHashMap<>();
    private final Map<Optional<Path>, SslContext> contexts = new ConcurrentHashMap<>();

    public HttpPool(EventLoops loops) {
        this.loops = loops;
    }

    EventLoops loops() {
        return loops;
    }

    /** Sends a request, which is released in any case, on the current event loop or else on any. */
    Sent send(Origin origin, FullHttpRequest request, HttpCall call) {
        var loop = loops.here();
        var sending = new Sending(request, call);
        if (loop.inEventLoop()) {
            sendOn(loop, origin, sending);
        } else {
            loop.execute(() -> sendOn(loop, origin, sending));
        }
        return () -> loop.execute(sending::abort);
    }

    private void sendOn(EventLoop loop, Origin origin, Sending sending) {
        var connections = idleOn(loop, origin);
        for (var connection = connections.pollFirst();
                connection != null;
                connection = connections.pollFirst()) {
            if (connection.isUsable()) {
                sending.on(connection);
                return;
            }
        }
        ChannelFuture connecting;
        try {
            connecting = connect(loop, origin);
        } catch (IllegalArgumentException notAnAddress) {
            sending.fail(notAnAddress);
            return;
        }
        connecting.addListener(
                (ChannelFuture connected) -> {
                    if (connected.isSuccess()) {
                        whenSecure(connected.channel(), sending);
                    } else {
                        sending.fail(connected.cause());
                    }
                });
    }

    /** Nothing is sent before the server has proved who it is. */
    private static void whenSecure(Channel channel, Sending sending) {
        var tls = channel.pipeline().get(SslHandler.class);
        if (tls == null) {
            sending.on(channel.pipeline().get(HttpConnection.class));
            return;
        }
        tls.handshakeFuture()
                .addListener(
                        shaken -> {
                            if (shaken.isSuccess()) {
                                sending.on(channel.pipeline().get(HttpConnection.class));
                            } else {
                                sending.fail(shaken.cause());
                            }
                        });
    }

    private Deque<HttpConnection> idleOn(EventLoop loop, Origin origin) {
        return idle.computeIfAbsent(loop, _ -> new HashMap<>())
                .computeIfAbsent(origin, _ -> new ArrayDeque<>());
    }

    private ChannelFuture connect(EventLoop loop, Origin origin) {
        return new Bootstrap()
                .group(loop)
                .channel(loops.channel())
                .resolver(NAMES)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .handler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                if (origin.tls()) {
                                    channel.pipeline()
                                            .addLast(
                                                    tls(origin)
                                                            .newHandler(
                                                                    channel.alloc(),
                                                                    origin.host(),
                                                                    origin.port()));
                                }
                                channel.pipeline()
                                        .addLast(new HttpClientCodec(8192, 65_536, 16_384))
                                        .addLast(new HttpConnection(idleOn(loop, origin)));
                            }
                        })
                .connect(InetSocketAddress.createUnresolved(origin.host(), origin.port()));
    }

    /**
     * Reads what is needed to check the server's certificate. Blocks; to be called before the first
     * request there.
     *
     * @throws Fault.BackendFailed if that cannot be read
     */
    void prepare(String backend, Origin origin) {
        if (!origin.tls() || contexts.containsKey(origin.caBundle())) {
            return;
        }
        var builder = SslContextBuilder.forClient().endpointIdentificationAlgorithm("HTTPS");
        try {
            origin.caBundle().ifPresent(bundle -> builder.trustManager(bundle.toFile()));
            contexts.put(origin.caBundle(), builder.build());
        } catch (SSLException | IllegalArgumentException e) {
            throw Fault.BackendFailed.notSent(
                    backend,
                    Reason.UNREACHABLE,
                    "cannot be checked: " + origin.caBundle() + " holds no certificates");
        }
    }

    private SslContext tls(Origin origin) {
        var context = contexts.get(origin.caBundle());
        if (context == null) {
            throw new IllegalStateException("connection before its certificates were read");
        }
        return context;
    }

    /** A request that waits for its connection. Confined to one event loop. */
    private static final class Sending {
        private final FullHttpRequest request;
        private final HttpCall call;
        private @Nullable HttpConnection connection;
        private boolean over;

        Sending(FullHttpRequest request, HttpCall call) {
            this.request = request;
            this.call = call;
        }

        void on(HttpConnection free) {
            if (over) {
                request.release();
                free.giveBack();
                return;
            }
            connection = free;
            free.send(request, call);
        }

        void fail(Throwable why) {
            request.release();
            if (!over) {
                over = true;
                call.failed(why, false);
            }
        }

        void abort() {
            over = true;
            if (connection != null) {
                connection.abort(call);
            }
        }
    }
}
