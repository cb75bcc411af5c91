package dev.heddle.bench;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;

/** One event loop of the harness. */
final class Loop implements AutoCloseable {
    private final EventLoopGroup group;

    Loop(String name) {
        this.group =
                new MultiThreadIoEventLoopGroup(
                        1, new DefaultThreadFactory(name, true), EpollIoHandler.newFactory());
    }

    EventLoopGroup group() {
        return group;
    }

    Class<? extends Channel> channel() {
        return EpollSocketChannel.class;
    }

    Class<? extends ServerChannel> serverChannel() {
        return EpollServerSocketChannel.class;
    }

    @Override
    public void close() {
        group.shutdownGracefully().awaitUninterruptibly(2000);
    }
}
