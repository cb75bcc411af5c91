package dev.heddle.it;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A process that a test has started, and ends. */
final class Child implements AutoCloseable {
    private static final long PATIENCE = 30;

    /** Below those that the system gives out itself, so that nobody gets one meanwhile. */
    private static final AtomicInteger nextPort = new AtomicInteger(20_000);

    private final Process process;
    private final BlockingQueue<String> out = new LinkedBlockingQueue<>();
    private final List<String> err = new CopyOnWriteArrayList<>();

    private Child(Process process) {
        this.process = process;
        Thread.ofPlatform()
                .daemon()
                .start(() -> read(process.inputReader(StandardCharsets.UTF_8), out::add));
        Thread.ofPlatform()
                .daemon()
                .start(() -> read(process.errorReader(StandardCharsets.UTF_8), err::add));
    }

    static Child start(Map<String, String> environment, String... command) {
        try {
            var builder = new ProcessBuilder(command);
            builder.environment().putAll(environment);
            return new Child(builder.start());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private interface Taker {
        boolean take(String line);
    }

    private static void read(BufferedReader lines, Taker taker) {
        try (lines) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                taker.take(line);
            }
        } catch (IOException e) {
            taker.take("(" + e.getMessage() + ")");
        }
    }

    Process process() {
        return process;
    }

    /** What it has written to standard error so far. */
    List<String> errors() {
        return err;
    }

    /** The next line on standard output that is as wanted. */
    String line(Predicate<String> wanted) {
        try {
            while (true) {
                var line = out.poll(PATIENCE, TimeUnit.SECONDS);
                if (line == null) {
                    throw new AssertionError("no such line came; standard error says " + err);
                }
                if (wanted.test(line)) {
                    return line;
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Waits until somebody listens on {@code port} of this machine. */
    Child listening(int port) {
        long until = System.nanoTime() + Duration.ofSeconds(PATIENCE).toNanos();
        while (System.nanoTime() < until) {
            try (var socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
                return this;
            } catch (IOException notYet) {
                Thread.onSpinWait();
            }
        }
        throw new AssertionError("nobody listens on " + port + "; standard error says " + err);
    }

    /** A port that is free, and given to nobody else. */
    static int freePort() {
        int port = nextPort.getAndIncrement();
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException taken) {
            return freePort();
        }
    }

    int awaitExit() {
        try {
            if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
                throw new AssertionError("still running; standard error says " + err);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Sends a signal, by name. */
    void signal(String name) {
        Peers.run("kill", "-" + name, Long.toString(process.pid()));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(15, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
        }
    }
}
