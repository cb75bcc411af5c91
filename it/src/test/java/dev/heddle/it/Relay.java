package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Passes connections on to another port of this machine: all but some that it drops, late if it is
 * told so, nothing while it holds, and nothing ever again on those that it freezes.
 */
final class Relay implements AutoCloseable {
    /** A direction in which bytes go. */
    enum Way {
        THERE,
        BACK
    }

    private static final int CHUNK = 64 * 1024;
    private static final CompletableFuture<Void> OPEN = CompletableFuture.completedFuture(null);

    private final ServerSocket listening;
    private final int target;
    private final AtomicInteger toDrop = new AtomicInteger();
    private final Map<Way, CompletableFuture<Void>> gates = new ConcurrentHashMap<>();
    private final AtomicInteger holding = new AtomicInteger();
    private volatile Duration late = Duration.ZERO; // in each direction
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private final AtomicInteger opened = new AtomicInteger();
    private volatile int frozen; // so many of those that were opened first

    /** Some bytes, none at the end, and when they may go on. */
    private record Chunk(ByteBuffer bytes, long due) {}

    Relay(int target) {
        this.target = target;
        try {
            this.listening = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofPlatform().daemon().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Drops so many of the connections that come next. */
    void drop(int connections) {
        toDrop.set(connections);
    }

    /** Everything takes so much longer from now on in each direction. */
    void late(Duration by) {
        late = by;
    }

    /** Keeps what comes on one way from now on until {@link #release}. */
    void hold(Way way) {
        gates.put(way, new CompletableFuture<>());
    }

    /** Passes nothing on any more on the connections that there are. */
    void freeze() {
        frozen = opened.get();
    }

    /** Whether something has come that is kept. */
    boolean isHolding() {
        return holding.get() > 0;
    }

    void release() {
        var held = Map.copyOf(gates);
        gates.clear();
        held.values().forEach(gate -> gate.complete(null));
    }

    private void accept() {
        try {
            while (true) {
                var client = listening.accept();
                if (toDrop.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                    client.close();
                } else {
                    var server = new Socket(InetAddress.getLoopbackAddress(), target);
                    int number = opened.incrementAndGet();
                    pass(client, server, Way.THERE, number);
                    pass(server, client, Way.BACK, number);
                }
            }
        } catch (IOException closed) {
            return;
        }
    }

    private void pass(Socket from, Socket to, Way way, int number) {
        var chunks = new LinkedBlockingQueue<Chunk>();
        Thread.ofPlatform().daemon().start(() -> read(from, chunks));
        Thread.ofPlatform().daemon().start(() -> write(chunks, from, to, way, number));
    }

    private void read(Socket from, BlockingQueue<Chunk> chunks) {
        try {
            var bytes = new byte[CHUNK];
            var in = from.getInputStream();
            for (int count = in.read(bytes); count > 0; count = in.read(bytes)) {
                chunks.add(chunk(Arrays.copyOf(bytes, count)));
            }
        } catch (IOException over) {
            chunks.clear();
        }
        chunks.add(chunk(new byte[0]));
    }

    private Chunk chunk(byte[] bytes) {
        return new Chunk(ByteBuffer.wrap(bytes), System.nanoTime() + late.toNanos());
    }

    private void write(BlockingQueue<Chunk> chunks, Socket from, Socket to, Way way, int number) {
        try (from;
                to) {
            for (var chunk = chunks.take(); chunk.bytes().hasRemaining(); chunk = chunks.take()) {
                Thread.sleep(Duration.ofNanos(Math.max(0, chunk.due() - System.nanoTime())));
                await(gates.getOrDefault(way, OPEN));
                await(number <= frozen ? end : OPEN);
                to.getOutputStream().write(chunk.bytes().array());
            }
        } catch (IOException | InterruptedException over) {
            return;
        }
    }

    private void await(CompletableFuture<Void> gate) {
        if (!gate.isDone()) {
            holding.incrementAndGet();
            gate.join();
            holding.decrementAndGet();
        }
    }

    @Override
    public void close() {
        release();
        end.complete(null);
        try {
            listening.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
