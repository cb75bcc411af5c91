package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;

import org.jspecify.annotations.Nullable;

import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * The answer to one HTTP request: either one body, or a stream of events. Its methods may be called
 * from any thread and take effect on the connection's event loop, in their order; what comes after
 * the end is dropped.
 */
final class HttpReply implements Answer {
    /** When a client whose stream has ended early is to come back. */
    private static final long RETRY_MILLIS = 1000;

    private static final String STREAM_LINES =
            "cache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n";

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
        IN_PARTS,
        ENDED
    }

    private final Outflow outflow;
    private final Channel channel;
    private final Frames frames;
    private final Duration signsOfLife;
    private final Runnable whenEnded;
    private boolean keepAlive;
    private String lines = "";
    private State state = State.WAITING;
    private List<Runnable> whenOver = List.of();
    private boolean inEvent; // while in parts
    private @Nullable Future<?> ticking;

    /**
     * @param signsOfLife how often a stream shows that it is alive
     * @param whenEnded runs on the event loop when the next request may be answered
     */
    HttpReply(Outflow outflow, Form form, Duration signsOfLife, Runnable whenEnded) {
        this.outflow = outflow;
        this.channel = outflow.channel();
        this.frames = new Frames(outflow, form.chunks());
        this.keepAlive = form.keepAlive();
        this.signsOfLife = signsOfLife;
        this.whenEnded = whenEnded;
    }

    /** Adds a header. To be called before anything is sent, on the event loop. */
    HttpReply header(CharSequence name, String value) {
        lines += HttpText.line(name, value);
        return this;
    }

    /** Has the connection carry no other answer after this one. To be called on the event loop. */
    void closeAfterwards() {
        keepAlive = false;
    }

    /** Whether the connection carries no other answer after this one. */
    boolean isLast() {
        return !keepAlive;
    }

    /** Whether what is sent has a chance to arrive. */
    boolean isOpen() {
        return channel.isActive() && state != State.ENDED;
    }

    /** Whether the client takes what is sent as fast as it comes, or nothing can be sent. */
    @Override
    public boolean isWritable() {
        return !isOpen() || outflow.isWritable();
    }

    /** Whether so much waits for the client that what can be spared is better dropped. */
    @Override
    public boolean isCrowded() {
        return outflow.isCrowded();
    }

    /** Runs {@code task}, on the event loop, once {@link #isWritable}. */
    @Override
    public void whenWritable(Runnable task) {
        run(
                () -> {
                    if (isWritable()) {
                        task.run();
                    } else {
                        outflow.whenWritable(task);
                    }
                });
    }

    /** The client has begun or ceased to take what is sent. */
    void writabilityChanged() {
        if (isWritable()) {
            outflow.goOn();
        }
    }

    @Override
    public String remote() {
        return channel.remoteAddress() instanceof InetSocketAddress address
                ? address.getAddress().getHostAddress()
                : "local";
    }

    @Override
    public void empty(int status) {
        run(() -> sendFull(status, "", new byte[0]));
    }

    void text(int status, String contentType, String body) {
        run(() -> sendFull(status, contentType, body.getBytes(StandardCharsets.UTF_8)));
    }

    /** Answers with a fault in its JSON-RPC form. */
    void fault(Json id, Fault fault) {
        refuse(FaultForms.status(fault), FaultForms.error(id, fault), fault);
    }

    /** Answers with a fault in the form of {@code error}. */
    @Override
    public void refuse(int status, Envelope error, Fault fault) {
        run(
                () -> {
                    if (fault instanceof Fault.LimitReached limit) {
                        header("retry-after", retryAfter(limit.retryAfter()));
                    } else if (fault instanceof Fault.StorageUnavailable
                            || fault instanceof Fault.SessionMoved) {
                        header("retry-after", "1");
                    }
                    send(status, Spliced.of(error));
                });
    }

    private static String retryAfter(Duration time) {
        return Long.toString(Math.max(1, time.toSeconds()));
    }

    /** Refuses what is no legal request. */
    void invalid(int status, String why) {
        invalid(status, Json.NULL, why);
    }

    /** Refuses the request {@code id}, which is no legal one. */
    void invalid(int status, Json id, String why) {
        error(status, JsonRpc.error(id, ErrorCode.INVALID_REQUEST, "Invalid Request: " + why));
    }

    @Override
    public void error(int status, Envelope error) {
        run(() -> send(status, Spliced.of(error)));
    }

    /** Sends the last message: as the body, or as the last event if a stream has begun. */
    @Override
    public void last(int status, Spliced message) {
        if (outflow.isNext()) {
            send(status, message);
        } else {
            run(() -> send(status, message));
        }
    }

    /** Sends the only message, with a header that was not known before. */
    void first(String header, String value, Spliced message) {
        run(
                () -> {
                    header(header, value);
                    send(200, message);
                });
    }

    private void send(int status, Spliced message) {
        switch (state) {
            case WAITING -> {
                int length = message.length();
                var out = beginFull(status, "application/json", length);
                message.writeTo(out::writeBytes);
                endFull(out);
            }
            case STREAMING -> endStream("", message);
            case IN_PARTS -> channel.close(); // what has been sent cannot be taken back
            case ENDED -> {}
        }
    }

    private void sendFull(int status, String contentType, byte[] body) {
        if (state == State.WAITING) {
            endFull(beginFull(status, contentType, body.length).writeBytes(body));
        } else if (state == State.IN_PARTS) {
            channel.close();
        }
    }

    private ByteBuf beginFull(int status, String contentType, int length) {
        var out = channel.alloc().ioBuffer(HttpText.HEAD_ROOM + lines.length() + length);
        HttpText.head(out, status, contentType, lines, !keepAlive);
        if (status == 204) {
            HttpText.end(out);
        } else {
            HttpText.endWithLength(out, length);
        }
        return out;
    }

    private void endFull(ByteBuf out) {
        state = State.ENDED;
        outflow.end(out, keepAlive);
        finished();
    }

    /** Begins a stream of events without sending one. */
    void begin() {
        run(this::beginStream);
    }

    /** Sends an event that only says where a stream begins, beginning the stream if need be. */
    void begin(String id) {
        run(
                () -> {
                    beginStream();
                    if (state == State.STREAMING) {
                        frames.priming(id, RETRY_MILLIS);
                    }
                });
    }

    /** Sends an event without an id, beginning the stream if need be. */
    @Override
    public void event(Spliced message) {
        event("", message);
    }

    /** Begins a stream of events with one of another kind than messages. */
    void begin(String type, String data) {
        run(
                () -> {
                    if (state == State.WAITING) {
                        beginStream();
                        frames.event(type, data);
                    }
                });
    }

    /** Sends an event, beginning the stream if need be. */
    void event(String id, Spliced message) {
        if (outflow.isNext()) {
            sendEvent(id, message);
        } else {
            outflow.carry(message.length(), () -> sendEvent(id, message));
        }
    }

    private void sendEvent(String id, Spliced message) {
        if (state == State.WAITING) {
            beginStream();
        }
        if (outflow.isOverfull()) {
            channel.close();
        }
        if (state == State.STREAMING && channel.isActive()) {
            frames.event(id, message);
        }
    }

    /** Sends the last event of a stream that has begun. */
    void lastEvent(String id, Spliced message) {
        run(
                () -> {
                    beginStream();
                    if (state == State.STREAMING) {
                        endStream(id, message);
                    }
                });
    }

    /** Runs {@code task}, on the event loop, if nothing has been answered for a second. */
    void whenSlow(Runnable task) {
        run(
                () -> {
                    if (state == State.WAITING) {
                        outflow.slowness().await(task);
                    }
                });
    }

    private void showLife() {
        if (!isOpen()) {
            stopTicking();
        } else if (channel.isWritable()) {
            frames.keepAlive();
        }
    }

    private void stopTicking() {
        if (ticking != null) {
            ticking.cancel(false);
            ticking = null;
        }
    }

    /** Ends a stream to which the client is to come back in a moment, and says so. */
    void endForNow() {
        run(
                () -> {
                    if (state == State.STREAMING) {
                        frames.retry(RETRY_MILLIS);
                        endStream();
                    }
                });
    }

    /** Ends a stream without a last message. */
    @Override
    public void end() {
        run(
                () -> {
                    if (state == State.WAITING) {
                        beginStream();
                    }
                    if (state == State.STREAMING) {
                        endStream();
                    } else if (state == State.IN_PARTS) {
                        channel.close();
                    }
                });
    }

    private void beginStream() {
        if (state != State.WAITING) {
            return;
        }
        state = State.STREAMING;
        outflow.slowness().over();
        beginOpenEnded("text/event-stream", STREAM_LINES + lines);
        long every = signsOfLife.toMillis();
        ticking =
                channel.eventLoop()
                        .scheduleAtFixedRate(this::showLife, every, every, TimeUnit.MILLISECONDS);
    }

    /** Begins an answer whose length is not known. */
    private void beginOpenEnded(String contentType, String headerLines) {
        keepAlive &= frames.chunks();
        frames.head(200, contentType, headerLines, !keepAlive);
    }

    /** Adds a header; to be called before anything is sent. */
    void lateHeader(String name, String value) {
        run(() -> header(name, value));
    }

    /** Begins an answer of another process, which comes in parts. */
    void beginRelayed(int status, String contentType) {
        run(
                () -> {
                    if (state == State.WAITING) {
                        state = State.IN_PARTS;
                        outflow.slowness().over();
                        boolean events = contentType.startsWith("text/event-stream");
                        keepAlive &= frames.chunks();
                        frames.head(
                                status,
                                contentType,
                                events ? STREAM_LINES + lines : lines,
                                !keepAlive);
                    }
                });
    }

    /** Begins the last message, which comes in parts. */
    void beginParts() {
        run(
                () -> {
                    if (state == State.WAITING) {
                        state = State.IN_PARTS;
                        outflow.slowness().over();
                        beginOpenEnded("application/json", lines);
                    } else if (state == State.STREAMING) {
                        state = State.IN_PARTS;
                        stopTicking();
                        inEvent = true;
                        frames.beginEvent();
                    }
                });
    }

    /** Sends a part of the last message, whose bytes are good for the time of the call. */
    void part(byte[] bytes, int offset, int length) {
        if (outflow.isNext()) {
            sendPart(bytes, offset, length);
        } else {
            var copy = Arrays.copyOfRange(bytes, offset, offset + length);
            outflow.carry(length, () -> sendPart(copy, 0, length));
        }
    }

    private void sendPart(byte[] bytes, int offset, int length) {
        if (state == State.IN_PARTS && channel.isActive()) {
            if (inEvent) {
                frames.inEvent(bytes, offset, length);
            } else {
                frames.plain(bytes, offset, length);
            }
        }
    }

    /** The last message is complete. */
    void endParts() {
        run(
                () -> {
                    if (state == State.IN_PARTS) {
                        if (inEvent) {
                            frames.endEvent();
                        }
                        endStream();
                    }
                });
    }

    /** The last message will never be complete, which the end of the connection tells. */
    void breakOff() {
        run(
                () -> {
                    if (state == State.IN_PARTS) {
                        channel.close();
                    }
                });
    }

    private void endStream(String id, Spliced last) {
        frames.event(id, last);
        endStream();
    }

    private void endStream() {
        state = State.ENDED;
        stopTicking();
        frames.end();
        outflow.end(keepAlive);
        finished();
    }

    /**
     * Runs {@code task}, on the event loop, when nothing more can be sent: the answer has ended or
     * its connection.
     */
    @Override
    public void whenOver(Runnable task) {
        run(
                () -> {
                    if (isOpen()) {
                        var more = new ArrayList<>(whenOver);
                        more.add(task);
                        whenOver = more;
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
        outflow.slowness().over();
        var tasks = whenOver;
        whenOver = List.of();
        tasks.forEach(Runnable::run);
        writabilityChanged();
    }

    private void finished() {
        over();
        whenEnded.run();
    }

    private void run(Runnable task) {
        outflow.run(task);
    }
}
