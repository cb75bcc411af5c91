package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The gateway as it is built, in a process of its own. */
final class Heddle implements AutoCloseable {
    private static final Path JAR = Peers.ROOT.resolve("app/target/heddle/heddle.jar");
    private static final Path ARCHIVE = train();

    private final Child child;
    private final URI endpoint;

    private Heddle(Child child, URI endpoint) {
        this.child = child;
        this.endpoint = endpoint;
    }

    /** The command line that runs the built gateway. */
    static String[] command(String... args) {
        return command(List.of("-XX:SharedArchiveFile=" + ARCHIVE, "-Xlog:cds=off"), args);
    }

    private static String[] command(List<String> flags, String... args) {
        var command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow"));
        command.addAll(flags);
        command.addAll(List.of("-jar", JAR.toString()));
        command.addAll(List.of(args));
        return command.toArray(String[]::new);
    }

    /** Lets one run leave its loaded classes behind, from which all others start faster. */
    private static Path train() {
        var archive = JAR.resolveSibling("tests.jsa");
        var flag = List.of("-XX:ArchiveClassesAtExit=" + archive, "-Xlog:cds=off");
        try (var trained = Child.start(Map.of(), command(flag, "serve", "--port", "0"))) {
            trained.line(text -> text.contains("Heddle serves MCP at "));
        }
        return archive;
    }

    /** Serves {@code yaml} on a free port, and keeps its catalogs beside the file. */
    static Heddle serve(Path folder, String yaml, String... args) {
        return serve(Map.of(), folder, yaml, args);
    }

    /** The same, with more variables in its environment. */
    static Heddle serve(Map<String, String> environment, Path folder, String yaml, String... args) {
        try {
            var file = folder.resolve("heddle.yaml");
            Files.writeString(
                    file, yaml + "\ncatalogs: {folder: " + folder.resolve("catalogs") + "}\n");
            var all = new ArrayList<>(List.of("serve", "--config", file.toString(), "--port", "0"));
            all.addAll(List.of(args));
            return start(environment, all.toArray(String[]::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Heddle start(String... args) {
        return start(Map.of(), args);
    }

    private static Heddle start(Map<String, String> environment, String... args) {
        var child = Child.start(environment, command(args));
        var line = child.line(text -> text.contains("Heddle serves MCP at "));
        return new Heddle(child, URI.create(line.substring(line.indexOf("http"))));
    }

    Child child() {
        return child;
    }

    URI endpoint() {
        return endpoint;
    }

    /** A raw client of this gateway. */
    RawClient client() {
        return new RawClient(endpoint);
    }

    @Override
    public void close() {
        child.close();
    }
}
