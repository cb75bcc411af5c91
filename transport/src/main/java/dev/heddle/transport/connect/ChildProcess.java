package dev.heddle.transport.connect;

import dev.heddle.core.backend.Target;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.Spliced;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A program that speaks MCP on its standard input and output, one message a line (MCP 2025-11-25,
 * Transports, stdio).
 *
 * <p>Three threads serve it, since the JDK cannot wait for several pipes with one: they are
 * platform threads, because a blocked pipe would hold a virtual thread's carrier. Thread-safe.
 */
final class ChildProcess implements DuplexSession.Wire {
    private static final Logger log = LoggerFactory.getLogger(ChildProcess.class);
    private static final int MAX_WAITING = 10_000;
    private static final long MAX_WAITING_BYTES = 64L * 1024 * 1024;
    private static final int MAX_LOG_LINE = 8 * 1024;
    private static final int MAX_LAST_WORDS = 1024;
    private static final long WORDS_MILLIS = 500;
    private static final int STACK = 256 * 1024;
    private static final long STEP_MILLIS = 2_000;

    private final String backend;
    private final Process process;
    private final LinkedBlockingQueue<Optional<Spliced>> outgoing =
            new LinkedBlockingQueue<>(MAX_WAITING);
    private final AtomicLong waitingBytes = new AtomicLong();
    private final CountDownLatch silent = new CountDownLatch(1);
    private volatile String lastWords = "";
    private final AtomicBoolean closing = new AtomicBoolean();
    private final AtomicBoolean complained = new AtomicBoolean();

    private ChildProcess(String backend, Process process) {
        this.backend = backend;
        this.process = process;
    }

    static ChildProcess start(Guard guard, String backend, Target.Command command)
            throws IOException {
        var builder = new ProcessBuilder(guard.command(command.argv()));
        var environment = builder.environment();
        environment.keySet().removeIf(name -> !isInherited(name));
        environment.putAll(command.env());
        command.cwd().ifPresent(cwd -> builder.directory(cwd.toFile()));
        return new ChildProcess(backend, builder.start());
    }

    private static boolean isInherited(String name) {
        return switch (name) {
            case "PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR" -> true;
            default -> name.startsWith("LC_");
        };
    }

    /** Hands what the program says to {@code session}, from now until it ends. */
    void serve(DuplexSession session) {
        thread("out", () -> readMessages(session));
        thread("err", this::readLog);
        thread("in", this::writeMessages);
    }

    private void thread(String role, Runnable task) {
        var name = "heddle-" + backend + "-" + role;
        Thread.ofPlatform().daemon().name(name).stackSize(STACK).start(task);
    }

    private void readMessages(DuplexSession session) {
        try (var in = new BufferedInputStream(process.getInputStream(), 16 * 1024)) {
            for (var line = line(in); line.isPresent(); line = line(in)) {
                receive(session, line.get());
            }
        } catch (IOException e) {
            log.debug("backend '{}': {}", backend, e.getMessage());
        }
        session.lost(howEnded());
    }

    private void receive(DuplexSession session, byte[] line) {
        if (line.length == 0) {
            return;
        }
        Envelope message;
        try {
            message = Envelope.parse(line);
        } catch (Malformed e) {
            if (complained.compareAndSet(false, true)) {
                log.warn(
                        "backend '{}' prints lines that are no messages; they are ignored",
                        backend);
            }
            return;
        }
        session.receive(message);
    }

    private static Optional<byte[]> line(InputStream in) throws IOException {
        var line = new ByteArrayOutputStream(512);
        for (int b = in.read(); b >= 0; b = in.read()) {
            if (b == '\n') {
                return Optional.of(line.toByteArray());
            }
            line.write(b);
            if (line.size() > MessageStream.MAX_MESSAGE) {
                throw new IOException(
                        "a message of more than " + MessageStream.MAX_MESSAGE + " bytes");
            }
        }
        return Optional.empty();
    }

    /** Says that the program has ended, and with which exit code. Blocks for at most a second. */
    String howEnded() {
        return "has ended" + exitCode().map(code -> " (exit code " + code + ")").orElse("");
    }

    private Optional<Integer> exitCode() {
        try {
            return process.waitFor(1, TimeUnit.SECONDS)
                    ? Optional.of(process.exitValue())
                    : Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        }
    }

    private void readLog() {
        try (var text = process.errorReader(StandardCharsets.UTF_8)) {
            var line = new StringBuilder();
            for (int c = text.read(); c >= 0; c = text.read()) {
                if (c == '\n' || line.length() == MAX_LOG_LINE) {
                    said(line.toString());
                    line.setLength(0);
                }
                if (c != '\n' && c != '\r') {
                    line.append((char) c);
                }
            }
            said(line.toString());
        } catch (IOException e) {
            log.debug("backend '{}': {}", backend, e.getMessage());
        } finally {
            silent.countDown();
        }
    }

    private void said(String line) {
        if (!line.isBlank()) {
            log.debug("backend '{}' says: {}", backend, line);
            var all = lastWords + line + "\n";
            lastWords = all.substring(Math.max(0, all.length() - MAX_LAST_WORDS));
        }
    }

    /** The end of what the program has written to its standard error. Blocks for a moment. */
    String lastWords() {
        try {
            silent.await(WORDS_MILLIS, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return lastWords.strip();
    }

    private void writeMessages() {
        try (var out = new BufferedOutputStream(process.getOutputStream(), 16 * 1024)) {
            for (var message = outgoing.take(); message.isPresent(); message = outgoing.take()) {
                waitingBytes.addAndGet(-message.get().length());
                var line = new ByteArrayOutputStream(message.get().length() + 1);
                message.get().writeLineTo(line::write);
                line.write('\n');
                line.writeTo(out);
                if (outgoing.isEmpty()) {
                    out.flush();
                }
            }
        } catch (IOException e) {
            log.debug("backend '{}' has stopped reading: {}", backend, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public DuplexSession.Sending send(Spliced message) {
        if (!process.isAlive()) {
            return DuplexSession.Sending.SHUT;
        }
        boolean fits =
                waitingBytes.addAndGet(message.length()) <= MAX_WAITING_BYTES
                        && outgoing.offer(Optional.of(message));
        if (!fits) {
            waitingBytes.addAndGet(-message.length());
        }
        return fits ? DuplexSession.Sending.TAKEN : DuplexSession.Sending.FULL;
    }

    /**
     * Ends the program: closes its input, then asks its group to end, then ends it (MCP 2025-11-25,
     * Lifecycle, Shutdown, stdio). A step is taken only if the one before it did not help.
     */
    @Override
    public void close() {
        if (!closing.compareAndSet(false, true)) {
            return;
        }
        outgoing.clear();
        outgoing.add(Optional.empty());
        try {
            if (!ends()) {
                process.destroy();
                if (!ends()) {
                    process.destroy();
                    ends();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroy();
            process.destroy();
        }
    }

    private boolean ends() throws InterruptedException {
        return process.waitFor(STEP_MILLIS, TimeUnit.MILLISECONDS);
    }
}
