package dev.heddle.app.config;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.OutgoingAuth;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the JSON files in which MCP clients keep their servers: {@code mcpServers} of Claude,
 * Cursor and others, or {@code servers} of VS Code.
 */
public final class ClientFile {
    private static final List<String> HTTP =
            List.of("http", "streamable-http", "streamableHttp", "streamable_http");

    private final Node.Members root;
    private final References references;
    private final Path folder;
    private final Problems problems;

    private ClientFile(Node.Members root, References references, Path folder, Problems problems) {
        this.root = root;
        this.references = references;
        this.folder = folder;
        this.problems = problems;
    }

    /**
     * The servers of {@code file} that are not disabled.
     *
     * @throws Problems.Invalid if anything is wrong
     */
    public static List<Backend> load(Path file, Map<String, String> environment) {
        var folder = ConfigFile.folderOf(file);
        return parse(file.toString(), Sources.read(file), folder, environment);
    }

    static List<Backend> parse(
            String name, String text, Path folder, Map<String, String> environment) {
        var problems = new Problems(name);
        var node = Sources.json(text, problems);
        problems.throwIfAny();
        if (!(node instanceof Node.Members members)) {
            problems.add(node.line(), "", node.shape(), "an object with mcpServers or servers");
            throw new Problems.Invalid(problems.lines());
        }
        var backends =
                new ClientFile(
                                members,
                                new References(environment, folder, false),
                                folder,
                                problems)
                        .read();
        problems.throwIfAny();
        return backends;
    }

    private List<Backend> read() {
        var key = root.members().containsKey("mcpServers") ? "mcpServers" : "servers";
        var servers = root.members().get(key);
        if (servers == null || !(servers.value() instanceof Node.Members(var entries, _))) {
            problems.add(root.line(), "", "neither mcpServers nor servers", "one of them");
            return List.of();
        }
        var backends = new LinkedHashMap<BackendId, Backend>();
        entries.forEach(
                (name, member) -> {
                    var path = key + "." + name;
                    var id = BackendId.slug(name);
                    if (id.isEmpty()) {
                        problems.add(
                                member.line(),
                                path,
                                "the name '" + name + "'",
                                "letters or digits");
                    } else if (!(member.value() instanceof Node.Members(var fields, _))) {
                        problems.add(member.line(), path, member.value().shape(), "an object");
                    } else {
                        new Server(path, member.line(), fields)
                                .read(id.get())
                                .ifPresent(
                                        backend -> {
                                            if (backends.putIfAbsent(backend.id(), backend)
                                                    != null) {
                                                problems.add(
                                                        member.line(),
                                                        path,
                                                        "the name '"
                                                                + backend.id()
                                                                + "' a second time",
                                                        "another");
                                            }
                                        });
                    }
                });
        return List.copyOf(backends.values());
    }

    /** One entry. Keys that only a client needs are left alone. */
    private final class Server {
        private final String path;
        private final int line;
        private final Map<String, Node.Member> fields;

        Server(String path, int line, Map<String, Node.Member> fields) {
            this.path = path;
            this.line = line;
            this.fields = fields;
        }

        Optional<Backend> read(BackendId id) {
            if (text("disabled").filter("true"::equals).isPresent()) {
                return Optional.empty();
            }
            var type = text("type").or(() -> text("transport")).orElse("");
            if (fields.containsKey("url")) {
                return remote(type)
                        .map(
                                target ->
                                        new Backend(
                                                id,
                                                target,
                                                OutgoingAuth.UNAUTHENTICATED,
                                                headers(),
                                                Backend.Limits.DEFAULT));
            } else if (fields.containsKey("command")) {
                return command().map(target -> new Backend(id, target));
            }
            problems.add(line, path, "neither command nor url", "one of them");
            return Optional.empty();
        }

