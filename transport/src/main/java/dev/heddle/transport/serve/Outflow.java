package dev.heddle.transport.serve;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What goes out on one client connection, and how much of it waits. Bytes are written on the event
 * loop; the rest may be called from any thread.
 */
final class Outflow {
    private static final long MAX_WAITING = 16L * 1024 * 1024;
    private static final long CROWDED = 2L * 1024 * 1024;
    private static final int MAX_ON_THE_WAY = 64 * 1024;
    private static final int GATHERED = 2048;

    private final Channel channel;
    private final AtomicInteger onTheWay = new AtomicInteger();
    private final AtomicInteger queued = new AtomicInteger();
    private final Slowness slowness;
    private List<Runnable> whenWritable = List.of();
    private @Nullable ByteBuf gathered; // what is to be written at the next flush
    private boolean flushing;

    Outflow(Channel channel) {
        this.channel = channel;
        this.slowness = new Slowness(channel.eventLoop());
    }

    /** Notices that the answer under way takes long. */
    Slowness slowness() {
        return slowness;
    }

    Channel channel() {
        return channel;
    }

    /** Whether what is done now is done behind everything that was asked for before. */
    boolean isNext() {
        return channel.eventLoop().inEventLoop() && queued.get() == 0;
    }

    /** Runs {@code task} on the event loop, behind what was asked for before: at once if it can. */
    void run(Runnable task) {
        if (isNext()) {
            task.run();
        } else {
            queue(task);
        }
    }

    private void queue(Runnable task) {
        queued.incrementAndGet();
        channel.eventLoop()
                .execute(
                        () -> {
                            queued.decrementAndGet();
                            task.run();
                        });
    }

    /** As {@link #run}, from another thread; counts the bytes that {@code task} is to write. */
    void carry(int bytes, Runnable task) {
        onTheWay.addAndGet(bytes);
        queue(
                () -> {
                    onTheWay.addAndGet(-bytes);
                    task.run();
                    if (isWritable()) {
                        goOn();
                    }
                });
    }

    /** Whether the client takes what is sent as fast as it comes. */
    boolean isWritable() {
        return channel.isWritable() && onTheWay.get() < MAX_ON_THE_WAY;
    }

    /** Whether so much waits for the client that what can be spared is better dropped. */
    boolean isCrowded() {
        return waitingBytes() + onTheWay.get() > CROWDED;
    }

    /** Whether a client that does not read has made too much wait. */
    boolean isOverfull() {
        return waitingBytes() > MAX_WAITING;
    }

    /** Nothing waits on a connection that has been closed. */
    private long waitingBytes() {
        var waiting = channel.unsafe().outboundBuffer();
        return waiting == null ? 0 : waiting.totalPendingWriteBytes();
    }

    /**
     * Room for {@code length} bytes more, which go out when everything has been written that is at
     * hand just now.
     */
    ByteBuf room(int length) {
        var room = gathered;
        if (room == null || room.capacity() - room.writerIndex() < length) {
            pass();
            room = channel.alloc().ioBuffer(Math.max(length, GATHERED));
            gathered = room;
        }
        if (!flushing) {
            flushing = true;
            channel.eventLoop().execute(this::flush);
        }
        return room;
    }

    /** Hands what has been gathered to the channel. */
    private void pass() {
        var out = gathered;
        gathered = null;
        if (out != null) {
            channel.write(out, channel.voidPromise());
        }
    }

    private void flush() {
        flushing = false;
        pass();
        channel.flush();
    }

    /** Writes {@code last} behind everything else, and flushes. */
    void end(ByteBuf last, boolean keepAlive) {
        pass();
        if (keepAlive) {
            channel.writeAndFlush(last, channel.voidPromise());
        } else {
            channel.writeAndFlush(last).addListener(ChannelFutureListener.CLOSE);
        }
    }

    /** Flushes: nothing more comes. */
    void end(boolean keepAlive) {
        var last = gathered;
        gathered = null;
        end(last == null ? Unpooled.EMPTY_BUFFER : last, keepAlive);
    }

    /** Runs {@code task} when the client takes more. To be called on the event loop. */
    void whenWritable(Runnable task) {
        var more = new ArrayList<>(whenWritable);
        more.add(task);
        whenWritable = more;
    }

    /** The client takes more, or nothing matters any more. To be called on the event loop. */
    void goOn() {
        var tasks = whenWritable;
        whenWritable = List.of();
        tasks.forEach(Runnable::run);
    }
}
