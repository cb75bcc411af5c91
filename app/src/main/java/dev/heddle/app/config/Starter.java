package dev.heddle.app.config;

import dev.heddle.core.backend.BackendId;
import dev.heddle.protocol.Json;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

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

    private static final Pattern EDITORS_OWN =
            Pattern.compile(
                    "\\$\\{(?!env:|file:|input:|[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?})|\\$\\{workspaceFolder}|\\$\\{userHome}");

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
        var folder = Optional.ofNullable(file.toAbsolutePath().getParent()).orElse(file);
        var text = new StringBuilder(HEAD).append("backends:\n");
        var ids = new HashSet<String>();
        entries.forEach(
                (name, entry) -> {
                    if (!isDisabled(entry.value())) {
                        check(name, entry.value(), problems);
                        backend(text, fresh(name, ids), entry.value(), folder, problems);
                    }
                });
        problems.throwIfAny();
        return text.append(TAIL).toString();
    }

    /** Names what a backend of the new file could not be made of. */
    private static void check(String name, Node entry, Problems problems) {
        if (member(entry, "url").isEmpty() && member(entry, "command").isEmpty()) {
            problems.add(entry.line(), name, "neither command nor url", "one of them");
        }
        for (var key : List.of("url", "command", "cwd", "type", "envFile")) {
            member(entry, key)
                    .filter(value -> !(value instanceof Node.Scalar))
                    .filter(value -> !(value instanceof Node.Absent))
                    .ifPresent(
                            value ->
                                    problems.add(
                                            value.line(), name + "." + key, value.shape(), "text"));
        }
        member(entry, "args")
                .filter(args -> !(args instanceof Node.Items || args instanceof Node.Absent))
                .ifPresent(
                        args -> problems.add(args.line(), name + ".args", args.shape(), "a list"));
        for (var key : List.of("env", "headers")) {
            member(entry, key)
                    .filter(map -> !(map instanceof Node.Members || map instanceof Node.Absent))
                    .ifPresent(
                            map ->
                                    problems.add(
                                            map.line(),
                                            name + "." + key,
                                            map.shape(),
                                            "an object"));
        }
        scalars(entry)
                .filter(scalar -> EDITORS_OWN.matcher(scalar.text()).find())
                .forEach(
                        scalar ->
                                problems.add(
                                        scalar.line(),
                                        name,
                                        "a reference that only an editor knows",
                                        "a path or a variable of the environment"));
    }

    private static Stream<Node.Scalar> scalars(Node node) {
        return switch (node) {
            case Node.Scalar scalar -> Stream.of(scalar);
            case Node.Items(var items, _) -> items.stream().flatMap(Starter::scalars);
            case Node.Members(var members, _) ->
                    members.values().stream().flatMap(one -> scalars(one.value()));
            case Node.Absent _ -> Stream.empty();
        };
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

    private static void backend(
            StringBuilder text, String id, Node entry, Path folder, Problems problems) {
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
        mapping(text, "env", environment(entry, folder, problems));
        var headers = new LinkedHashMap<String, String>();
        texts(entry, "headers").forEach((name, value) -> headers.put(name, doubled(value)));
        mapping(text, "headers", headers);
    }

    /** What the entry says itself goes before what its {@code envFile} says. */
    private static Map<String, String> environment(Node entry, Path folder, Problems problems) {
        var environment = new LinkedHashMap<String, String>();
        member(entry, "envFile")
                .filter(file -> file instanceof Node.Scalar)
                .ifPresent(
                        file -> {
                            var name = ((Node.Scalar) file).text();
                            try {
                                EnvFile.read(folder.resolve(name))
                                        .forEach(
                                                (variable, value) ->
                                                        environment.put(variable, literal(value)));
                            } catch (IOException e) {
                                problems.add(
                                        file.line(),
                                        "envFile",
                                        "'" + name + "', which cannot be read",
                                        "a file");
                            }
                        });
        texts(entry, "env").forEach((variable, value) -> environment.put(variable, doubled(value)));
        return environment;
    }

    private static Map<String, String> texts(Node entry, String key) {
        var texts = new LinkedHashMap<String, String>();
        if (member(entry, key).orElse(entry) instanceof Node.Members(var members, _)
                && member(entry, key).isPresent()) {
            members.forEach(
                    (name, one) -> {
                        if (one.value() instanceof Node.Scalar(var value, _)) {
                            texts.put(name, value);
                        }
                    });
        }
        return texts;
    }

    private static void mapping(StringBuilder text, String key, Map<String, String> values) {
        if (!values.isEmpty()) {
            text.append("    ").append(key).append(":\n");
            values.forEach(
                    (name, value) ->
                            text.append("      ")
                                    .append(quoted(name))
                                    .append(": ")
                                    .append(quoted(value))
                                    .append('\n'));
        }
    }

    /** Clients write a dollar sign as it is; in the new file two of them stand for one. */
    private static String scalar(Node node) {
        return node instanceof Node.Scalar(var text, _) ? quoted(doubled(text)) : "\"\"";
    }

    /** Text in which nothing is a reference. */
    private static String literal(String text) {
        return text.replace("$", "$$");
    }

    private static String doubled(String text) {
        return text.replace("$$", "$$$$");
    }

    /** JSON strings are YAML too. */
    private static String quoted(String text) {
        return Json.of(text).toString();
    }
}
