package dev.heddle.transport.connect;

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

/**
 * Starts programs that cannot outlive this process, not even when it is killed.
 *
 * <p>Each program runs in a process group of its own under a small script, which ends the group
 * when a control pipe closes; this process holds the only writing end, and the kernel closes it
 * with the process. Thread-safe.
 */
final class Guard implements AutoCloseable {
    private final Path folder;
    private final Path script;
    private final Path control;
    private final RandomAccessFile heldOpen;
    private final List<String> detach;

    private Guard(
            Path folder,
            Path script,
            Path control,
            RandomAccessFile heldOpen,
            List<String> detach) {
        this.folder = folder;
        this.script = script;
        this.control = control;
        this.heldOpen = heldOpen;
        this.detach = detach;
    }

    static Guard open() throws IOException {
        var folder = Files.createTempDirectory("heddle-");
        var script = folder.resolve("guard.sh");
        try (var text = Guard.class.getResourceAsStream("guard.sh")) {
            Files.write(script, Optional.ofNullable(text).orElseThrow().readAllBytes());
        }
        var control = folder.resolve("control");
        run(List.of("mkfifo", "-m", "600", control.toString()));
        var heldOpen =
                new RandomAccessFile(
                        control.toFile(), "rw"); // both ends, so that opening does not wait
        return new Guard(folder, script, control, heldOpen, detachCommand());
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
        return find("setsid").isPresent()
                ? List.of("setsid")
                : List.of(
                        "perl",
                        "-MPOSIX=setsid",
                        "-e",
                        "setsid(); exec { $ARGV[0] } @ARGV or exit 127");
    }

    /** The file that {@code program} names, as a shell would find it. */
    static Optional<Path> find(String program) {
        if (program.indexOf(File.separatorChar) >= 0) {
            return Optional.of(Path.of(program)).filter(Files::isExecutable);
        }
        for (var folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
            var file = Path.of(folder.isEmpty() ? "." : folder, program);
            if (Files.isExecutable(file) && !Files.isDirectory(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    /** The whole command that runs {@code argv} under guard. */
    List<String> command(List<String> argv) {
        var command = new ArrayList<>(detach);
        command.addAll(List.of("sh", script.toString(), control.toString()));
        command.addAll(detach);
        command.addAll(argv);
        return command;
    }

    /** Ends what is still running under guard. */
    @Override
    public void close() throws IOException {
        heldOpen.close();
        Files.deleteIfExists(control);
        Files.deleteIfExists(script);
        Files.deleteIfExists(folder);
    }
}
