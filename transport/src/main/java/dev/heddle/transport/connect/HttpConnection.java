package dev.heddle.transport.connect;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;

/**
 * One HTTP/1.1 connection to a backend, which carries one request at a time. Confined to its event
 * loop.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter
        implements Carrier, Http1Decoder.Listener {
    /**
     * Shorter than the 5 s after which Node closes, so that a request never meets a closing
     * connection.
     */
    private static final long IDLE_NANOS = 4_000_000_000L;

    private static final long LONGEST_IDLE_SECONDS = 60;

    private final Lane lane;
    private final Http1Decoder decoder = new Http1Decoder(this);
    private List<ByteBuf> held = List.of(); // read while resting
    private @Nullable ChannelHandlerContext context;
    private @Nullable HttpCall call;
    private @Nullable HttpCall answered; // whose answer has just ended
    private boolean resting;
    private boolean reusable = true;
    private long idleNanos = IDLE_NANOS;
    private long idleUntil;

    /**
     * @param lane where the connection waits between two requests
     */
    HttpConnection(Lane lane) {
        this.lane = lane;
    }

    /** Whether a request that is sent at {@code now} meets a server that still listens. */
    boolean isUsable(long now) {
        return context != null && context.channel().isActive() && now - idleUntil < 0;
    }

    @Override
    public void send(Outgoing request, HttpCall next) {
        call = next;
        var ctx = requireContext();
        ctx.writeAndFlush(request.http1(ctx.alloc()), ctx.voidPromise());
    }

    /** Closes the connection if it still works for {@code aborted}. */
    @Override
    public void abort(HttpCall aborted) {
        if (aborted.equals(call)) {
            call = null;
            close();
        }
    }

    void close() {
        requireContext().close();
    }

    /** Lets another request use the connection. */
    @Override
    public void giveBack() {
        if (!reusable || !requireContext().channel().isActive()) {
            close();
            return;
        }
        requireContext().channel().config().setAutoRead(true);
        idleUntil = lane.giveBack(this) + idleNanos;
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
        var in = (ByteBuf) message;
        if (resting) {
            held = Stream.concat(held.stream(), Stream.of(in)).toList();
        } else {
            take(ctx, in);
            restIfNotReady(ctx);
        }
    }

    private void take(ChannelHandlerContext ctx, ByteBuf in) {
        var bytes = SpareBytes.take();
        try {
            while (in.isReadable()) {
                int length = Math.min(in.readableBytes(), bytes.length);
                in.readBytes(bytes, 0, length);
                read(bytes, length, in.isReadable() || !held.isEmpty());
            }
        } catch (MalformedHttp malformed) {
            fail(malformed);
            ctx.close();
        } finally {
            SpareBytes.giveBack(bytes);
            in.release();
        }
    }

    /**
     * Reads no more while the client does not take what has been read. What the kernel has handed
     * out by then is held.
     */
    private void restIfNotReady(ChannelHandlerContext ctx) {
        var receiver = call;
        if (receiver != null && !receiver.isReady()) {
            resting = true;
            ctx.channel().config().setAutoRead(false);
            receiver.whenReady(() -> ctx.executor().execute(() -> goOn(ctx)));
        }
    }

    private void goOn(ChannelHandlerContext ctx) {
        resting = false;
        try {
            while (!held.isEmpty() && !resting) {
                var next = held.getFirst();
                held = List.copyOf(held.subList(1, held.size()));
                take(ctx, next);
                restIfNotReady(ctx);
            }
        } catch (RuntimeException bug) {
            held.forEach(ByteBuf::release);
            held = List.of();
            exceptionCaught(ctx, bug);
        }
        if (resting) {
            return;
        }
        if (ctx.channel().isActive()) {
            ctx.channel().config().setAutoRead(true);
        } else {
            lost();
        }
    }

    private void read(byte[] bytes, int length, boolean more) {
        int at = 0;
        while (at < length) {
            if (call == null) {
                close();
                return;
            }
            at = decoder.read(bytes, at, length);
            finish(at < length || more);
        }
    }

    /**
     * Ends the call whose answer is complete. Bytes behind it are an answer to nothing: whoever got
     * the connection next would take them for its own.
     */
    private void finish(boolean bytesBehind) {
        var receiver = answered;
        answered = null;
        if (receiver != null) {
            reusable &= !bytesBehind;
            giveBack();
            receiver.ended();
        }
    }

    @Override
    public void head(Http1Head head) {
        reusable = head.isReusable();
        if (head.keepAliveSeconds() >= 0) {
            long seconds = Math.min(LONGEST_IDLE_SECONDS, head.keepAliveSeconds() - 1);
            idleNanos = Math.max(0, seconds) * 1_000_000_000L;
        }
        if (call != null) {
            call.response(head.head());
        }
    }

    @Override
    public void content(byte[] bytes, int offset, int length) {
        if (call != null) {
            call.content(bytes, offset, length);
        }
    }

    @Override
    public void end() {
        answered = call;
        call = null;
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        lane.forget(this);
        reusable = false;
        if (!resting) {
            lost();
        }
    }

    private void lost() {
        decoder.close();
        finish(false);
        fail(new IOException("connection closed by the backend"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (!resting) {
            fail(cause);
        } // else what is held may be the whole answer
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
