package dev.heddle.redis.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A real Redis in a process of its own, on 127.0.0.1. */
public final class RedisServer implements AutoCloseable {
    private static final int TRIES = 20;

    /** Below those that the system gives out itself, so that nobody gets one meanwhile. */
    private static final AtomicInteger nextPort = new AtomicInteger(16_000);

    private final int port;
    private final List<String> command;
    private Process process;

    private RedisServer(int port, List<String> command) {
        this.port = port;
        this.command = command;
        this.process = launch();
    }

    /** Starts one that keeps nothing on disk unless {@code options} say so. */
    public static RedisServer start(String... options) {
        try {
            int port = freePort();
            var folder = Files.createTempDirectory("heddle-redis");
            return new RedisServer(port, command(folder, port, List.of(options)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A replica of {@code master}. */
    public static RedisServer replicaOf(RedisServer master) {
        return start("--replicaof", "127.0.0.1", Integer.toString(master.port()));
    }

    /**
     * A sentinel that watches {@code master} alone, under the name {@code main}.
     *
     * @param more lines of its configuration
     */
    public static RedisServer sentinelOf(RedisServer master, String... more) {
        try {
            int port = freePort();
            var folder = Files.createTempDirectory("heddle-sentinel");
            var settings =
                    """
                    %s
                    port %d
                    bind 127.0.0.1
                    dir %s
                    sentinel monitor main 127.0.0.1 %d 1
                    sentinel down-after-milliseconds main 500
                    sentinel failover-timeout main 5000
                    """
                            .formatted(String.join("\n", more), port, folder, master.port());
            var file = Files.writeString(folder.resolve("sentinel.conf"), settings);
            return new RedisServer(
                    port, List.of(program().toString(), file.toString(), "--sentinel"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A port that is free, and given to nobody else. */
    public static int freePort() {
        int port = nextPort.getAndIncrement();
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException taken) {
            return freePort();
        }
    }

    public int port() {
        return port;
    }

    /** Its process, to be stopped and continued. */
    public long pid() {
        return process.pid();
    }

    /** Ends it at once, as a crash would. */
    public void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Starts it again where it was. */
    public void restart() {
        kill();
        process = launch();
    }

    private Process launch() {
        var said = new StringBuilder();
        for (int i = 0; i < TRIES; i++) {
            try {
                var started = new ProcessBuilder(command).redirectErrorStream(true).start();
                if (isReady(started, said)) {
                    return started;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        throw new IllegalStateException("no Redis on port " + port + ":\n" + said);
    }

    private static List<String> command(Path folder, int port, List<String> options)
            throws IOException {
        var command =
                new ArrayList<>(
                        List.of(
                                program().toString(),
                                "--bind",
                                "127.0.0.1",
                                "--port",
                                Integer.toString(port),
                                "--dir",
                                folder.toString(),
                                "--save",
                                ""));
        command.addAll(options);
        return command;
    }

    /** It says that it is ready; what it says then is read on, so that it never waits for that. */
    private static boolean isReady(Process started, StringBuilder said) throws IOException {
        var output = started.inputReader();
        for (var line = output.readLine(); line != null; line = output.readLine()) {
            said.append(line).append('\n');
            if (line.contains("Ready to accept connections") || line.contains("Sentinel ID is")) {
                Thread.ofVirtual().start(() -> output.lines().forEach(_ -> {}));
                return true;
            }
        }
        return false;
    }

    /** The program itself: another one than ours if the environment names it. */
    public static Path program() throws IOException {
        var other = System.getenv("HEDDLE_TEST_STORE");
        if (other != null) {
            return Path.of(other);
        }
        var machine = System.getProperty("os.arch").equals("aarch64") ? "7-linux-arm64" : "";
        var name = machine.isEmpty() ? "6-v5-linux-amd64" : machine;
        var place =
                Path.of(System.getProperty("java.io.tmpdir"), "heddle-redis-server-6.2." + name);
        if (!Files.isExecutable(place)) {
            var mine = Files.createTempFile("heddle-redis-server", "");
            try (var in = RedisServer.class.getResourceAsStream("/redis-server-6.2." + name)) {
                if (in == null) {
                    throw new IOException("found no Redis for this machine");
                }
                Files.copy(in, mine, StandardCopyOption.REPLACE_EXISTING);
            }
            if (!mine.toFile().setExecutable(true)) {
                throw new IOException("cannot make " + mine + " executable");
            }
            Files.move(mine, place, StandardCopyOption.ATOMIC_MOVE);
        }
        return place;
    }

    private void awaitEnd() {
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                throw new IllegalStateException("Redis does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        kill();
    }
}
