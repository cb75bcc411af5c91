package dev.heddle.bench;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Starts what is measured, each on the first core, with the stubs behind it. */
final class Gateways {
    private static final String CORE = "0";
    private static final String LOAD_CORE = "1";
    private static final String ALL_CORES = "0,1";
    private static final int NGINX = 13200;
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final Path root;
    private final Path folder;
    private final List<Other> others;
    private int port = 13300;

    /**
     * @param root of the project
     * @param folder for files that are needed while it runs
     * @param others what is to be measured beside Heddle
     */
    Gateways(Path root, Path folder, List<Other> others) {
        this.root = root;
        this.folder = folder;
        this.others = List.copyOf(others);
    }

    /** A store for sessions that gateways share, on the load's core. */
    RedisProcess redis() {
        return RedisProcess.start(LOAD_CORE, port++, folder);
    }

    /** What is behind the gateways, asked without any. */
    static Subject direct(List<Stub> stubs) {
        var url = URI.create(stubs.getFirst().url());
        return Subject.running("direct", url, false, Optional.empty());
    }

    /** A further gateway that is to be measured beside the others. */
    sealed interface Other {
        /** One that runs already. */
        record Running(String name, URI url, Optional<ProcessHandle> process) implements Other {}

        /** A Heddle with other settings. */
        record Variant(String name, Options options) implements Other {}

        /** Reads {@code NAME=URL} or {@code NAME=URL@PID}. */
        static Other running(String option) {
            int equals = option.indexOf('=');
            int at = option.lastIndexOf('@');
            var name = option.substring(0, equals);
            boolean hasProcess = at > equals && option.substring(at + 1).matches("\\d+");
            var url = URI.create(option.substring(equals + 1, hasProcess ? at : option.length()));
            return new Running(
                    name,
                    url,
                    hasProcess
                            ? ProcessHandle.of(Long.parseLong(option.substring(at + 1)))
                            : Optional.empty());
        }

        /** Reads {@code NAME=OPTIONS}. */
        static Other variant(String option) {
            int equals = option.indexOf('=');
            var name = option.substring(0, equals);
            var value = option.substring(equals + 1);
            return value.startsWith("io:")
                    ? new Variant(name, Options.NONE.io(value.substring(3)))
                    : new Variant(name, Options.NONE.jvm(value));
        }
    }

    /** The further gateways, in front of {@code stubs}. */
    List<Subject> others(List<Stub> stubs) throws IOException {
        var all = new ArrayList<Subject>();
        for (var other : others) {
            all.add(
                    switch (other) {
                        case Other.Running(var name, var url, var process) ->
                                ready(Subject.running(name, url, true, process), stubs);
                        case Other.Variant(var name, var options) -> heddle(name, stubs, options);
                    });
        }
        return all;
    }

    Subject nginx(List<Stub> stubs) throws IOException {
        var upstream = new StringBuilder();
        stubs.forEach(
                stub -> upstream.append("server 127.0.0.1:").append(stub.port()).append("; "));
        var file = folder.resolve("nginx.conf");
        var text = Files.readString(root.resolve("bench/nginx.conf"));
        Files.writeString(
                file,
                text.replace("FOLDER", folder.toString())
                        .replace("UPSTREAM", upstream.toString().strip())
                        .replace("PORT", Integer.toString(NGINX)));
        var process =
                Subject.start(
                        CORE,
                        folder.resolve("nginx.log"),
                        List.of("nginx", "-c", file.toString()),
                        Map.of());
        var url = URI.create("http://127.0.0.1:" + NGINX + "/mcp");
        return ready(Subject.started("nginx", url, false, process), List.of());
    }

    /**
     * How a Heddle is set up.
     *
     * @param server further settings of its {@code server} section, as YAML has them in one line
     * @param sections further sections
     * @param jvm further options of its virtual machine
     */
    record Options(String server, String sections, String jvm) {
        static final Options NONE = new Options("", "", "");

        Options io(String kind) {
            return new Options("io: " + kind, sections, jvm);
        }

        Options sections(String yaml) {
            return new Options(server, yaml, jvm);
        }

        Options jvm(String options) {
            return new Options(server, sections, options);
        }
    }

    /** A Heddle of its own. */
    Subject heddle(String name, List<Stub> stubs) throws IOException {
        return heddle(name, stubs, Options.NONE);
    }

    Subject heddle(String name, List<Stub> stubs, Options options) throws IOException {
        return ready(started(name, stubs, options, CORE), List.of());
    }

    /** A Heddle that has just been started, on all cores, and is not ready. */
    Subject started(String name, List<Stub> stubs) throws IOException {
        return started(name, stubs, Options.NONE, ALL_CORES);
    }

    private Subject started(String name, List<Stub> stubs, Options options, String cores)
            throws IOException {
        int own = port++;
        var file = folder.resolve(name + own + ".yaml");
        Files.writeString(file, yaml(own, stubs, options));
        var command = new ArrayList<>(List.of(root.resolve("heddle").toString(), "serve"));
        command.addAll(List.of("--config", file.toString()));
        var process =
                Subject.start(
                        cores,
                        folder.resolve(name + own + ".log"),
                        command,
                        options.jvm().isEmpty()
                                ? Map.of()
                                : Map.of("JDK_JAVA_OPTIONS", options.jvm()));
        var url = URI.create("http://127.0.0.1:" + own + "/mcp");
        return Subject.started(name, url, true, process);
    }

    private static String yaml(int port, List<Stub> stubs, Options options) {
        var server = options.server();
        var yaml = new StringBuilder();
        yaml.append("server: {port: ").append(port).append(server.isEmpty() ? "" : ", ");
        yaml.append(server).append("}\naggregation: {conflictResolution: prefix}\n");
        yaml.append(options.sections()).append("catalogs: {keep: false}\nbackends:\n");
        for (int i = 0; i < stubs.size(); i++) {
            yaml.append("  - {name: ").append(backend(i));
            yaml.append(", transport: streamable-http, url: \"");
            yaml.append(stubs.get(i).url()).append("\"}\n");
        }
        return yaml.toString();
    }

    /** What the backend in front of the stub number {@code i} is called. */
    static String backend(int i) {
        return Character.toString('a' + i);
    }

    /** Waits until {@code subject} takes connections, and calls reach the {@code stubs}. */
    private static Subject ready(Subject subject, List<Stub> stubs) {
        long until = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            try (var wire = new Wire(subject.url())) {
                wire.initialize();
                wire.callsReach(subject, stubs);
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
