package dev.heddle.transport.serve;

import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.transport.net.GrowingBytes;

import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * One client connection: puts requests together and has them answered one at a time. Confined to
 * its event loop.
 */
final class HttpFront extends ChannelInboundHandlerAdapter {
    private static final Logger log = LoggerFactory.getLogger(HttpFront.class);
    private static final int MAX_WAITING = 16;
    private static final long GLANCE_SECONDS = 10;
    private static final int GLANCES_AT_ONE_REQUEST = 3;
    private static final int GLANCES_AT_SILENCE = 12;

    /** Tells a connection, as an event, to end as soon as nothing is being asked on it. */
    static final Object NO_MORE = new Object();

    /** Answers requests. */
    @FunctionalInterface
    interface Requests {
        void handle(HttpRequest head, byte[] body, HttpReply reply);
    }

    private final Requests requests;
    private final int maxBody;
    private final Duration signsOfLife;
    private final ArrayDeque<HttpObject> waiting = new ArrayDeque<>();
    private @Nullable HttpRequest head;
    private final GrowingBytes body = new GrowingBytes();
    private @Nullable HttpReply current;
    private @Nullable Outflow outflow;
    private @Nullable Future<?> watching;
    private int glancesAtRequest; // that has begun and is not complete
    private int glancesAtSilence;
    private boolean answering;
    private boolean refusing;

    /**
     * @param signsOfLife how often an event stream shows that it is alive
     */
    HttpFront(Requests requests, int maxBody, Duration signsOfLife) {
        this.requests = requests;
        this.maxBody = maxBody;
        this.signsOfLife = signsOfLife;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        watching =
                ctx.channel()
                        .eventLoop()
                        .scheduleWithFixedDelay(
                                () -> closeIfSilent(ctx),
                                GLANCE_SECONDS,
                                GLANCE_SECONDS,
                                TimeUnit.SECONDS);
    }

    /**
     * A client must finish what it has begun, and must not hold a connection that it does not use.
     */
    private void closeIfSilent(ChannelHandlerContext ctx) {
        if (answering) {
            glancesAtSilence = 0; // its time begins when it has been answered
            return;
        }
        glancesAtSilence++;
        glancesAtRequest = head == null ? 0 : glancesAtRequest + 1;
        if (glancesAtRequest > GLANCES_AT_ONE_REQUEST || glancesAtSilence > GLANCES_AT_SILENCE) {
            ctx.close();
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (!event.equals(NO_MORE)) {
            ctx.fireUserEventTriggered(event);
        } else if (current != null) {
            current.closeAfterwards();
        } else if (head == null && waiting.isEmpty()) {
            refusing = true;
            ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        }
    }

    private void stopWatching() {
        if (watching != null) {
            watching.cancel(false);
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        glancesAtSilence = 0;
        if (!(message instanceof HttpObject part)) {
            ReferenceCountUtil.release(message);
        } else if (answering || !waiting.isEmpty()) {
            waiting.add(part);
            if (waiting.size() > MAX_WAITING) {
                ctx.channel().config().setAutoRead(false);
            }
        } else {
            take(ctx, part);
        }
    }

    private void take(ChannelHandlerContext ctx, HttpObject part) {
        try {
            if (refusing) {
                return;
            }
            if (part.decoderResult().isFailure()) {
                refuse(ctx, part.decoderResult().cause());
                return;
            }
            if (part instanceof HttpRequest request) {
                begin(ctx, request);
            }
            if (part instanceof HttpContent content && head != null) {
                collect(ctx, content);
            }
        } finally {
            ReferenceCountUtil.release(part);
        }
    }

    private void begin(ChannelHandlerContext ctx, HttpRequest request) {
        body.take();
        head = request;
        glancesAtRequest = 0;
        if (HttpUtil.getContentLength(request, 0L) > maxBody) {
            refuseBody(ctx);
        } else if (HttpUtil.is100ContinueExpected(request)) {
            ctx.writeAndFlush(Unpooled.wrappedBuffer(HttpText.CONTINUE), ctx.voidPromise());
        }
    }

    private void collect(ChannelHandlerContext ctx, HttpContent content) {
        var piece = content.content();
        if (piece.isReadable()) {
            if (body.length() + piece.readableBytes() > maxBody) {
                refuseBody(ctx);
                return;
            }
            body.append(piece);
        }
        if (content instanceof LastHttpContent) {
            answer(ctx);
        }
    }

    private void answer(ChannelHandlerContext ctx) {
        var request = head;
        if (request == null) {
            return;
        }
        var bytes = body.take();
        head = null;
        answering = true;
        var reply =
                new HttpReply(
                        outflow(ctx),
                        new HttpReply.Form(
                                HttpUtil.isKeepAlive(request),
                                request.protocolVersion().isKeepAliveDefault()),
                        signsOfLife,
                        () -> answered(ctx));
        current = reply;
        try {
            requests.handle(request, bytes, reply);
        } catch (RuntimeException bug) {
            log.error("request could not be handled", bug);
            reply.error(500, JsonRpc.error(Json.NULL, ErrorCode.INTERNAL_ERROR, "Internal error"));
        }
    }

    private Outflow outflow(ChannelHandlerContext ctx) {
        if (outflow == null) {
            outflow = new Outflow(ctx.channel());
        }
        return outflow;
    }

    private void answered(ChannelHandlerContext ctx) {
        answering = false;
        refusing |= current != null && current.isLast(); // what comes behind it is for nobody
        current = null;
        if (!waiting.isEmpty()) {
            ctx.executor().execute(() -> takeWaiting(ctx));
        }
    }

    private void takeWaiting(ChannelHandlerContext ctx) {
        while (!answering && !waiting.isEmpty()) {
            take(ctx, waiting.remove());
        }
        if (waiting.size() <= MAX_WAITING) {
            ctx.channel().config().setAutoRead(true);
        }
    }

    private void refuseBody(ChannelHandlerContext ctx) {
        refuse(
                ctx,
                413,
                "found a body of more than " + maxBody + " bytes (expected: at most that)");
    }

    private void refuse(ChannelHandlerContext ctx, Throwable why) {
        boolean tooLong =
                why instanceof TooLongHttpHeaderException
                        || why instanceof TooLongHttpLineException;
        refuse(
                ctx,
                tooLong ? 431 : 400,
                tooLong ? "found too long a request head" : "found no legal HTTP request");
    }

    /**
     * Answers with an error and closes, since what follows on the connection cannot be told apart.
     */
    private void refuse(ChannelHandlerContext ctx, int status, String why) {
        refusing = true;
        head = null;
        body.take();
        new HttpReply(outflow(ctx), HttpReply.Form.LAST, signsOfLife, () -> {})
                .invalid(status, why);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (current != null) {
            current.writabilityChanged();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        if (current != null) {
            current.connectionLost();
        }
        stopWatching();
        body.take();
        waiting.forEach(ReferenceCountUtil::release);
        waiting.clear();
        ctx.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        log.debug("client connection failed: {}", cause.toString());
        ctx.close();
    }
}
