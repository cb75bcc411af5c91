package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * The answer to one HTTP request: either one body, or a stream of events. Its methods may be called
 * from any thread and take effect on the connection's event loop, in their order; what comes after
 * the end is dropped.
 */
final class HttpReply {
    private static final byte[] EVENT =
            "event: message\ndata: ".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END_OF_EVENT = "\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final long MAX_WAITING = 16L * 1024 * 1024;
    private static final byte[] KEEP_ALIVE = ": keep-alive\n\n".getBytes(StandardCharsets.US_ASCII);

    /**
     * What the client's HTTP allows.
     *
     * @param keepAlive whether the connection may carry another request
     * @param chunks whether an answer may come in chunks; if not, its end is the connection's
     */
    record Form(boolean keepAlive, boolean chunks) {
        /** The last answer on its connection. */
        static final Form LAST = new Form(false, true);
    }

    private enum State {
        WAITING,
        STREAMING,
        ENDED
    }

    private final Channel channel;
    private final HttpHeaders headers = new DefaultHttpHeaders();
    private final boolean chunks;
    private boolean keepAlive;
    private final Duration signsOfLife;
    private final Runnable whenEnded;
    private State state = State.WAITING;
    private final List<Runnable> whenOver = new ArrayList<>();
    private @Nullable Future<?> ticking;

    /**
     * @param signsOfLife how often a stream shows that it is alive
     * @param whenEnded runs on the event loop when the next request may be answered
     */
    HttpReply(Channel channel, Form form, Duration signsOfLife, Runnable whenEnded) {
        this.channel = channel;
        this.keepAlive = form.keepAlive();
        this.chunks = form.chunks();
        this.signsOfLife = signsOfLife;
        this.whenEnded = whenEnded;
    }

    /** Adds a header. To be called before anything is sent, on the event loop. */
    HttpReply header(CharSequence name, String value) {
        headers.set(name, value);
        return this;
    }

    /** Whether what is sent has a chance to arrive. */
    boolean isOpen() {
        return channel.isActive() && state != State.ENDED;
    }

    /** Whether the client takes what is sent as fast as it comes. */
    boolean isWritable() {
        return channel.isWritable();
    }

    Channel channel() {
        return channel;
    }

    void empty(int status) {
        run(() -> sendFull(status, "", Unpooled.EMPTY_BUFFER));
    }

    void text(int status, String contentType, String body) {
        run(() -> sendFull(status, contentType, ByteBufUtil.writeUtf8(channel.alloc(), body)));
    }

    /** Answers with a fault in its JSON-RPC form. */
    void fault(Json id, Fault fault) {
        run(
                () -> {
                    if (fault instanceof Fault.LimitReached limit) {
                        headers.set(
                                HttpHeaderNames.RETRY_AFTER,
                                Math.max(1, limit.retryAfter().toSeconds()));
                    } else if (fault instanceof Fault.StorageUnavailable) {
                        headers.set(HttpHeaderNames.RETRY_AFTER, 1);
                    }
                    send(FaultForms.status(fault), Spliced.of(FaultForms.error(id, fault)));
                });
    }

    void error(int status, Envelope error) {
        run(() -> send(status, Spliced.of(error)));
    }

    /** Sends the last message: as the body, or as the last event if a stream has begun. */
    void last(int status, Spliced message) {
        run(() -> send(status, message));
    }

    /** Sends the only message, with a header that was not known before. */
    void first(String header, String value, Spliced message) {
        run(
                () -> {
                    headers.set(header, value);
                    send(200, message);
                });
    }

    private void send(int status, Spliced message) {
        if (state == State.STREAMING) {
            channel.write(new DefaultHttpContent(event(message)));
            endStream();
        } else {
            var body = channel.alloc().ioBuffer(message.length());
            message.writeTo(body::writeBytes);
            sendFull(status, "application/json", body);
        }
    }

    /** Begins a stream of events without sending one. */
    void begin() {
        run(this::beginStream);
    }

