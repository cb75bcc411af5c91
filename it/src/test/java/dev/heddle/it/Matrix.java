package dev.heddle.it;

import tools.jackson.databind.json.JsonMapper;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One server for each revision and each transport that it has, and what clients of each revision
 * find at them.
 */
final class Matrix implements AutoCloseable {
    static final List<String> REVISIONS =
            List.of("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28");
    static final List<String> FEATURES =
            List.of(
                    "call",
                    "progress",
                    "cancel",
                    "log",
                    "elicit",
                    "sample",
                    "roots",
                    "list_changed",
                    "subscribe",
                    "completion",
                    "error");
    private static final String FIRST_WITH_ELICITATION = "2025-06-18";

    /** A server: its revision and how it is reached. */
    record Kind(String revision, String transport) {
        static List<Kind> all() {
            return REVISIONS.stream()
                    .flatMap(
                            revision ->
                                    Stream.of("stdio", "sse", "http")
                                            .map(transport -> new Kind(revision, transport)))
                    .filter(Kind::exists)
                    .toList();
        }

        /** Streamable HTTP came with the second revision, and HTTP+SSE went with the last. */
        private boolean exists() {
            return switch (transport) {
                case "http" -> !revision.equals("2024-11-05");
                case "sse" -> !revision.equals("2026-07-28");
                default -> true;
            };
        }

        String name() {
            return revision + "-" + transport;
        }

        String place() {
            return "matrix://" + name();
        }

        /** Starts it, if it is not started by its client. */
        Child start() {
            return Child.start(
                    Map.of(), Peers.node(), fixture("server"), revision, transport, place());
        }

        List<String> command() {
            return List.of(Peers.node(), fixture("server"), revision, transport, place());
        }
    }

    /** What became of one feature at one server. */
    record Cell(String server, String feature, String outcome) {
        boolean works() {
            return outcome.equals("ok");
        }
    }

    private final List<Child> servers = new ArrayList<>();
    private final StringBuilder config =
            new StringBuilder(
                    """
                    incomingAuth: {type: local}
                    aggregation: {conflictResolution: prefix}
                    backends:
                    """);

    /** Starts the servers. */
    Matrix() {
        for (var kind : Kind.all()) {
            config.append("  - {name: \"").append(kind.name()).append("\", ");
            if (kind.transport().equals("stdio")) {
                var arguments =
                        kind.command().stream()
                                .skip(1)
                                .map(argument -> '"' + argument + '"')
                                .collect(Collectors.joining(", "));
                config.append("command: \"" + Peers.node() + "\", args: [" + arguments + "]}\n");
            } else {
                var server = kind.start();
                servers.add(server);
                var wire = kind.transport().equals("sse") ? "sse" : "streamable-http";
                var url = server.line(line -> line.startsWith("http"));
                config.append("transport: " + wire + ", url: \"" + url + "\"}\n");
            }
        }
    }

    /** A configuration with all servers as backends. */
    String config() {
        return config.toString();
    }

    private static String fixture(String name) {
        return Peers.fixture("matrix/" + name + ".mjs");
    }

    /** What a client finds at one server without anything between. */
    static List<Cell> direct(Kind kind) {
        if (kind.transport().equals("stdio")) {
            return run(
                    kind.revision(),
                    "stdio",
                    JsonMapper.shared().writeValueAsString(command(kind)));
        }
        try (var server =
                Child.start(
                        Map.of(),
                        Peers.node(),
                        fixture("server"),
                        kind.revision(),
                        kind.transport())) {
            return run(
                    kind.revision(),
                    kind.transport(),
                    server.line(line -> line.startsWith("http")));
        }
    }

    private static List<String> command(Kind kind) {
        return List.of(Peers.node(), fixture("server"), kind.revision(), kind.transport());
    }

    /**
     * What a client of {@code revision} finds at all servers behind a gateway.
     *
     * @param where a URL, or a command as JSON
     */
    static List<Cell> through(String revision, String transport, String where) {
        var names = Kind.all().stream().map(kind -> kind.name() + "=" + kind.place()).toList();
        return run(revision, transport, where, names.toArray(String[]::new));
    }

    /** What became of {@code many} clients at once. */
    static List<Cell> crowd(int many, String url) {
        var command =
                new ArrayList<>(
                        List.of(Peers.node(), fixture("crowd"), Integer.toString(many), url));
        Kind.all().forEach(kind -> command.add(kind.name() + "=" + kind.place()));
        return cells(command);
    }

    private static List<Cell> run(
            String revision, String transport, String where, String... names) {
        var command = new ArrayList<>(List.of(Peers.node(), fixture("client")));
        command.addAll(List.of(revision, transport, where));
        command.addAll(List.of(names));
        return cells(command);
    }

    private static List<Cell> cells(List<String> command) {
        return Peers.run(command.toArray(String[]::new))
                .lines()
                .map(RawClient.JSON::readTree)
                .map(
                        cell ->
                                new Cell(
                                        cell.path("backend").asString(""),
                                        cell.path("feature").asString(""),
                                        cell.path("outcome").asString("")))
                .toList();
    }

    /** Whether a cell cannot work, since one of the two revisions has no such thing. */
    static boolean isImpossible(String client, String server, String feature) {
        return feature.equals("elicit")
                && (client.compareTo(FIRST_WITH_ELICITATION) < 0
                        || server.compareTo(FIRST_WITH_ELICITATION) < 0);
    }

    /** The page that shows what was found: by client revision, then by server, then by feature. */
    static String page(Map<String, List<Cell>> found) {
        var page =
                new StringBuilder(
                        """
                        # Compatibility

                        What clients of each revision of MCP find at servers of each revision, over each transport that the
                        revision has, through one Heddle. Clients of 2024-11-05 use HTTP+SSE, the others Streamable HTTP; over
                        standard input and output they find the same. Over HTTP all are one user's (`incomingAuth: local`): of clients
                        that are nobody in particular, one without a session that can be asked something has a session of its own for each
                        call, and its other requests do not see what such a call has left at a server with sessions. Made by `MatrixTest`,
                        which fails if a cell differs.

                        """);
        for (var client : found.keySet()) {
            page.append("## A client of ").append(client).append("\n\n| server | transport |");
            FEATURES.forEach(feature -> page.append(' ').append(feature).append(" |"));
            page.append("\n|---|---|").append("---|".repeat(FEATURES.size())).append('\n');
            for (var kind : Kind.all()) {
                var row = new LinkedHashMap<String, String>();
                found.get(client).stream()
                        .filter(cell -> cell.server().equals(kind.name()))
                        .forEach(cell -> row.put(cell.feature(), mark(client, kind, cell)));
                page.append("| " + kind.revision() + " | " + kind.transport() + " |");
                FEATURES.forEach(feature -> page.append(" " + row.get(feature) + " |"));
                page.append('\n');
            }
            page.append('\n');
        }
        return page.append(
                        """
                        **–** is the only kind of cell that answers with an error, and says why: elicitation came with
                        2025-06-18 ("Key Changes": "Add support for elicitation, enabling servers to request additional
                        information from users during interactions"). An older client cannot be asked, and may not be, since it
                        has not declared that it can; an older server has no request to ask with.
                        """)
                .toString();
    }

    private static String mark(String client, Kind kind, Cell cell) {
        if (cell.works()) {
            return "✓";
        }
        return isImpossible(client, kind.revision(), cell.feature()) ? "–" : "✗";
    }

    @Override
    public void close() {
        servers.forEach(Child::close);
    }
}
