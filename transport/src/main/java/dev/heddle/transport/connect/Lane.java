package dev.heddle.transport.connect;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslHandler;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The connections of one event loop to one origin. Confined to that loop. */
final class Lane {
    private static final int CONNECT_MILLIS = 10_000;
    private static final int MAX_CONNECTING = 32;
    private static final long SWEEP_MILLIS = 500;
    private static final VirtualResolver NAMES = new VirtualResolver();

    private final EventLoop loop;
    private final HttpPool.Origin origin;
    private final HttpPool pool;
    private final Deque<HttpConnection> idle = new ArrayDeque<>();
    private final List<Http2Link> links = new ArrayList<>(0);
    private final Deque<Sending> waiting = new ArrayDeque<>(0); // while others connect
    private int connecting;
    private long made; // connections so far
    private boolean isShared; // whether the server was last heard to speak HTTP/2
    private boolean sweeping;
    private long swept; // when that was done last or began, if it is being done

    Lane(EventLoop loop, HttpPool.Origin origin, HttpPool pool) {
        this.loop = loop;
        this.origin = origin;
        this.pool = pool;
    }

    /** Has {@code sending} use a connection, an idle one if there is any, as soon as it can. */
    void carry(Sending sending) {
        var link = linkWithRoom();
        var free = link == null ? idleConnection() : null;
        if (link != null) {
            openStream(link, sending);
        } else if (free != null) {
            sending.on(free);
        } else if (mayConnect()) {
            connectFor(sending);
        } else {
            waiting.add(sending);
        }
    }

    private @Nullable Http2Link linkWithRoom() {
        for (var link : links) {
            if (link.hasRoom()) {
                return link;
            }
        }
        return null;
    }

    private @Nullable HttpConnection idleConnection() {
        var free = idle.pollFirst();
        if (free == null) {
            return null;
        }
        long now = System.nanoTime();
        while (free != null && !free.isUsable(now)) {
            free.close();
            free = idle.pollFirst();
        }
        return free;
    }

    /**
     * A crowd is not given a connection each, since connections that come back serve it sooner; a
     * server of HTTP/2 needs one for all.
     */
    private boolean mayConnect() {
        return connecting < (isShared ? 1 : MAX_CONNECTING);
    }

    private static void openStream(Http2Link link, Sending sending) {
        link.open(
                (stream, failure) -> {
                    if (failure == null) {
                        sending.on(stream);
                    } else {
                        sending.fail(failure);
                    }
                });
    }

    private void connectFor(Sending sending) {
        ChannelFuture connection;
        try {
            connection = connect();
        } catch (IllegalArgumentException notAnAddress) {
            sending.fail(notAnAddress);
            return;
        }
        connecting++;
        long before = made;
        connection.addListener(
                (ChannelFuture connected) -> {
                    if (connected.isSuccess()) {
                        whenSecure(connected.channel(), sending, before);
                    } else {
                        notConnected(sending, before, connected.cause());
                    }
                });
    }

    /**
     * Those that wait fail too if everybody who has tried meanwhile has failed; one failure alone
     * says little about the server.
     *
     * @param before how many connections there had been when this one was begun
     */
    private void notConnected(Sending sending, long before, Throwable why) {
        connecting--;
        isShared = false;
        sending.fail(why);
        if (made != before) {
            carryWaiting();
        } else if (connecting == 0) {
            var all = List.copyOf(waiting);
            waiting.clear();
            all.forEach(one -> one.fail(why));
        }
    }

    /** A link takes more than before. */
    void carryWaiting() {
        while (!waiting.isEmpty() && (mayConnect() || linkWithRoom() != null)) {
            carry(waiting.remove());
        }
    }

    /** Nothing is sent before the server has proved who it is. */
    private void whenSecure(Channel channel, Sending sending, long before) {
        var tls = channel.pipeline().get(SslHandler.class);
        if (tls == null) {
            connecting--;
            made++;
            sending.on(channel.pipeline().get(HttpConnection.class));
            carryWaiting();
            return;
        }
        tls.handshakeFuture()
                .addListener(
                        shaken -> {
                            if (shaken.isSuccess()) {
                                secured(channel, tls, sending);
                            } else {
                                notConnected(sending, before, shaken.cause());
                            }
                        });
    }

    /** Speaks what has been agreed on with the server (RFC 7301). */
    private void secured(Channel channel, SslHandler tls, Sending sending) {
        connecting--;
        made++;
        isShared = ApplicationProtocolNames.HTTP_2.equals(tls.applicationProtocol());
        if (isShared) {
            var link = Http2Link.on(channel, this);
            links.add(link);
            keepSweeping();
            openStream(link, sending);
        } else {
            var connection = new HttpConnection(this);
            channel.pipeline().addLast(connection);
            sending.on(connection);
        }
        carryWaiting();
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
                                channel.pipeline()
                                        .addLast(
                                                origin.tls()
                                                        ? pool.tls(origin, channel.alloc())
                                                        : new HttpConnection(Lane.this));
                            }
                        })
                .connect(InetSocketAddress.createUnresolved(origin.host(), origin.port()));
    }

    /**
     * Lets another request use {@code connection}. Returns a time that is now or a little earlier.
     */
    long giveBack(HttpConnection connection) {
        var next = nextWaiting();
        if (next == null) {
            idle.addFirst(connection);
            keepSweeping();
        } else {
            next.on(connection);
        }
        return swept;
    }

    private @Nullable Sending nextWaiting() {
        var next = waiting.poll();
        while (next != null && next.over) {
            next = waiting.poll();
        }
        return next;
    }

    private void keepSweeping() {
        if (!sweeping) {
            sweeping = true;
            swept = System.nanoTime();
            sweepLater();
        }
    }

    /** {@code connection} is no more. */
    void forget(HttpConnection connection) {
        idle.remove(connection);
    }

    /** {@code link} is no more. */
    void forget(Http2Link link) {
        links.remove(link);
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
        List.copyOf(links).forEach(Http2Link::glance);
        sweeping = !idle.isEmpty() || !links.isEmpty();
        if (sweeping) {
            sweepLater();
        }
    }

    /** A request on its way to a connection, and how to give up on it. */
    static final class Sending implements HttpPool.Sent {
        private final EventLoop loop;
        private @Nullable Outgoing request; // until it is sent
        private final HttpCall call;
        private @Nullable Carrier carrier;
        private boolean over;

        Sending(EventLoop loop, Outgoing request, HttpCall call) {
            this.loop = loop;
            this.request = request;
            this.call = call;
        }

        private void on(Carrier free) {
            if (over) {
                free.giveBack();
                return;
            }
            carrier = free;
            var first = request;
            request = null;
            if (first != null) {
                free.send(first, call);
            }
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
                        if (carrier != null) {
                            carrier.abort(call);
                        }
                    });
        }
    }
}
