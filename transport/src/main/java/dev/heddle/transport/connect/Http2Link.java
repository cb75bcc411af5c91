package dev.heddle.transport.connect;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.DefaultHttp2PingFrame;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2GoAwayFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2SettingsFrame;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

import java.util.function.BiConsumer;

/**
 * One HTTP/2 connection to a backend, which carries many requests at once (RFC 9113). Confined to
 * its event loop.
 */
final class Http2Link {
    private static final int STREAM_WINDOW = 256 * 1024;

    /** So large that streams whose clients do not read leave room for the others. */
    private static final int CONNECTION_WINDOW = 64 * 1024 * 1024;

    /** As many as servers should allow (RFC 9113, 6.5.2). */
    private static final int MOST_EARLY = 100;

    private static final int GLANCES_BEFORE_PING = 20;
    private static final int GLANCES_BEFORE_END = 40;
    private static final int GLANCES_WHILE_IDLE = 60;

    private final Lane lane;
    private final Channel channel;
    private final Http2FrameCodec codec;
    private boolean leaving; // the server takes no new requests
    private boolean settled; // whether the server has said how many it takes at once
    private int early; // requests before it did
    private int quiet; // glances since anything came
    private int idle; // glances since there was a request

    private Http2Link(Lane lane, Channel channel) {
        this.lane = lane;
        this.channel = channel;
        this.codec =
                Http2FrameCodecBuilder.forClient()
                        .initialSettings(
                                Http2Settings.defaultSettings()
                                        .pushEnabled(false)
                                        .initialWindowSize(STREAM_WINDOW))
                        .build();
    }

    /** Speaks HTTP/2 on {@code channel} from now on. */
    static Http2Link on(Channel channel, Lane lane) {
        var link = new Http2Link(lane, channel);
        channel.pipeline()
                .addLast(link.new Listening())
                .addLast(link.codec)
                .addLast(new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()))
                .addLast(link.new Control());
        link.widen();
        return link;
    }

    private void widen() {
        try {
            var connection = codec.connection();
            var stream = connection.connectionStream();
            var local = connection.local().flowController();
            local.incrementWindowSize(stream, CONNECTION_WINDOW - local.windowSize(stream));
        } catch (Http2Exception e) {
            throw new IllegalStateException("a fresh connection cannot refuse this", e);
        }
    }

    /** Whether one more request may be sent now. */
    boolean hasRoom() {
        boolean takesMore =
                settled ? codec.connection().local().canOpenStream() : early < MOST_EARLY;
        return takesMore && !leaving && channel.isActive();
    }

    /** Opens a stream, and tells {@code opened} about it or about the reason that there is none. */
    void open(BiConsumer<Http2Stream, Throwable> opened) {
        idle = 0;
        early += settled ? 0 : 1;
        var stream = new Http2Stream();
        new Http2StreamChannelBootstrap(channel)
                .handler(stream)
                .open()
                .addListener(
                        (Future<Http2StreamChannel> future) ->
                                opened.accept(stream, future.cause()));
    }

    /** To be called again and again, about twice in a second: looks for a peer that has gone. */
    void glance() {
        boolean busy = codec.connection().numActiveStreams() > 0;
        idle = busy ? 0 : idle + 1;
        quiet = busy ? quiet + 1 : 0;
        if (quiet == GLANCES_BEFORE_PING) {
            channel.writeAndFlush(new DefaultHttp2PingFrame(1), channel.voidPromise());
        }
        boolean done = !busy && (leaving || idle > GLANCES_WHILE_IDLE);
        if (done || quiet > GLANCES_BEFORE_END) {
            leaving = true;
            channel.close();
        }
    }

    /** Hears that the server is alive. */
    private final class Listening extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            quiet = 0;
            ctx.fireChannelRead(message);
        }
    }

    /** Takes what concerns no single request. */
    private final class Control extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object frame) {
            leaving |= frame instanceof Http2GoAwayFrame;
            boolean settles = frame instanceof Http2SettingsFrame && !settled;
            ReferenceCountUtil.release(frame);
            if (settles) {
                settled = true;
                lane.carryWaiting();
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            lane.forget(Http2Link.this);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            leaving = true;
            ctx.close();
        }
    }
}
