package dev.heddle.transport.connect;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Starts programs that cannot outlive this process, not even when it is killed.
 *
 * <p>Each program runs in a process group of its own under a small script, which ends the group
 * when a control pipe closes; this process holds the only writing end, and the kernel closes it
 * with the process. Thread-safe.
 */
final class Guard implements AutoCloseable {
    private static final String PATH = System.getenv().getOrDefault("PATH", "");

    /** A control pipe, held open at both ends so that opening it does not wait. */
    private record Control(Path folder, Path pipe, RandomAccessFile heldOpen) {}

    private final ReentrantLock lock = new ReentrantLock(); // guards control
    private final List<Control> former = new ArrayList<>();
    private @Nullable Control control;

    /**
     * The whole command that runs {@code argv} under guard.
     *
     * @throws IOException if there is no place for a control pipe
     */
    List<String> command(List<String> argv) throws IOException {
        var detach = detachCommand();
        var command = new ArrayList<>(detach);
        command.addAll(List.of("/bin/sh", "-c", script(), "heddle-guard", pipe().toString()));
        command.addAll(detach);
        command.addAll(argv);
        return command;
    }

    private static String script() throws IOException {
        try (var text = Guard.class.getResourceAsStream("guard.sh")) {
            return new String(
                    Optional.ofNullable(text).orElseThrow().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The control pipe, made at first use and again if somebody has cleaned it away. */
    private Path pipe() throws IOException {
        lock.lock();
        try {
            var known = control;
            if (known != null && Files.exists(known.pipe())) {
                return known.pipe();
            }
            if (known != null) {
                former.add(known); // programs that run already still hang on it
            }
            var folder = Files.createTempDirectory("heddle-");
            var pipe = folder.resolve("control");
            run(List.of("mkfifo", "-m", "600", pipe.toString()));
            control = new Control(folder, pipe, new RandomAccessFile(pipe.toFile(), "rw"));
            return pipe;
        } finally {
            lock.unlock();
        }
    }

    private static void run(List<String> command) throws IOException {
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            if (!process.waitFor(5, TimeUnit.SECONDS) || process.exitValue() != 0) {
                var said =
                        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                                .strip();
                throw new IOException(command.getFirst() + " failed: " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(command.getFirst() + " was not waited for", e);
        }
    }

    /**
     * The command that runs another one in a session and group of its own; macOS has it only in
     * Perl.
     */
    private static List<String> detachCommand() {
        return find("setsid", PATH, Path.of("."))
                .map(setsid -> List.of(setsid.toString()))
                .orElse(
                        List.of(
                                "/usr/bin/perl",
                                "-MPOSIX=setsid",
                                "-e",
                                "setsid(); exec { $ARGV[0] } @ARGV or exit 127"));
    }

    /**
     * The file that {@code program} names in {@code folder}, as a shell with {@code path} would
     * find it.
     */
    static Optional<Path> find(String program, String path, Path folder) {
        if (program.indexOf(File.separatorChar) >= 0) {
            return Optional.of(folder.resolve(program)).filter(Files::isExecutable);
        }
        for (var place : path.split(File.pathSeparator, -1)) {
            var file = folder.resolve(place.isEmpty() ? "." : place).resolve(program);
            if (Files.isExecutable(file) && !Files.isDirectory(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /** Ends what is still running under guard. */
    @Override
    public void close() throws IOException {
        lock.lock();
        try {
            if (control != null) {
                former.add(control);
                control = null;
            }
            for (var one : former) {
                one.heldOpen().close();
                Files.deleteIfExists(one.pipe());
                Files.deleteIfExists(one.folder());
            }
            former.clear();
        } finally {
            lock.unlock();
        }
    }
}
