package dev.heddle.transport.connect;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.SslHandler;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;

/** The connections of one event loop to one origin. Confined to that loop. */
final class Lane {
    private static final int CONNECT_MILLIS = 10_000;
    private static final long SWEEP_MILLIS = 500;
    private static final VirtualResolver NAMES = new VirtualResolver();

    private final EventLoop loop;
    private final HttpPool.Origin origin;
    private final HttpPool pool;
    private final Deque<HttpConnection> idle = new ArrayDeque<>();
    private boolean sweeping;
    private long swept; // when that was done last or began, if it is being done

    Lane(EventLoop loop, HttpPool.Origin origin, HttpPool pool) {
        this.loop = loop;
        this.origin = origin;
        this.pool = pool;
    }

    /** Has {@code sending} use a connection, an idle one if there is any. */
    void carry(Sending sending) {
        var free = idle.pollFirst();
        if (free != null) {
            long now = System.nanoTime();
            while (free != null && !free.isUsable(now)) {
                free.close();
                free = idle.pollFirst();
            }
        }
        if (free != null) {
            sending.on(free);
        } else {
            connectFor(sending);
        }
    }

    private void connectFor(Sending sending) {
        ChannelFuture connecting;
        try {
            connecting = connect();
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

    private ChannelFuture connect() {
        return pool.loops()
                .connecting(loop)
                .resolver(NAMES)
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .handler(
                        new ChannelInitializer<Channel>() {
                            @Override
                            protected void initChannel(Channel channel) {
                                if (origin.tls()) {
                                    channel.pipeline().addLast(pool.tls(origin, channel.alloc()));
                                }
                                channel.pipeline().addLast(new HttpConnection(Lane.this));
                            }
                        })
                .connect(InetSocketAddress.createUnresolved(origin.host(), origin.port()));
    }

    /**
     * Lets another request use {@code connection}. Returns a time that is now or a little earlier.
     */
    long giveBack(HttpConnection connection) {
        idle.addFirst(connection);
        if (!sweeping) {
            sweeping = true;
            swept = System.nanoTime();
            sweepLater();
        }
        return swept;
    }

    /** {@code connection} is no more. */
    void forget(HttpConnection connection) {
        idle.remove(connection);
    }

    private void sweepLater() {
        loop.schedule(this::sweep, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Closes what has been idle for too long. */
    private void sweep() {
        long now = System.nanoTime();
        swept = now;
        var stale = idle.stream().filter(connection -> !connection.isUsable(now)).toList();
        stale.forEach(HttpConnection::close);
        idle.removeAll(stale);
        sweeping = !idle.isEmpty();
        if (sweeping) {
            sweepLater();
        }
    }

    /** A request on its way to a connection, and how to give up on it. */
    static final class Sending implements HttpPool.Sent {
        private final EventLoop loop;
        private final Outgoing request;
        private final HttpCall call;
        private @Nullable HttpConnection connection;
        private boolean over;

        Sending(EventLoop loop, Outgoing request, HttpCall call) {
            this.loop = loop;
            this.request = request;
            this.call = call;
        }

        private void on(HttpConnection free) {
            if (over) {
                free.giveBack();
                return;
            }
            connection = free;
            free.send(request, call);
        }

        private void fail(Throwable why) {
            if (!over) {
                over = true;
                call.failed(why, false);
            }
        }

        @Override
        public void abort() {
            loop.execute(
                    () -> {
                        over = true;
                        if (connection != null) {
                            connection.abort(call);
                        }
                    });
        }
    }
}
