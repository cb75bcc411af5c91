package dev.heddle.app.config;

import java.util.List;
import java.util.stream.Stream;

/**
 * Every key that a configuration file may have, and what it means. The documentation is made from
 * it. Immutable.
 */
final class Keys {

    /**
     * One key.
     *
     * @param path from the top; {@code []} stands for each item of a list, {@code *} for a name
     *     that the user chooses
     * @param type of the value, in words
     * @param standard the value where the key is absent, in words
     */
    record Key(String path, String type, String standard, String meaning) {
        String parent() {
            int dot = path.lastIndexOf('.');
            return dot < 0 ? "" : path.substring(0, dot);
        }

        String name() {
            return path.substring(path.lastIndexOf('.') + 1);
        }
    }

    /** The keys of {@code heddle.yaml}. */
    static final Keys FILE =
            new Keys(
                    List.of(
                            key(
                                    "name",
                                    "text",
                                    "`heddle`",
                                    "What the gateway calls itself towards clients."),
                            key(
                                    "groupRef",
                                    "text",
                                    "–",
                                    "A name for the group of backends; shown in `/status`."),
                            key(
                                    "metadata",
                                    "mapping of text",
                                    "–",
                                    "Anything; shown in `/status`."),
                            key(
                                    "backends",
                                    "list",
                                    "–",
                                    "The MCP servers behind the gateway, in the order in which they"
                                            + " are listed."),
                            key(
                                    "backends[].name",
                                    "text",
                                    "required",
                                    "The backend's id: 1 to 64 of `A-Z a-z 0-9 . _ -`. Another name"
                                            + " is changed, with a warning."),
                            key(
                                    "backends[].url",
                                    "URL",
                                    "–",
                                    "Where it is, if it is reached over HTTP. Either this or"
                                            + " `command`."),
                            key(
                                    "backends[].transport",
                                    "`streamable-http`, `sse`, `http` or `stdio`",
                                    "by `url` or `command`",
                                    "How to talk to it. `http` tries `streamable-http`, then"
                                            + " `sse`."),
                            key(
                                    "backends[].type",
                                    "`entry` or empty",
                                    "–",
                                    "`entry` for a server outside the group; allows"
                                            + " `caBundlePath`."),
                            key(
                                    "backends[].caBundlePath",
                                    "file",
                                    "–",
                                    "PEM file with the authorities to trust, instead of the"
                                            + " platform's. Absolute."),
                            key(
                                    "backends[].headers",
                                    "mapping of text",
                                    "–",
                                    "HTTP headers for every request to it."),
                            key(
                                    "backends[].command",
                                    "text",
                                    "–",
                                    "The program to run, if it speaks MCP on standard input and"
                                            + " output."),
                            key("backends[].args", "list of text", "–", "The program's arguments."),
                            key(
                                    "backends[].env",
                                    "mapping of text",
                                    "–",
                                    "Environment variables for the program, which otherwise gets"
                                            + " `PATH`, `HOME`, the locale and `TMPDIR` only."),
                            key(
                                    "backends[].cwd",
                                    "folder",
                                    "the gateway's",
                                    "Where the program runs."),
                            key(
                                    "backends[].shared",
                                    "true or false",
                                    "`false`",
                                    "One process for all sessions instead of one for each. Nobody"
                                            + " can then be asked a question."),
                            key(
                                    "backends[].processes",
                                    "number",
                                    "`64`",
                                    "How many processes may run at once."),
                            key(
                                    "backends[].idleStop",
                                    "time",
                                    "`30m`",
                                    "A process that is not used for this long is stopped; the next"
                                            + " call starts another. `0` for never."),
                            key(
                                    "backends[].timeout",
                                    "time",
                                    "`operational.timeouts`",
                                    "How long a call may show no sign of life. `0` for no limit."),
                            key(
                                    "backends[].openTimeout",
                                    "time",
                                    "`30s`",
                                    "How long the opening of a conversation may take."),
                            key(
                                    "backends[].openings",
                                    "number",
                                    "`64`",
                                    "How many conversations may be opening at once, over all"
                                            + " sessions."),
                            key(
                                    "backends[].metadata",
                                    "mapping of text",
                                    "–",
                                    "Anything but `group`; shown in `/status`."),
                            key("incomingAuth", "mapping", "–", "Who may call."),
                            key(
                                    "incomingAuth.type",
                                    "`anonymous` or `local`",
                                    "`anonymous`",
                                    "`anonymous`: whoever holds a session's id may use it. `local`:"
                                            + " every caller is the user of this machine."),
                            key(
                                    "outgoingAuth",
                                    "mapping",
                                    "–",
                                    "How the gateway authenticates itself to backends."),
                            key(
                                    "outgoingAuth.source",
                                    "`inline`",
                                    "`inline`",
                                    "Where the settings are: in this file."),
                            key(
                                    "outgoingAuth.default",
                                    "mapping",
                                    "`unauthenticated`",
                                    "For backends without an entry of their own."),
                            key(
                                    "outgoingAuth.default.type",
                                    "`unauthenticated` or `header_injection`",
                                    "required",
                                    "The strategy."),
                            key(
                                    "outgoingAuth.default.headerInjection",
                                    "mapping",
                                    "–",
                                    "Settings of `header_injection`."),
                            key(
                                    "outgoingAuth.default.headerInjection.headerName",
                                    "text",
                                    "required",
                                    "The header."),
                            key(
                                    "outgoingAuth.default.headerInjection.headerValue",
                                    "text",
                                    "–",
                                    "Its value. Either this or `headerValueEnv`."),
                            key(
                                    "outgoingAuth.default.headerInjection.headerValueEnv",
                                    "text",
                                    "–",
                                    "The environment variable that holds its value."),
                            key(
                                    "outgoingAuth.backends",
                                    "mapping",
                                    "–",
                                    "By backend id, the same keys as in `default`."),
                            key(
                                    "outgoingAuth.backends.*.type",
                                    "`unauthenticated` or `header_injection`",
                                    "required",
                                    "The strategy."),
                            key(
                                    "outgoingAuth.backends.*.headerInjection",
                                    "mapping",
                                    "–",
                                    "Settings of `header_injection`."),
                            key(
                                    "outgoingAuth.backends.*.headerInjection.headerName",
                                    "text",
                                    "required",
                                    "The header."),
                            key(
                                    "outgoingAuth.backends.*.headerInjection.headerValue",
                                    "text",
                                    "–",
                                    "Its value. Either this or `headerValueEnv`."),
                            key(
                                    "outgoingAuth.backends.*.headerInjection.headerValueEnv",
                                    "text",
                                    "–",
                                    "The environment variable that holds its value."),
                            key("aggregation", "mapping", "–", "Names, and what clients see."),
                            key(
                                    "aggregation.conflictResolution",
                                    "`auto`, `prefix`, `priority` or `manual`",
                                    "`auto`",
                                    "What becomes of two tools with one name: see Naming below."),
                            key(
                                    "aggregation.conflictResolutionConfig",
                                    "mapping",
                                    "–",
                                    "Settings of the strategy."),
                            key(
                                    "aggregation.conflictResolutionConfig.prefixFormat",
                                    "text",
                                    "`{workload}_`",
                                    "For `prefix`: what goes before each name."),
                            key(
                                    "aggregation.conflictResolutionConfig.priorityOrder",
                                    "list of text",
                                    "–",
                                    "For `priority`: backend ids, first wins."),
                            key(
                                    "aggregation.names",
                                    "`mcp` or `model`",
                                    "`mcp`",
                                    "The characters of client-visible names: MCP's own, or without"
                                            + " the dot, as model APIs want them."),
                            key(
                                    "aggregation.tools",
                                    "list",
                                    "–",
                                    "What is shown of the tools of single backends."),
                            key(
                                    "aggregation.tools[].workload",
                                    "text",
                                    "required",
                                    "The backend's id; one entry for each."),
                            key(
                                    "aggregation.tools[].filter",
                                    "list of text",
                                    "all",
                                    "The tools that are shown, by new or by original name."),
                            key(
                                    "aggregation.tools[].overrides",
                                    "mapping",
                                    "–",
                                    "By original name, what is said differently."),
                            key(
                                    "aggregation.tools[].overrides.*.name",
                                    "text",
                                    "–",
                                    "The new name."),
                            key(
                                    "aggregation.tools[].overrides.*.description",
                                    "text",
                                    "–",
                                    "The new description."),
                            key(
                                    "aggregation.tools[].overrides.*.annotations",
                                    "mapping",
                                    "–",
                                    "New annotations; those that are not named stay."),
                            key(
                                    "aggregation.tools[].overrides.*.annotations.title",
                                    "text",
                                    "–",
                                    "`title`"),
                            key(
                                    "aggregation.tools[].overrides.*.annotations.readOnlyHint",
                                    "true or false",
                                    "–",
                                    "`readOnlyHint`"),
                            key(
                                    "aggregation.tools[].overrides.*.annotations.destructiveHint",
                                    "true or false",
                                    "–",
                                    "`destructiveHint`"),
                            key(
                                    "aggregation.tools[].overrides.*.annotations.idempotentHint",
                                    "true or false",
                                    "–",
                                    "`idempotentHint`"),
                            key(
                                    "aggregation.tools[].overrides.*.annotations.openWorldHint",
                                    "true or false",
                                    "–",
                                    "`openWorldHint`"),
                            key(
                                    "aggregation.tools[].excludeAll",
                                    "true or false",
                                    "`false`",
                                    "Shows none of the backend's tools."),
                            key(
                                    "aggregation.prompts",
                                    "list",
                                    "–",
                                    "What is shown of the prompts of single backends."),
                            key(
                                    "aggregation.prompts[].workload",
                                    "text",
                                    "required",
                                    "The backend's id; one entry for each."),
                            key(
                                    "aggregation.prompts[].filter",
                                    "list of text",
                                    "all",
                                    "The prompts that are shown, by new or by original name."),
                            key(
                                    "aggregation.prompts[].overrides",
                                    "mapping",
                                    "–",
                                    "By original name, what is said differently."),
                            key(
                                    "aggregation.prompts[].overrides.*.name",
                                    "text",
                                    "–",
                                    "The new name."),
                            key(
                                    "aggregation.prompts[].overrides.*.description",
                                    "text",
                                    "–",
                                    "The new description."),
                            key(
                                    "aggregation.prompts[].excludeAll",
                                    "true or false",
                                    "`false`",
                                    "Shows none of the backend's prompts."),
                            key(
                                    "aggregation.excludeAllTools",
                                    "true or false",
                                    "`false`",
                                    "Shows no backend tool at all."),
                            key(
                                    "aggregation.defaultToolVisibility",
                                    "`allow` or `deny`",
                                    "`allow`",
                                    "`deny` hides the tools of backends without an entry in"
                                            + " `tools`."),
                            key("operational", "mapping", "–", "How it runs."),
                            key(
                                    "operational.logLevel",
                                    "`error`, `warn`, `info`, `debug` or `trace`",
                                    "`info`",
                                    "What is logged."),
                            key(
                                    "operational.timeouts",
                                    "mapping",
                                    "–",
                                    "How long a call may show no sign of life. There is no total"
                                            + " limit: each progress notification starts the time"
                                            + " anew."),
                            key(
                                    "operational.timeouts.default",
                                    "time",
                                    "`5m`",
                                    "For every backend without a time of its own. `0` for no"
                                            + " limit."),
                            key(
                                    "operational.timeouts.perWorkload",
                                    "mapping of times",
                                    "–",
                                    "By backend id."),
                            key(
                                    "operational.failureHandling",
                                    "mapping",
                                    "–",
                                    "What is done about backends that fail."),
                            key(
                                    "operational.failureHandling.healthCheckInterval",
                                    "time",
                                    "`30s`",
                                    "Between two probes of a backend."),
                            key(
                                    "operational.failureHandling.healthCheckTimeout",
                                    "time",
                                    "`10s`",
                                    "Of one probe; less than the interval. `0` for the backend's"
                                            + " `openTimeout`."),
                            key(
                                    "operational.failureHandling.unhealthyThreshold",
                                    "number",
                                    "`3`",
                                    "Failed probes in a row that make a backend unhealthy: its"
                                            + " offers are hidden and calls to it refused."),
                            key(
                                    "operational.failureHandling.statusReportingInterval",
                                    "time",
                                    "`30s`",
                                    "How often the state of the backends is logged, at level"
                                            + " debug."),
                            key(
                                    "operational.failureHandling.partialFailureMode",
                                    "`best_effort` or `fail`",
                                    "`best_effort`",
                                    "`fail` refuses new sessions unless every backend is"
                                            + " available."),
                            key(
                                    "operational.failureHandling.circuitBreaker",
                                    "mapping",
                                    "–",
                                    "Refuses calls to a backend that has failed too often."),
                            key(
                                    "operational.failureHandling.circuitBreaker.enabled",
                                    "true or false",
                                    "`false`",
                                    "Whether there is one."),
                            key(
                                    "operational.failureHandling.circuitBreaker.failureThreshold",
                                    "number",
                                    "`5`",
                                    "Failed calls in a row that open it."),
                            key(
                                    "operational.failureHandling.circuitBreaker.timeout",
                                    "time",
                                    "`60s`",
                                    "How long it stays open."),
                            key(
                                    "sessionStorage",
                                    "mapping",
                                    "–",
                                    "Where session records are kept."),
                            key(
                                    "sessionStorage.provider",
                                    "`memory`",
                                    "`memory`",
                                    "In this process."),
                            key("sessions", "mapping", "–", "How many sessions, and for how long."),
                            key(
                                    "sessions.ttl",
                                    "time",
                                    "`30m`",
                                    "A session that is not used for this long ends. An open stream"
                                            + " or a call in flight is use."),
                            key(
                                    "sessions.lifetime",
                                    "time",
                                    "never",
                                    "A session ends this long after it began, used or not."),
                            key("sessions.max", "number", "`100000`", "Sessions at the same time."),
                            key(
                                    "sessions.maxPerOwner",
                                    "number",
                                    "`10000`",
                                    "Sessions of one owner, or of one remote address where callers"
                                            + " are anonymous."),
                            key(
                                    "sessions.openings",
                                    "number",
                                    "`10`",
                                    "Backends that one session may be opening at once."),
                            key(
                                    "sessions.coldStart",
                                    "time",
                                    "`2s`",
                                    "How long `initialize` waits for backends of which nothing is"
                                            + " known yet."),
                            key("server", "mapping", "–", "The HTTP server in front."),
                            key("server.host", "text", "`127.0.0.1`", "The address to listen on."),
                            key("server.port", "number", "`4483`", "The port; `0` for any."),
                            key("server.path", "text", "`/mcp`", "The path of the MCP endpoint."),
                            key(
                                    "server.allowAnonymousRemote",
                                    "true or false",
                                    "`false`",
                                    "Lets anonymous callers in from other machines. Needed to"
                                            + " listen on anything but loopback without"
                                            + " authentication."),
                            key(
                                    "server.allowedHosts",
                                    "list of text",
                                    "–",
                                    "Further values of the `Host` header that are accepted, for"
                                            + " reverse proxies."),
                            key(
                                    "server.allowedOrigins",
                                    "list of text",
                                    "–",
                                    "Further values of the `Origin` header that are accepted; `*`"
                                            + " for any."),
                            key("server.maxBody", "number", "`8388608`", "Bytes of one request."),
                            key(
                                    "server.maxHeader",
                                    "number",
                                    "`65536`",
                                    "Bytes of the headers of one request."),
                            key(
                                    "server.maxConnections",
                                    "number",
                                    "`100000`",
                                    "Connections at the same time."),
                            key(
                                    "server.keepAlive",
                                    "time",
                                    "`25s`",
                                    "How often an event stream shows that it is alive."),
                            key(
                                    "server.io",
                                    "`auto`, `io_uring`, `epoll` or `nio`",
                                    "`auto`",
                                    "How the kernel is asked about sockets."),
                            key(
                                    "catalogs",
                                    "mapping",
                                    "–",
                                    "What backends offered last is kept on disk, so that a restart"
                                            + " needs to wait for nobody."),
                            key("catalogs.folder", "folder", "`~/.cache/heddle`", "Where."),
                            key("catalogs.keep", "true or false", "`true`", "Whether.")),
                    List.of(
                            "compositeTools",
                            "compositeToolRefs",
                            "telemetry",
                            "audit",
                            "optimizer",
                            "codeMode",
                            "rateLimiting",
                            "passthroughHeaders",
                            "incomingAuth.oidc",
                            "incomingAuth.authz",
                            "sessionStorage.address",
                            "sessionStorage.db",
                            "sessionStorage.keyPrefix",
                            "aggregation.tools[].toolConfigRef",
                            "outgoingAuth.default.tokenExchange",
                            "outgoingAuth.default.upstreamInject",
                            "outgoingAuth.default.awsSts",
                            "outgoingAuth.default.obo",
                            "outgoingAuth.default.xaa",
                            "outgoingAuth.backends.*.tokenExchange",
                            "outgoingAuth.backends.*.upstreamInject",
                            "outgoingAuth.backends.*.awsSts",
                            "outgoingAuth.backends.*.obo",
                            "outgoingAuth.backends.*.xaa"));

    private final List<Key> keys;
    private final List<String> later;

    private Keys(List<Key> keys, List<String> later) {
        this.keys = keys;
        this.later = later;
    }

    private static Key key(String path, String type, String standard, String meaning) {
        return new Key(path, type, standard, meaning);
    }

    Stream<Key> all() {
        return keys.stream();
    }

    /** The names of the keys right below {@code parent}. */
    List<String> below(String parent) {
        return keys.stream().filter(key -> key.parent().equals(parent)).map(Key::name).toList();
    }

    /** Whether the key belongs to a feature that is planned. */
    boolean isLater(String path) {
        return later.contains(path);
    }

    /**
     * @throws IllegalStateException if the program reads a key that is not in the table
     */
    void require(String path) {
        if (keys.stream().noneMatch(key -> key.path().equals(path))) {
            throw new IllegalStateException("key " + path + " is read but not documented");
        }
    }
}