    /** Sends an event, beginning the stream if need be. */
    void event(Spliced message, Runnable ifNotSent) {
        run(
                () -> {
                    if (state == State.WAITING) {
                        beginStream();
                    }
                    if (isOverfull()) {
                        channel.close();
                    }
                    if (state == State.STREAMING && channel.isActive()) {
                        channel.writeAndFlush(new DefaultHttpContent(event(message)));
                    } else {
                        ifNotSent.run();
                    }
                });
    }

    /** Whether a client that does not read has made too much wait. */
    private boolean isOverfull() {
        var waiting = channel.unsafe().outboundBuffer();
        return waiting == null || waiting.totalPendingWriteBytes() > MAX_WAITING;
    }

    private void showLife() {
        if (!isOpen()) {
            stopTicking();
        } else if (channel.isWritable()) {
            channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(KEEP_ALIVE)));
        }
    }

    private void stopTicking() {
        if (ticking != null) {
            ticking.cancel(false);
            ticking = null;
        }
    }

    /** Ends a stream without a last message. */
    void end() {
        run(
                () -> {
                    if (state == State.WAITING) {
                        beginStream();
                    }
                    if (state == State.STREAMING) {
                        endStream();
                    }
                });
    }

    private ByteBuf event(Spliced message) {
        var event = channel.alloc().ioBuffer(EVENT.length + message.length() + END_OF_EVENT.length);
        event.writeBytes(EVENT);
        message.writeLineTo(event::writeBytes);
        return event.writeBytes(END_OF_EVENT);
    }

    private void beginStream() {
        if (state != State.WAITING) {
            return;
        }
        state = State.STREAMING;
        var head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
        head.headers()
                .set(headers)
                .set(HttpHeaderNames.CONTENT_TYPE, "text/event-stream")
                .set(HttpHeaderNames.CACHE_CONTROL, "no-cache, no-transform")
                .set("X-Accel-Buffering", "no");
        if (chunks) {
            head.headers().set(HttpHeaderNames.TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
        } else {
            keepAlive = false;
        }
        noteConnection(head);
        channel.writeAndFlush(head);
        long every = signsOfLife.toMillis();
        ticking =
                channel.eventLoop()
                        .scheduleAtFixedRate(this::showLife, every, every, TimeUnit.MILLISECONDS);
    }

    private void endStream() {
        state = State.ENDED;
        stopTicking();
        finish(channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT));
    }

    private void sendFull(int status, String contentType, ByteBuf body) {
        if (state != State.WAITING) {
            body.release();
            return;
        }
        state = State.ENDED;
        var response =
                new DefaultFullHttpResponse(
                        HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(status), body);
        response.headers().set(headers);
        if (!contentType.isEmpty()) {
            response.headers().set(HttpHeaderNames.CONTENT_TYPE, contentType);
        }
        if (status != 204) {
            response.headers().set(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
        }
        noteConnection(response);
        finish(channel.writeAndFlush(response));
    }

    private void noteConnection(HttpResponse response) {
        if (!keepAlive) {
            response.headers().set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        }
    }

    /**
     * Runs {@code task}, on the event loop, when nothing more can be sent: the answer has ended or
     * its connection.
     */
    void whenOver(Runnable task) {
        run(
                () -> {
                    if (isOpen()) {
                        whenOver.add(task);
                    } else {
                        task.run();
                    }
                });
    }

    /** The connection has ended. */
    void connectionLost() {
        state = State.ENDED;
        stopTicking();
        over();
    }

    private void over() {
        var tasks = List.copyOf(whenOver);
        whenOver.clear();
        tasks.forEach(Runnable::run);
    }

    private void finish(ChannelFuture written) {
        over();
        if (!keepAlive) {
            written.addListener(ChannelFutureListener.CLOSE);
        }
        whenEnded.run();
    }

    private void run(Runnable task) {
        if (channel.eventLoop().inEventLoop()) {
            task.run();
        } else {
            channel.eventLoop().execute(task);
        }
    }
}