        private Map<String, String> headers() {
            var headers = map("headers");
            headers.forEach(
                    (name, value) ->
                            OutgoingAuthRegistry.headerProblem(name, value)
                                    .ifPresent(
                                            problem ->
                                                    problems.add(
                                                            line,
                                                            path + ".headers",
                                                            "'" + name + "': " + problem,
                                                            "a header that can be sent")));
            return headers;
        }

        private Optional<Target> remote(String type) {
            Target.Wire wire;
            if (type.equals("sse")) {
                wire = Target.Wire.SSE;
            } else if (type.isEmpty() || HTTP.contains(type)) {
                wire = Target.Wire.EITHER;
            } else {
                problems.add(line, path + ".type", "'" + type + "'", "http or sse beside a url");
                return Optional.empty();
            }
            return text("url")
                    .flatMap(
                            text -> {
                                var url = BackendSection.url(text);
                                if (url.isEmpty()) {
                                    problems.add(
                                            line,
                                            path + ".url",
                                            BackendSection.shownUrl(shown("url")),
                                            BackendSection.URL_WANTED);
                                }
                                return url.map(where -> new Target.Remote(where, wire));
                            });
        }

        private Optional<Target> command() {
            var argv = new ArrayList<String>();
            text("command").ifPresent(argv::add);
            argv.addAll(texts("args"));
            var env = new LinkedHashMap<String, String>();
            text("envFile").ifPresent(file -> env.putAll(envFile(file)));
            env.putAll(map("env"));
            if (argv.isEmpty() || argv.getFirst().isBlank()) {
                problems.add(line, path + ".command", shown("command"), "a program");
                return Optional.empty();
            }
            return Optional.of(
                    new Target.Command(
                            argv,
                            env,
                            text("cwd").map(Path::of),
                            false,
                            Target.Command.DEFAULT_PROCESSES,
                            Target.Command.DEFAULT_IDLE_STOP));
        }

        private Map<String, String> envFile(String name) {
            try {
                return EnvFile.read(folder.resolve(name));
            } catch (IOException e) {
                problems.add(
                        line, path + ".envFile", "'" + name + "', which cannot be read", "a file");
                return Map.of();
            }
        }

        /**
         * The value as it stands in the file: references are not put in, so that no secret is
         * shown.
         */
        private String shown(String key) {
            var member = fields.get(key);
            return member == null ? "nothing" : member.value().describe();
        }

        private Optional<String> text(String key) {
            var member = fields.get(key);
            return member == null ? Optional.empty() : scalar(member.value(), path + "." + key);
        }

        private List<String> texts(String key) {
            var member = fields.get(key);
            var texts = new ArrayList<String>();
            if (member != null && member.value() instanceof Node.Items(var items, _)) {
                for (int i = 0; i < items.size(); i++) {
                    scalar(items.get(i), path + "." + key + "[" + i + "]").ifPresent(texts::add);
                }
            } else if (member != null && !(member.value() instanceof Node.Absent)) {
                problems.add(member.line(), path + "." + key, member.value().shape(), "a list");
            }
            return texts;
        }

        private Map<String, String> map(String key) {
            var member = fields.get(key);
            var map = new LinkedHashMap<String, String>();
            if (member != null && member.value() instanceof Node.Members(var members, _)) {
                members.forEach(
                        (name, value) ->
                                scalar(value.value(), path + "." + key + "." + name)
                                        .ifPresent(text -> map.put(name, text)));
            } else if (member != null && !(member.value() instanceof Node.Absent)) {
                problems.add(member.line(), path + "." + key, member.value().shape(), "an object");
            }
            return map;
        }

        private Optional<String> scalar(Node node, String at) {
            if (node instanceof Node.Scalar(var text, int where)) {
                try {
                    return Optional.of(references.resolve(text));
                } catch (References.Unresolved e) {
                    problems.add(where, at, e.found(), "something that exists");
                }
            } else if (!(node instanceof Node.Absent)) {
                problems.add(node.line(), at, node.shape(), "text");
            }
            return Optional.empty();
        }
    }
}
