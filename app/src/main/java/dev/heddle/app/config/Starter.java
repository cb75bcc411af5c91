package dev.heddle.app.config;

import dev.heddle.core.backend.BackendId;
import dev.heddle.protocol.Json;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Writes configuration files to begin with. */
public final class Starter {
    private static final String HEAD =
            """
            # Heddle: one MCP endpoint in front of many MCP servers.
            # Every key is optional; docs/configuration.md has them all.
            # Secrets: ${NAME} is an environment variable, ${file:path} the content of a file.

            name: heddle

            """;

    private static final String EXAMPLES =
            """
            backends:
              - name: everything
                command: npx
                args: ["-y", "@modelcontextprotocol/server-everything"]
              # - name: files
              #   command: npx
              #   args: ["-y", "@modelcontextprotocol/server-filesystem", "/tmp"]
              # - name: remote
              #   url: https://example.com/mcp
              #   headers:
              #     Authorization: Bearer ${REMOTE_TOKEN}
            """;

    private static final String TAIL =
            """

            # Names stay as they are unless two backends use the same one.
            aggregation:
              conflictResolution: auto
              # tools:
              #   - workload: everything
              #     filter: [echo]
              #     overrides:
              #       echo: {name: repeat, description: Says it again.}

            operational:
              failureHandling:
                healthCheckInterval: 30s
                # circuitBreaker: {enabled: true, failureThreshold: 5, timeout: 60s}

            sessions:
              ttl: 30m

            server:
              host: 127.0.0.1
              port: 4483
            """;

    private Starter() {}

    /** A file with an example of each kind of backend. */
    public static String empty() {
        return HEAD + EXAMPLES + TAIL;
    }

    /**
     * A file with the servers of an MCP client's JSON file. References to secrets stay references.
     *
     * @throws Problems.Invalid if that file cannot be used
     */
    public static String from(Path file) {
        var problems = new Problems(file.toString());
        var node = Sources.json(Sources.read(file), problems);
        problems.throwIfAny();
        var servers = member(node, "mcpServers").or(() -> member(node, "servers"));
        if (servers.isEmpty() || !(servers.get() instanceof Node.Members(var entries, _))) {
            throw new Problems.Invalid(
                    List.of(
                            file
                                    + ": found neither mcpServers nor servers (expected: one of"
                                    + " them)"));
        }
        var text = new StringBuilder(HEAD).append("backends:\n");
        var ids = new HashSet<String>();
        entries.forEach(
                (name, entry) -> {
                    if (!isDisabled(entry.value())) {
                        backend(text, fresh(name, ids), entry.value());
                    }
                });
        return text.append(TAIL).toString();
    }

    /** The id for {@code name}, numbered if another entry has it. */
    private static String fresh(String name, Set<String> taken) {
        var id = BackendId.slug(name).map(BackendId::value).orElse("backend");
        var fresh = id;
        for (int i = 2; !taken.add(fresh); i++) {
            fresh = id + "-" + i;
        }
        return fresh;
    }

    private static boolean isDisabled(Node entry) {
        return member(entry, "disabled")
                .filter(flag -> flag.describe().equals("'true'"))
                .isPresent();
    }

    private static Optional<Node> member(Node node, String key) {
        return node instanceof Node.Members(var members, _)
                ? Optional.ofNullable(members.get(key)).map(Node.Member::value)
                : Optional.empty();
    }

    private static void backend(StringBuilder text, String id, Node entry) {
        text.append("  - name: ").append(quoted(id)).append('\n');
        for (var key : List.of("url", "command", "cwd")) {
            member(entry, key)
                    .ifPresent(
                            value ->
                                    text.append("    ")
                                            .append(key)
                                            .append(": ")
                                            .append(scalar(value))
                                            .append('\n'));
        }
        member(entry, "type")
                .filter(type -> type instanceof Node.Scalar(var word, _) && word.equals("sse"))
                .ifPresent(_ -> text.append("    transport: sse\n"));
        member(entry, "args")
                .ifPresent(
                        args -> {
                            if (args instanceof Node.Items(var items, _)) {
                                var list = items.stream().map(Starter::scalar).toList();
                                text.append("    args: [")
                                        .append(String.join(", ", list))
                                        .append("]\n");
                            }
                        });
        for (var key : List.of("env", "headers")) {
            member(entry, key).ifPresent(map -> mapping(text, key, map));
        }
        member(entry, "envFile")
                .ifPresent(
                        file ->
                                text.append("    # put the variables of ")
                                        .append(scalar(file))
                                        .append(" into env\n"));
    }

    private static void mapping(StringBuilder text, String key, Node map) {
        if (map instanceof Node.Members(var members, _) && !members.isEmpty()) {
            text.append("    ").append(key).append(":\n");
            for (Map.Entry<String, Node.Member> entry : members.entrySet()) {
                text.append("      ")
                        .append(quoted(entry.getKey()))
                        .append(": ")
                        .append(scalar(entry.getValue().value()))
                        .append('\n');
            }
        }
    }

    /** Clients write a dollar sign as it is; in the new file two of them stand for one. */
    private static String scalar(Node node) {
        return node instanceof Node.Scalar(var text, _)
                ? quoted(text.replace("$$", "$$$$"))
                : "\"\"";
    }

    /** JSON strings are YAML too. */
    private static String quoted(String text) {
        return Json.of(text).toString();
    }
}
