package dev.heddle.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Something to measure: where it listens, under which name it serves a tool of a backend, and the
 * process whose time and memory count, if it runs on this machine.
 *
 * @param prefixed whether tools carry their backend's name and an underscore
 * @param own whether the process was started for the measurement, and ends with it
 */
record Subject(String name, URI url, boolean prefixed, Optional<ProcessHandle> process, boolean own)
        implements AutoCloseable {
    private static final double TICKS_PER_SECOND = 100;

    /** Something that was started for the measurement. */
    static Subject started(String name, URI url, boolean prefixed, ProcessHandle process) {
        return new Subject(name, url, prefixed, Optional.of(process), true);
    }

    /** Something that goes on after the measurement. */
    static Subject running(
            String name, URI url, boolean prefixed, Optional<ProcessHandle> process) {
        return new Subject(name, url, prefixed, process, false);
    }

    /** Processor time in seconds, spent in the program and in the kernel for it. */
    record Cpu(double user, double system) {
        Cpu minus(Cpu earlier) {
            return new Cpu(user - earlier.user, system - earlier.system);
        }

        double total() {
            return user + system;
        }
    }

    /** Starts {@code command} on some processor cores. */
    static ProcessHandle start(
            String cores, Path log, List<String> command, Map<String, String> environment) {
        var pinned = new ArrayList<>(List.of("taskset", "-c", cores));
        pinned.addAll(command);
        try {
            var builder =
                    new ProcessBuilder(pinned)
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile());
            builder.environment().putAll(environment);
            return builder.start().toHandle();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The process and those that it has started; none if it does not run here. */
    private List<ProcessHandle> processes() {
        return process.stream()
                .flatMap(first -> Stream.concat(Stream.of(first), first.descendants()))
                .toList();
    }

    /** What it has used so far; zero if it does not run here. */
    Cpu cpu() {
        double user = 0;
        double system = 0;
        for (var one : processes()) {
            var fields = stat(one).split(" ", -1);
            user += Long.parseLong(fields[13]) / TICKS_PER_SECOND;
            system += Long.parseLong(fields[14]) / TICKS_PER_SECOND;
        }
        return new Cpu(user, system);
    }

    /** Bytes of memory that it holds; zero if it does not run here. */
    long resident() {
        return processes().stream()
                .mapToLong(one -> Long.parseLong(stat(one).split(" ", -1)[23]) * 4096)
                .sum();
    }

    /** Bytes of objects that live after two full collections; for Java programs only. */
    long liveHeap() {
        histogram();
        return histogram();
    }

    private long histogram() {
        try {
            var jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd").toString();
            var command =
                    List.of(jcmd, Long.toString(process.orElseThrow().pid()), "GC.class_histogram");
            var running = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (var lines = running.inputReader()) {
                var total =
                        lines.lines()
                                .filter(line -> line.startsWith("Total"))
                                .findFirst()
                                .orElseThrow();
                return Long.parseLong(total.strip().split(" +", -1)[2]);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String stat(ProcessHandle of) {
        try {
            return Files.readString(Path.of("/proc/" + of.pid() + "/stat"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A tool of each of three backends. */
    List<String> tools(String tool) {
        return prefixed
                ? List.of(tool("a", tool), tool("b", tool), tool("c", tool))
                : List.of(tool);
    }

    /** The same at another path. */
    Subject at(String path) {
        return new Subject(name, url.resolve(path), prefixed, process, own);
    }

    String tool(String backend, String tool) {
        return prefixed ? backend + "_" + tool : tool;
    }

    @Override
    public void close() {
        process.filter(_ -> own)
                .ifPresent(
                        running -> {
                            running.destroy();
                            try {
                                running.onExit().get(15, TimeUnit.SECONDS);
                            } catch (Exception late) {
                                running.destroyForcibly();
                            }
                        });
    }
}
