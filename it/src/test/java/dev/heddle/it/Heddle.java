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

    private final Child child;
    private final URI endpoint;

    private Heddle(Child child, URI endpoint) {
        this.child = child;
        this.endpoint = endpoint;
    }

    /** The command line that runs the built gateway. */
    static String[] command(String... args) {
        var command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-jar",
                                JAR.toString()));
        command.addAll(List.of(args));
        return command.toArray(String[]::new);
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
