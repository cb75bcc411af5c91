package dev.heddle.transport.net;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.NonBlocking;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.HashedWheelTimer;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocalThread;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The threads on which all sockets live, one for each core, and a timer. Clients and backends share
 * them, so that a call can stay on one thread. Thread-safe.
 */
public final class EventLoops implements AutoCloseable {

    /** How the kernel is asked about sockets. */
    public enum Io {
        IO_URING,
        EPOLL,
        NIO;

        /** The best that works on this machine. */
        public static Io best() {
            if (IO_URING.isAvailable()) {
                return IO_URING;
            }
            return EPOLL.isAvailable() ? EPOLL : NIO;
        }

        /** Whether it works on this machine. */
        public boolean isAvailable() {
            return switch (this) {
                case IO_URING -> IoUring.isAvailable();
                case EPOLL -> Epoll.isAvailable();
                case NIO -> true;
            };
        }

        private IoHandlerFactory factory() {
            return switch (this) {
                case IO_URING ->
                        IoUringIoHandler.newFactory(
                                new IoUringIoHandlerConfig().setRingSize(RING_SIZE));
                case EPOLL -> EpollIoHandler.newFactory();
                case NIO -> NioIoHandler.newFactory();
            };
        }
    }

    /** Requests to the kernel that go there with one call. */
    private static final int RING_SIZE = 1024;

    /** A thread on which nothing may block. */
    private static final class LoopThread extends FastThreadLocalThread implements NonBlocking {
        LoopThread(Runnable task, String name) {
            super(task, name);
            setDaemon(true);
        }
    }

    private final Io io;
    private final EventLoopGroup group;
    private final List<EventLoop> loops = new ArrayList<>();
    private final HashedWheelTimer timer =
            new HashedWheelTimer(
                    new DefaultThreadFactory("heddle-timer", true),
                    20,
                    TimeUnit.MILLISECONDS,
                    512,
                    false);

    public EventLoops(Io io) {
        this(io, Runtime.getRuntime().availableProcessors());
    }

    public EventLoops(Io io, int threads) {
        this.io = io;
        this.group =
                new MultiThreadIoEventLoopGroup(
                        threads,
                        new DefaultThreadFactory("heddle-loop", true) {
                            @Override
                            protected Thread newThread(Runnable task, String name) {
                                return new LoopThread(task, name);
                            }
                        },
                        io.factory());
        for (EventExecutor loop : group) {
            loops.add((EventLoop) loop);
        }
    }

    public Io io() {
        return io;
    }

    public EventLoopGroup group() {
        return group;
    }

    /** The event loop that the current thread runs, or else any. */
    public EventLoop here() {
        for (var loop : loops) {
            if (loop.inEventLoop()) {
                return loop;
            }
        }
        return group.next();
    }

    /** For channels that connect to others, on {@code loop}. */
    public Bootstrap connecting(EventLoop loop) {
        var bootstrap = new Bootstrap().group(loop);
        return switch (io) {
            case IO_URING -> bootstrap.channel(IoUringSocketChannel.class);
            case EPOLL -> bootstrap.channel(EpollSocketChannel.class);
            case NIO -> bootstrap.channel(NioSocketChannel.class);
        };
    }

    /** For channels that others connect to, on all loops. */
    public ServerBootstrap listening() {
        var bootstrap = new ServerBootstrap().group(group);
        return switch (io) {
            case IO_URING -> bootstrap.channel(IoUringServerSocketChannel.class);
            case EPOLL -> bootstrap.channel(EpollServerSocketChannel.class);
            case NIO -> bootstrap.channel(NioServerSocketChannel.class);
        };
    }

    /**
     * Runs short tasks later, on a thread of its own, within about 20 ms of the time that was asked
     * for; after {@link #close} never.
     */
    public Alarms alarms() {
        return new Alarms() {
            @Override
            public Alarm after(Duration delay, Runnable task) {
                try {
                    return timer.newTimeout(_ -> task.run(), delay.toNanos(), TimeUnit.NANOSECONDS)
                            ::cancel;
                } catch (IllegalStateException stopped) {
                    return () -> {}; // nothing comes later any more
                }
            }

            @Override
            public long now() {
                return System.nanoTime();
            }
        };
    }

    /** Ends all threads, and with them all connections. Blocks for at most a few seconds. */
    @Override
    public void close() {
        timer.stop();
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
    }
}
