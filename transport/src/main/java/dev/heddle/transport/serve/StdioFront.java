package dev.heddle.transport.serve;

import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.SessionManager;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The front for one client that has started this process: a message in each line of standard input
 * and output, of either era (MCP 2025-11-25 and 2026-07-28, Transports, stdio).
 */
public final class StdioFront {
    private static final Logger log = LoggerFactory.getLogger(StdioFront.class);
    private static final int MAX_LINE = 100 * 1024 * 1024;
    private static final byte[] LAST = {};

    private final DuplexClient client;
    private final Identity caller;
    private final Lines lines;

    /**
     * @param caller who the client is
     * @param name what the gateway calls itself towards clients
     */
    public StdioFront(
            SessionManager sessions,
            Stateless stateless,
            Identity caller,
            String name,
            String version,
            OutputStream out) {
        var self = new Introductions.Self(name, version);
        this.lines = new Lines(out);
        this.caller = caller;
        this.client =
                new DuplexClient(
                        new DuplexClient.Service(
                                sessions,
                                new Introductions(sessions, self),
                                Optional.of(new StatelessEndpoint(stateless, self, ""))),
                        lines,
                        "stdio");
    }

    /** Serves until {@code in} ends. Blocks. */
    public void serve(InputStream in) throws IOException {
        var writing = Thread.ofPlatform().daemon().name("heddle-stdout").start(lines::write);
        try (var input = new BufferedInputStream(in, 64 * 1024)) {
            for (var line = line(input); line.isPresent(); line = line(input)) {
                if (!new String(line.get(), StandardCharsets.UTF_8).isBlank()) {
                    client.receive(line.get(), caller);
                }
            }
        } finally {
            client.leave();
            lines.end();
            joinQuietly(writing);
        }
    }

    private static void joinQuietly(Thread writing) {
        try {
            writing.join(5_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Optional<byte[]> line(InputStream in) throws IOException {
        var line = new ByteArrayOutputStream();
        int b = in.read();
        while (b >= 0 && b != '\n') {
            if (line.size() < MAX_LINE) {
                line.write(b);
            }
            b = in.read();
        }
        return b < 0 && line.size() == 0 ? Optional.empty() : Optional.of(line.toByteArray());
    }

    /** Standard output, which a thread of its own writes, since that may block. */
    private static final class Lines implements Way {
        private static final long MUCH = 1024 * 1024;
        private static final long TOO_MUCH = 2 * MUCH;

        private final OutputStream out;
        private final LinkedBlockingQueue<byte[]> waiting = new LinkedBlockingQueue<>();
        private final AtomicLong bytes = new AtomicLong();
        private List<Runnable> whenWritable = List.of(); // guarded by this

        Lines(OutputStream out) {
            this.out = out;
        }

        @Override
        public void send(Spliced message) {
            var line = new ByteArrayOutputStream(message.length() + 1);
            message.writeLineTo(line::write);
            line.write('\n');
            put(line.toByteArray());
        }

        @Override
        public void send(Json batch) {
            put((batch.toString().replace('\n', ' ') + "\n").getBytes(StandardCharsets.UTF_8));
        }

        private void put(byte[] line) {
            bytes.addAndGet(line.length);
            waiting.add(line);
        }

        @Override
        public boolean isWritable() {
            return bytes.get() < MUCH;
        }

        @Override
        public boolean isCrowded() {
            return bytes.get() > TOO_MUCH;
        }

        @Override
        public void whenWritable(Runnable task) {
            synchronized (this) {
                if (!isWritable()) {
                    var more = new ArrayList<>(whenWritable);
                    more.add(task);
                    whenWritable = more;
                    return;
                }
            }
            task.run();
        }

        /** The client may begin another. */
        @Override
        public void sessionEnded() {}

        void end() {
            waiting.add(LAST);
        }

        void write() {
            try {
                for (var line = waiting.take(); line.length > 0; line = waiting.take()) {
                    out.write(line);
                    if (waiting.isEmpty()) {
                        out.flush();
                    }
                    bytes.addAndGet(-line.length);
                    goOn();
                }
                out.flush();
            } catch (IOException gone) {
                log.debug("the client reads no more: {}", gone.getMessage());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        private void goOn() {
            List<Runnable> due;
            synchronized (this) {
                if (!isWritable()) {
                    return;
                }
                due = whenWritable;
                whenWritable = List.of();
            }
            due.forEach(Runnable::run);
        }
    }
}
