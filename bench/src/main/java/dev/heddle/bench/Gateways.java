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
    private static final int CORE = 0;
    private static final int NGINX = 13200;
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    private final Path root;
    private final Path folder;
    private int port = 13300;

    /**
     * @param root of the project
     * @param folder for files that are needed while it runs
     */
    Gateways(Path root, Path folder) {
        this.root = root;
        this.folder = folder;
    }

    /** What is behind the gateways, asked without any. */
    static Subject direct(List<Stub> stubs) {
        var url = URI.create(stubs.getFirst().url());
        return new Subject("direct", url, false, Optional.empty());
    }

    /** A gateway that runs already: {@code NAME=URL}. */
    static Subject other(String option) {
        int equals = option.indexOf('=');
        var url = URI.create(option.substring(equals + 1));
        return new Subject(option.substring(0, equals), url, true, Optional.empty());
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
        return ready(new Subject("nginx", url, false, Optional.of(process)));
    }

    /**
     * A Heddle of its own.
     *
     * @param server further settings of its {@code server} section, as YAML has them in one line
     * @param jvm further options of its virtual machine
     */
    Subject heddle(String name, List<Stub> stubs, String server, String jvm) throws IOException {
        int own = port++;
        var process = start(name, own, yaml(own, stubs, server), jvm);
        var url = URI.create("http://127.0.0.1:" + own + "/mcp");
        return ready(new Subject(name, url, true, Optional.of(process)));
    }

    private static String yaml(int port, List<Stub> stubs, String server) {
        var yaml = new StringBuilder();
        yaml.append("server: {port: ").append(port).append(server.isEmpty() ? "" : ", ");
        yaml.append(server).append("}\naggregation: {conflictResolution: prefix}\n");
        yaml.append("catalogs: {keep: false}\nbackends:\n");
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

    private ProcessHandle start(String name, int port, String yaml, String jvm) throws IOException {
        var file = folder.resolve(name + port + ".yaml");
        Files.writeString(file, yaml);
        var command = new ArrayList<>(List.of(root.resolve("heddle").toString(), "serve"));
        command.addAll(List.of("--config", file.toString()));
        return Subject.start(
                CORE,
                folder.resolve(name + port + ".log"),
                command,
                jvm.isEmpty() ? Map.of() : Map.of("JDK_JAVA_OPTIONS", jvm));
    }

    /** Waits until {@code subject} takes connections. */
    private static Subject ready(Subject subject) {
        long until = System.nanoTime() + PATIENCE_NANOS;
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
