package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The answer to one HTTP request: either one body, or a stream of events. Its methods may be called
 * from any thread and take effect on the connection's event loop, in their order; what comes after
 * the end is dropped.
 */
final class HttpReply {
    private static final byte[] EVENT = HttpText.bytes("event: message\ndata: ");
    private static final byte[] END_OF_EVENT = HttpText.bytes("\n\n");
    private static final byte[] KEEP_ALIVE = HttpText.bytes(": keep-alive\n\n");
    private static final String STREAM_LINES =
            "cache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n";
    private static final long MAX_WAITING = 16L * 1024 * 1024;
    private static final long CROWDED = 2L * 1024 * 1024;
    private static final int MAX_ON_THE_WAY = 64 * 1024;

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

    private final Channel channel;
    private final boolean chunks;
    private final Duration signsOfLife;
    private final Runnable whenEnded;
    private final AtomicInteger onTheWay = new AtomicInteger();
    private boolean keepAlive;
    private String lines = "";
    private State state = State.WAITING;
    private List<Runnable> whenOver = List.of();
    private List<Runnable> whenWritable = List.of();
    private boolean flushing;
    private boolean inEvent; // while in parts
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
        lines += HttpText.line(name, value);
        return this;
    }

    /** Whether what is sent has a chance to arrive. */
    boolean isOpen() {
        return channel.isActive() && state != State.ENDED;
    }

    /** Whether an event has a chance to arrive. */
    boolean takesEvents() {
        return isOpen() && state != State.IN_PARTS;
    }

    /** Whether the client takes what is sent as fast as it comes, or nothing can be sent. */
    boolean isWritable() {
        return !isOpen() || (channel.isWritable() && onTheWay.get() < MAX_ON_THE_WAY);
    }

    /** Whether so much waits for the client that what can be spared is better dropped. */
    boolean isCrowded() {
        return waitingBytes() + onTheWay.get() > CROWDED;
    }

    /** Runs {@code task}, on the event loop, once {@link #isWritable}. */
    void whenWritable(Runnable task) {
        run(
                () -> {
                    if (isWritable()) {
                        task.run();
                    } else {
                        whenWritable = with(whenWritable, task);
                    }
                });
    }

    /** The client has begun or ceased to take what is sent. */
    void writabilityChanged() {
        if (isWritable()) {
            var tasks = whenWritable;
            whenWritable = List.of();
            tasks.forEach(Runnable::run);
        }
    }

    Channel channel() {
        return channel;
    }

    void empty(int status) {
        run(() -> sendFull(status, "", new byte[0]));
    }

    void text(int status, String contentType, String body) {
        run(() -> sendFull(status, contentType, body.getBytes(StandardCharsets.UTF_8)));
    }

    /** Answers with a fault in its JSON-RPC form. */
    void fault(Json id, Fault fault) {
        run(
                () -> {
                    if (fault instanceof Fault.LimitReached limit) {
                        header("retry-after", retryAfter(limit.retryAfter()));
                    } else if (fault instanceof Fault.StorageUnavailable) {
                        header("retry-after", "1");
                    }
                    send(FaultForms.status(fault), Spliced.of(FaultForms.error(id, fault)));
                });
    }

    private static String retryAfter(Duration time) {
        return Long.toString(Math.max(1, time.toSeconds()));
    }

    void error(int status, Envelope error) {
        run(() -> send(status, Spliced.of(error)));
    }

    /** Sends the last message: as the body, or as the last event if a stream has begun. */
    void last(int status, Spliced message) {
        if (channel.eventLoop().inEventLoop()) {
            send(status, message);
        } else {
            channel.eventLoop().execute(() -> send(status, message));
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
            case STREAMING -> endStream(event(message, HttpText.LAST_CHUNK.length));
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
        finish(out);
    }

    /** Begins a stream of events without sending one. */
    void begin() {
        run(this::beginStream);
    }

    /** Sends an event, beginning the stream if need be. */
    void event(Spliced message) {
        if (channel.eventLoop().inEventLoop()) {
            sendEvent(message);
        } else {
            int length = message.length();
            onTheWay.addAndGet(length);
            channel.eventLoop()
                    .execute(
                            () -> {
                                onTheWay.addAndGet(-length);
                                sendEvent(message);
                            });
        }
    }

    private void sendEvent(Spliced message) {
        if (state == State.WAITING) {
            beginStream();
        }
        if (waitingBytes() > MAX_WAITING) { // the client does not read
            channel.close();
        }
        if (state == State.STREAMING && channel.isActive()) {
            write(event(message, 0));
        }
    }

    private long waitingBytes() {
        var waiting = channel.unsafe().outboundBuffer();
        return waiting == null ? MAX_WAITING : waiting.totalPendingWriteBytes();
    }

    /** Writes, and flushes when everything has been written that is at hand just now. */
    private void write(ByteBuf out) {
        channel.write(out, channel.voidPromise());
        if (!flushing) {
            flushing = true;
            channel.eventLoop().execute(this::flush);
        }
    }

    private void flush() {
        flushing = false;
        channel.flush();
    }

    private void showLife() {
        if (!isOpen()) {
            stopTicking();
        } else if (channel.isWritable()) {
            write(chunk(KEEP_ALIVE.length, 0, out -> out.writeBytes(KEEP_ALIVE)));
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
                        endStream(lastChunk());
                    } else if (state == State.IN_PARTS) {
                        channel.close();
                    }
                });
    }

    /**
     * @param spare how much room is wanted behind the event
     */
    private ByteBuf event(Spliced message, int spare) {
        int length = EVENT.length + message.length() + END_OF_EVENT.length;
        return chunk(
                length,
                spare,
                out -> {
                    out.writeBytes(EVENT);
                    message.writeLineTo(out::writeBytes);
                    out.writeBytes(END_OF_EVENT);
                });
    }

    private interface Content {
        void writeTo(ByteBuf out);
    }

    private ByteBuf chunk(int length, int spare, Content content) {
        var out = channel.alloc().ioBuffer(length + HttpText.CHUNK_ROOM + spare);
        if (chunks) {
            HttpText.beginChunk(out, length);
        }
        content.writeTo(out);
        if (chunks) {
            HttpText.endChunk(out);
        }
        return out;
    }

    private void beginStream() {
        if (state != State.WAITING) {
            return;
        }
        state = State.STREAMING;
        beginOpenEnded("text/event-stream", STREAM_LINES + lines);
        long every = signsOfLife.toMillis();
        ticking =
                channel.eventLoop()
                        .scheduleAtFixedRate(this::showLife, every, every, TimeUnit.MILLISECONDS);
    }

    /** Begins an answer whose length is not known. */
    private void beginOpenEnded(String contentType, String headerLines) {
        keepAlive &= chunks;
        var out = channel.alloc().ioBuffer(HttpText.HEAD_ROOM + headerLines.length());
        HttpText.head(out, 200, contentType, headerLines, !keepAlive);
        if (chunks) {
            HttpText.endWithChunks(out);
        } else {
            HttpText.end(out);
        }
        write(out);
    }

    /** Begins the last message, which comes in parts. */
    void beginParts() {
        run(
                () -> {
                    if (state == State.WAITING) {
                        state = State.IN_PARTS;
                        beginOpenEnded("application/json", lines);
                    } else if (state == State.STREAMING) {
                        state = State.IN_PARTS;
                        stopTicking();
                        inEvent = true;
                        write(chunk(EVENT.length, 0, out -> out.writeBytes(EVENT)));
                    }
                });
    }

    /** Sends a part of the last message, whose bytes are good for the time of the call. */
    void part(byte[] bytes, int offset, int length) {
        if (channel.eventLoop().inEventLoop()) {
            sendPart(bytes, offset, length);
        } else {
            var copy = Arrays.copyOfRange(bytes, offset, offset + length);
            onTheWay.addAndGet(length);
            channel.eventLoop()
                    .execute(
                            () -> {
                                onTheWay.addAndGet(-length);
                                sendPart(copy, 0, length);
                            });
        }
    }

    private void sendPart(byte[] bytes, int offset, int length) {
        if (state == State.IN_PARTS && channel.isActive()) {
            Content content =
                    inEvent
                            ? out -> HttpText.line(out, bytes, offset, length)
                            : out -> out.writeBytes(bytes, offset, length);
            write(chunk(length, 0, content));
        }
    }

    /** The last message is complete. */
    void endParts() {
        run(
                () -> {
                    if (state == State.IN_PARTS) {
                        int length = inEvent ? END_OF_EVENT.length : 0;
                        endStream(
                                inEvent
                                        ? chunk(
                                                length,
                                                HttpText.LAST_CHUNK.length,
                                                out -> out.writeBytes(END_OF_EVENT))
                                        : lastChunk());
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

    private ByteBuf lastChunk() {
        return channel.alloc().ioBuffer(HttpText.LAST_CHUNK.length);
    }

    /** Ends the stream behind {@code last}. */
    private void endStream(ByteBuf last) {
        state = State.ENDED;
        stopTicking();
        finish(chunks ? last.writeBytes(HttpText.LAST_CHUNK) : last);
    }

    /**
     * Runs {@code task}, on the event loop, when nothing more can be sent: the answer has ended or
     * its connection.
     */
    void whenOver(Runnable task) {
        run(
                () -> {
                    if (isOpen()) {
                        whenOver = with(whenOver, task);
                    } else {
                        task.run();
                    }
                });
    }

    private static List<Runnable> with(List<Runnable> tasks, Runnable another) {
        var more = new ArrayList<>(tasks);
        more.add(another);
        return more;
    }

    /** The connection has ended. */
    void connectionLost() {
        state = State.ENDED;
        stopTicking();
        over();
    }

    private void over() {
        var tasks = whenOver;
        whenOver = List.of();
        tasks.forEach(Runnable::run);
        writabilityChanged();
    }

    private void finish(ByteBuf last) {
        if (keepAlive) {
            channel.writeAndFlush(last, channel.voidPromise());
        } else {
            channel.writeAndFlush(last).addListener(ChannelFutureListener.CLOSE);
        }
        over();
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
