package dev.heddle.transport.connect;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;

import java.io.IOException;

/**
 * One request and its answer on an HTTP/2 connection. A client that does not read closes the
 * stream's window, and is in nobody else's way. Confined to its event loop.
 */
final class Http2Stream extends ChannelInboundHandlerAdapter implements Carrier {
    private @Nullable ChannelHandlerContext context;
    private @Nullable HttpCall call;
    private boolean hasHead;

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    private ChannelHandlerContext requireContext() {
        if (context == null) {
            throw new IllegalStateException("stream is not registered yet");
        }
        return context;
    }

    @Override
    public void send(Outgoing request, HttpCall next) {
        call = next;
        var ctx = requireContext();
        var message = request.message();
        var head = new DefaultHttp2HeadersFrame(request.http2(), message == null);
        ctx.write(head)
                .addListener(
                        written -> {
                            if (!written.isSuccess()) {
                                fail(written.cause(), false);
                            }
                        });
        if (message != null) {
            var body = ctx.alloc().ioBuffer(message.length());
            message.writeTo(body::writeBytes);
            ctx.write(new DefaultHttp2DataFrame(body, true));
        }
        ctx.flush();
    }

    @Override
    public void abort(HttpCall aborted) {
        if (aborted.equals(call)) {
            call = null;
            requireContext().close();
        }
    }

    @Override
    public void giveBack() {
        requireContext().close();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object frame) {
        try {
            switch (frame) {
                case Http2HeadersFrame headers -> head(headers);
                case Http2DataFrame data -> content(data);
                case Http2ResetFrame reset -> reset(reset);
                default -> {} // means nothing here
            }
        } catch (MalformedHttp malformed) {
            fail(malformed, true);
            ctx.close();
        } finally {
            ReferenceCountUtil.release(frame);
        }
        restIfNotReady(ctx);
    }

    private void head(Http2HeadersFrame frame) {
        var receiver = call;
        if (receiver != null && !hasHead) {
            var head = ResponseHead.of(frame.headers());
            hasHead = head.status() >= 200;
            if (hasHead) {
                receiver.response(head);
            }
        }
        if (frame.isEndStream()) {
            end();
        }
    }

    private void content(Http2DataFrame frame) {
        var in = frame.content();
        var bytes = SpareBytes.take();
        try {
            while (in.isReadable() && call != null) {
                int length = Math.min(in.readableBytes(), bytes.length);
                in.readBytes(bytes, 0, length);
                call.content(bytes, 0, length);
            }
        } finally {
            SpareBytes.giveBack(bytes);
        }
        if (frame.isEndStream()) {
            end();
        }
    }

    private void end() {
        var receiver = call;
        call = null;
        if (receiver == null) {
            return;
        }
        if (hasHead) {
            receiver.ended();
        } else {
            receiver.failed(new MalformedHttp("found an answer without a head"), true);
        }
    }

    private void restIfNotReady(ChannelHandlerContext ctx) {
        var receiver = call;
        if (receiver != null && !receiver.isReady()) {
            ctx.channel().config().setAutoRead(false);
            receiver.whenReady(
                    () -> ctx.executor().execute(() -> ctx.channel().config().setAutoRead(true)));
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof Http2ResetFrame reset) {
            reset(reset);
        }
        ReferenceCountUtil.release(event);
    }

    private void reset(Http2ResetFrame frame) {
        var code = Http2Error.valueOf(frame.errorCode());
        if (code == Http2Error.REFUSED_STREAM) {
            fail(new StreamRefused(), false);
        } else if (code != Http2Error.NO_ERROR) { // else the answer is complete, read or not
            fail(new IOException("the backend has reset the stream (" + code + ")"), true);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        fail(new IOException("connection closed by the backend"), true);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(cause, true);
        ctx.close();
    }

    private void fail(Throwable why, boolean mayHaveArrived) {
        var receiver = call;
        call = null;
        if (receiver != null) {
            receiver.failed(why, mayHaveArrived);
        }
    }
}
