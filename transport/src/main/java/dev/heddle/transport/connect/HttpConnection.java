package dev.heddle.transport.connect;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** One connection to a backend, which carries one request at a time. Confined to its event loop. */
final class HttpConnection extends ChannelInboundHandlerAdapter {
    /**
     * Shorter than the 5 s after which Node closes, so that a request never meets a closing
     * connection.
     */
    private static final long IDLE_MILLIS = 4_000;

    private static final Pattern KEEP_ALIVE_TIMEOUT = Pattern.compile("timeout=(\\d{1,6})");

    private final Deque<HttpConnection> idle;
    private @Nullable ChannelHandlerContext context;
    private @Nullable HttpCall call;
    private @Nullable ScheduledFuture<?> expiry;
    private boolean reusable = true;
    private boolean interim;
    private long idleMillis = IDLE_MILLIS;

    /**
     * @param idle where the connection waits between two requests
     */
    HttpConnection(Deque<HttpConnection> idle) {
        this.idle = idle;
    }

    boolean isUsable() {
        if (expiry != null) {
            expiry.cancel(false);
            expiry = null;
        }
        return context != null && context.channel().isActive();
    }

    void send(FullHttpRequest request, HttpCall next) {
        call = next;
        requireContext()
                .writeAndFlush(request)
                .addListener(
                        written -> {
                            if (!written.isSuccess()) {
                                fail(written.cause());
                            }
                        });
    }

    /** Closes the connection if it still works for {@code aborted}. */
    void abort(HttpCall aborted) {
        if (aborted.equals(call)) {
            call = null;
            requireContext().close();
        }
    }

    /** Lets another request use the connection. */
    void giveBack() {
        var channel = requireContext().channel();
        if (!reusable || !channel.isActive()) {
            channel.close();
            return;
        }
        idle.addFirst(this);
        expiry = channel.eventLoop().schedule(this::expire, idleMillis, TimeUnit.MILLISECONDS);
    }

    private void expire() {
        if (idle.remove(this)) {
            requireContext().close();
        }
    }

    private ChannelHandlerContext requireContext() {
        if (context == null) {
            throw new IllegalStateException("connection is not registered yet");
        }
        return context;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            read(message);
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    private void read(Object message) {
        var receiver = call;
        if (receiver == null) {
            reusable = false; // bytes that nobody asked for: what follows cannot be trusted
            requireContext().close();
            return;
        }
        if (message instanceof HttpResponse head && head.decoderResult().isSuccess()) {
            interim = head.status().codeClass() == HttpStatusClass.INFORMATIONAL;
            if (interim) {
                return;
            }
            reusable = HttpUtil.isKeepAlive(head);
            noteKeepAlive(head);
            receiver.response(head);
        }
        if (message instanceof HttpObject part && part.decoderResult().isFailure()) {
            fail(part.decoderResult().cause());
            requireContext().close();
            return;
        }
        if (interim && message instanceof LastHttpContent) {
            interim = false;
            return;
        }
        if (message instanceof HttpContent piece && receiver.equals(call)) {
            receiver.content(piece.content());
            if (message instanceof LastHttpContent && receiver.equals(call)) {
                call = null;
                giveBack();
                receiver.ended();
            }
        }
    }

    private void noteKeepAlive(HttpResponse head) {
        var value = head.headers().get("Keep-Alive");
        var timeout = value == null ? null : KEEP_ALIVE_TIMEOUT.matcher(value);
        if (timeout != null && timeout.find()) {
            long millis = Long.parseLong(timeout.group(1)) * 1000;
            idleMillis = Math.max(0, Math.min(IDLE_MILLIS * 15, millis - 1000));
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        idle.remove(this);
        fail(new IOException("connection closed by the backend"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        fail(cause);
        ctx.close();
    }

    private void fail(Throwable why) {
        var receiver = call;
        call = null;
        if (receiver != null) {
            receiver.failed(why, true);
        }
    }
}
