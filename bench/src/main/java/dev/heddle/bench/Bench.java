package dev.heddle.bench;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Puts a load in front of gateways and stubs behind them, and tells what a call costs. The stubs
 * and the load share this process and its core; what is measured has the other core.
 */
public final class Bench {
    private static final int CLIENTS = 64;
    private static final int FIRST_STUB = 13101;
    private static final int NGINX = 13200;
    private static final int HEDDLE = 13300;
    private static final List<String> BACKENDS = List.of("a", "b", "c");

    /** How long each part of a measurement takes, in seconds, and how often it is repeated. */
    private record Effort(double firstWarmUp, double warmUp, double measured, int rounds) {
        static final Effort QUICK = new Effort(8, 1, 4, 3);
        static final Effort WHOLE = new Effort(15, 2, 10, 7);
    }

    private final Path folder;
    private final Path root;
    private final Effort effort;

    private Bench(Path folder, Path root, Effort effort) {
        this.folder = folder;
        this.root = root;
        this.effort = effort;
    }

    /**
     * Measures, and tells on standard output.
     *
     * @param args {@code --quick} for less effort; {@code NAME=URL} for each further gateway, which
     *     has the three stubs behind it under the names a, b and c, with prefixes
     */
    public static void main(String[] args) throws IOException {
        var options = List.of(args);
        var effort = options.contains("--quick") ? Effort.QUICK : Effort.WHOLE;
        var root = Path.of(System.getProperty("heddle.root"));
        var bench = new Bench(Files.createTempDirectory("heddle-bench"), root, effort);
        bench.run(options.stream().filter(option -> option.contains("=")).toList());
        System.exit(0);
    }

    private void run(List<String> others) throws IOException {
        var loop = new Loop("bench");
        var stubs = new ArrayList<Stub>();
        for (int i = 0; i < BACKENDS.size(); i++) {
            stubs.add(new Stub(loop, FIRST_STUB + i, 100, false));
        }
        try (var nginx = nginx();
                var heddle = heddle()) {
            var subjects = new ArrayList<>(List.of(direct(), nginx, heddle));
            others.forEach(other -> subjects.add(other(other)));
            new Calls(loop, subjects, "echo0", System.out::println)
                    .measure(
                            effort.firstWarmUp(),
                            effort.warmUp(),
                            effort.measured(),
                            effort.rounds(),
                            CLIENTS);
        } finally {
            stubs.forEach(Stub::close);
            loop.close();
        }
    }

    private static Subject direct() {
        var url = URI.create("http://127.0.0.1:" + FIRST_STUB + "/mcp");
        return new Subject("direct", url, false, Optional.empty());
    }

    private static Subject other(String option) {
        int equals = option.indexOf('=');
        var url = URI.create(option.substring(equals + 1));
        return new Subject(option.substring(0, equals), url, true, Optional.empty());
    }

    private Subject nginx() throws IOException {
        var upstream = new StringBuilder();
        for (int i = 0; i < BACKENDS.size(); i++) {
            upstream.append("server 127.0.0.1:").append(FIRST_STUB + i).append("; ");
        }
        var file = folder.resolve("nginx.conf");
        var text = Files.readString(root.resolve("bench/nginx.conf"));
        Files.writeString(
                file,
                text.replace("FOLDER", folder.toString())
                        .replace("UPSTREAM", upstream.toString().strip())
                        .replace("PORT", Integer.toString(NGINX)));
        var process =
                Subject.start(
                        0, folder.resolve("nginx.log"), List.of("nginx", "-c", file.toString()));
        var url = URI.create("http://127.0.0.1:" + NGINX + "/mcp");
        return ready(new Subject("nginx", url, false, Optional.of(process)));
    }

    private Subject heddle() throws IOException {
        var file = folder.resolve("heddle.yaml");
        var yaml = new StringBuilder("server: {port: " + HEDDLE + "}\n");
        yaml.append(
                "aggregation: {conflictResolution: prefix}\ncatalogs: {keep: false}\nbackends:\n");
        for (int i = 0; i < BACKENDS.size(); i++) {
            yaml.append("  - {name: ").append(BACKENDS.get(i));
            yaml.append(", transport: streamable-http, url: \"http://127.0.0.1:");
            yaml.append(FIRST_STUB + i).append("/mcp\"}\n");
        }
        Files.writeString(file, yaml);
        var process =
                Subject.start(
                        0,
                        folder.resolve("heddle.log"),
                        List.of(
                                root.resolve("heddle").toString(),
                                "serve",
                                "--config",
                                file.toString()));
        var url = URI.create("http://127.0.0.1:" + HEDDLE + "/mcp");
        return ready(new Subject("heddle", url, true, Optional.of(process)));
    }

    /** Waits until {@code subject} takes connections. */
    private static Subject ready(Subject subject) {
        long until = System.nanoTime() + 30_000_000_000L;
        while (true) {
            try (var wire = new Wire(subject.url())) {
                wire.initialize();
                return subject;
            } catch (RuntimeException notYet) {
                if (System.nanoTime() > until) {
                    throw new IllegalStateException(subject.name() + " is not there", notYet);
                }
                Thread.onSpinWait();
            }
        }
    }
}
