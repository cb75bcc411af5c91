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

    /** The keys of {@code heddle.yaml}: path, type, standard value, meaning. */
    static final Keys FILE =
            parse(
                    """
                    name | text | `heddle` | What the gateway calls itself towards clients.
                    groupRef | text | – | A name for the group of backends; shown in `/status`.
                    metadata | mapping of text | – | Anything; shown in `/status`.
                    backends | list | – | The MCP servers behind the gateway, in the order in which they are listed.
                    backends[].name | text | required | The backend's id: 1 to 64 of `A-Z a-z 0-9 . _ -`. Another name is changed, with a warning.
                    backends[].url | URL | – | Where it is, if it is reached over HTTP. Either this or `command`.
                    backends[].transport | `streamable-http`, `sse`, `http` or `stdio` | by `url` or `command` | How to talk to it. `http` tries `streamable-http`, then `sse`.
                    backends[].type | `entry` or empty | – | `entry` for a server outside the group; allows `caBundlePath`.
                    backends[].caBundlePath | file | – | PEM file with the authorities to trust, instead of the platform's. Absolute.
                    backends[].headers | mapping of text | – | HTTP headers for every request to it.
                    backends[].command | text | – | The program to run, if it speaks MCP on standard input and output.
                    backends[].args | list of text | – | The program's arguments.
                    backends[].env | mapping of text | – | Environment variables for the program, which otherwise gets `PATH`, `HOME`, the locale and `TMPDIR` only.
                    backends[].cwd | folder | the gateway's | Where the program runs.
                    backends[].shared | true or false | `false` | One process for all sessions instead of one for each. Nobody can then be asked a question or gets its log messages.
                    backends[].processes | number | `64` | How many processes may run at once.
                    backends[].idleStop | time | `30m` | A process that is not used for this long is stopped; the next call starts another. `0` for never. A shared one is never stopped.
                    backends[].timeout | time | `operational.timeouts` | How long a call may show no sign of life. `0` for no limit.
                    backends[].openTimeout | time | `30s` | How long the opening of a conversation may take.
                    backends[].openings | number | `64` | How many conversations may be opening at once, over all sessions.
                    backends[].metadata | mapping of text | – | Anything but `group`; shown in `/status`.
                    incomingAuth | mapping | – | Who may call.
                    incomingAuth.type | `anonymous` or `local` | `anonymous` | `anonymous`: whoever holds a session's id may use it. `local`: every caller is the user of this machine.
                    outgoingAuth | mapping | – | How the gateway authenticates itself to backends.
                    outgoingAuth.source | `inline` | `inline` | Where the settings are: in this file.
                    outgoingAuth.default | mapping | `unauthenticated` | For backends without an entry of their own.
                    outgoingAuth.default.type | `unauthenticated` or `header_injection` | required | The strategy.
                    outgoingAuth.default.headerInjection | mapping | – | Settings of `header_injection`.
                    outgoingAuth.default.headerInjection.headerName | text | required | The header.
                    outgoingAuth.default.headerInjection.headerValue | text | – | Its value. Either this or `headerValueEnv`.
                    outgoingAuth.default.headerInjection.headerValueEnv | text | – | The environment variable that holds its value.
                    outgoingAuth.backends | mapping | – | By backend id, the same keys as in `default`.
                    outgoingAuth.backends.*.type | `unauthenticated` or `header_injection` | required | The strategy.
                    outgoingAuth.backends.*.headerInjection | mapping | – | Settings of `header_injection`.
                    outgoingAuth.backends.*.headerInjection.headerName | text | required | The header.
                    outgoingAuth.backends.*.headerInjection.headerValue | text | – | Its value. Either this or `headerValueEnv`.
                    outgoingAuth.backends.*.headerInjection.headerValueEnv | text | – | The environment variable that holds its value.
                    aggregation | mapping | – | Names, and what clients see.
                    aggregation.conflictResolution | `auto`, `prefix`, `priority` or `manual` | `auto` | What becomes of two tools with one name: see Naming below.
                    aggregation.conflictResolutionConfig | mapping | – | Settings of the strategy.
                    aggregation.conflictResolutionConfig.prefixFormat | text | `{workload}_` | For `prefix`: what goes before each name.
                    aggregation.conflictResolutionConfig.priorityOrder | list of text | – | For `priority`: backend ids, first wins.
                    aggregation.names | `mcp` or `model` | `mcp` | The characters of client-visible names: MCP's own, or without the dot, as model APIs want them.
                    aggregation.tools | list | – | What is shown of the tools of single backends.
                    aggregation.tools[].workload | text | required | The backend's id; one entry for each.
                    aggregation.tools[].filter | list of text | all | The tools that are shown, by new or by original name.
                    aggregation.tools[].overrides | mapping | – | By original name, what is said differently.
                    aggregation.tools[].overrides.*.name | text | – | The new name.
                    aggregation.tools[].overrides.*.description | text | – | The new description.
                    aggregation.tools[].overrides.*.annotations | mapping | – | New annotations; those that are not named stay.
                    aggregation.tools[].overrides.*.annotations.title | text | – | `title`
                    aggregation.tools[].overrides.*.annotations.readOnlyHint | true or false | – | `readOnlyHint`
                    aggregation.tools[].overrides.*.annotations.destructiveHint | true or false | – | `destructiveHint`
                    aggregation.tools[].overrides.*.annotations.idempotentHint | true or false | – | `idempotentHint`
                    aggregation.tools[].overrides.*.annotations.openWorldHint | true or false | – | `openWorldHint`
                    aggregation.tools[].excludeAll | true or false | `false` | Shows none of the backend's tools.
                    aggregation.prompts | list | – | What is shown of the prompts of single backends.
                    aggregation.prompts[].workload | text | required | The backend's id; one entry for each.
                    aggregation.prompts[].filter | list of text | all | The prompts that are shown, by new or by original name.
                    aggregation.prompts[].overrides | mapping | – | By original name, what is said differently.
                    aggregation.prompts[].overrides.*.name | text | – | The new name.
                    aggregation.prompts[].overrides.*.description | text | – | The new description.
                    aggregation.prompts[].excludeAll | true or false | `false` | Shows none of the backend's prompts.
                    aggregation.excludeAllTools | true or false | `false` | Shows no backend tool at all.
                    aggregation.defaultToolVisibility | `allow` or `deny` | `allow` | `deny` hides the tools of backends without an entry in `tools`.
                    operational | mapping | – | How it runs.
                    operational.logLevel | `error`, `warn`, `info`, `debug` or `trace` | `info` | What is logged.
                    operational.timeouts | mapping | – | How long a call may show no sign of life. There is no total limit: each progress notification starts the time anew.
                    operational.timeouts.default | time | `5m` | For every backend without a time of its own. `0` for no limit.
                    operational.timeouts.perWorkload | mapping of times | – | By backend id.
                    operational.failureHandling | mapping | – | What is done about backends that fail.
                    operational.failureHandling.healthCheckInterval | time | `30s` | Between two probes of a backend.
                    operational.failureHandling.healthCheckTimeout | time | `10s` | Of one probe of an open conversation; less than the interval. Opening one has `openTimeout`, which also stands for `0` here.
                    operational.failureHandling.unhealthyThreshold | number | `3` | Failed probes in a row that make a backend unhealthy: its offers are hidden and calls to it refused.
                    operational.failureHandling.statusReportingInterval | time | `30s` | How often the state of the backends is logged, at level debug.
                    operational.failureHandling.partialFailureMode | `best_effort` or `fail` | `best_effort` | `fail` refuses new sessions unless every backend is available.
                    operational.failureHandling.circuitBreaker | mapping | – | Refuses calls to a backend that has failed too often.
                    operational.failureHandling.circuitBreaker.enabled | true or false | `false` | Whether there is one.
                    operational.failureHandling.circuitBreaker.failureThreshold | number | `5` | Failed calls in a row that open it.
                    operational.failureHandling.circuitBreaker.timeout | time | `60s` | How long it stays open.
                    sessionStorage | mapping | – | Where session records are kept.
                    sessionStorage.provider | `memory` or `redis` | `memory` | In this process, where a session lives on one node and ends with it; or in Redis or Valkey, where any node can go on with it: see Several nodes above.
                    sessionStorage.address | text | required for `redis` | Host and port. Several, separated by commas, of the sentinels or of nodes of a cluster.
                    sessionStorage.mode | `standalone`, `sentinel` or `cluster` | `standalone` | What is there.
                    sessionStorage.masterName | text | required for `sentinel` | What the sentinels call the master.
                    sessionStorage.db | number | `0` | The database; a cluster has only `0`.
                    sessionStorage.username | text | – | A user of the access control list.
                    sessionStorage.password | text | `$THV_SESSION_REDIS_PASSWORD` | Better as `${env:NAME}` or `${file:path}`.
                    sessionStorage.sentinelUsername | text | – | For the sentinels themselves.
                    sessionStorage.sentinelPassword | text | – | For the sentinels themselves.
                    sessionStorage.tls | true or false | `false` | Talks TLS.
                    sessionStorage.caBundlePath | file | – | PEM file with the authorities to trust, instead of the platform's.
                    sessionStorage.keyPrefix | text | `thv:vmcp:session:` | What all keys begin with; ends with a colon.
                    sessionStorage.dialTimeout | time | `5s` | How long a connection may take to come about.
                    sessionStorage.timeout | time | `3s` | How long an answer may take.
                    sessionStorage.patience | time | `5m`, or `sessions.ttl` if that is less | How long sessions go on where they are while the store is away; no more than `sessions.ttl`, after which they count as not used.
                    sessionStorage.whenAway | `refuse` or `local` | `refuse` | What becomes of new sessions while the store is away: they are refused with a retry hint, or begin in this process alone and are written when it is back.
                    sessionStorage.nodeHost | text | the address from which this node reaches the store | Where this node listens for the others, which hand it what only it can carry out. Not for clients; needs `keys`.
                    sessionStorage.nodePort | number | any | The port there.
                    sessionStorage.lostState | `error` or `log` | `error` | When the node that held a server's process is gone: the next call to it fails and says so, or is carried out by a new process and a log message says so.
                    sessionStorage.format | `sealed` or `plain` | `sealed` | `sealed`: whoever reads the store learns no session id and no owner. `plain`: as ToolHive writes it, for all to read.
                    sessionStorage.keys | list of text | required for `sealed` | Secrets of 32 characters or more, the same on all nodes. The first is used; others, of earlier, still open what they have sealed. Better as `${env:NAME}` or `${file:path}`.
                    sessions | mapping | – | How many sessions, and for how long.
                    sessions.ttl | time | `30m` | A session that is not used for this long ends. An open stream or a call in flight is use.
                    sessions.lifetime | time | never | A session ends this long after it began, used or not.
                    sessions.max | number | `100000` | Sessions at the same time. Like all limits it is each node's own: a session counts at every node that serves it.
                    sessions.maxPerOwner | number | `10000` | Sessions of one owner, or of one remote address where callers are anonymous.
                    sessions.streams | number | `8` | GET streams that one session may hold open at once.
                    sessions.inFlight | number | `32` | Calls of one session that may be at backends at once. Up to 1,000 more wait for their turn.
                    sessions.openings | number | `10` | Backends that one session may be opening at once.
                    sessions.coldStart | time | `2s` | How long `initialize` waits for backends of which nothing is known yet.
                    server | mapping | – | The HTTP server in front.
                    server.host | text | `127.0.0.1` | The address to listen on.
                    server.port | number | `4483` | The port; `0` for any.
                    server.path | text | `/mcp` | The path of the MCP endpoint.
                    server.allowAnonymousRemote | true or false | `false` | Lets anonymous callers in from other machines. Needed to listen on anything but loopback without authentication.
                    server.allowedHosts | list of text | – | Further values of the `Host` header that are accepted, for reverse proxies.
                    server.allowedOrigins | list of text | – | Further values of the `Origin` header that are accepted; `*` for any.
                    server.maxBody | number | `8388608` | Bytes of one request.
                    server.maxHeader | number | `65536` | Bytes of the headers of one request.
                    server.maxConnections | number | `100000` | Connections at the same time.
                    server.drain | time | `0s` | How long it goes on serving after it has been told to stop, while `/readyz` says that it will: as long as the balancer in front takes to notice. Meanwhile each connection ends after its next answer. Then calls in flight have ten seconds.
                    server.keepAlive | time | `25s` | How often an event stream shows that it is alive.
                    server.io | `auto`, `io_uring`, `epoll` or `nio` | `auto` | How the kernel is asked about sockets.
                    server.tls | mapping | – | Serves over TLS. Without it, put a reverse proxy that does in front, or listen on loopback only.
                    server.tls.certificate | file | – | The certificate and those that vouch for it, as PEM.
                    server.tls.key | file | – | The private key, as PEM in PKCS #8 without a password.
                    catalogs | mapping | – | What backends offered last is kept on disk, so that a restart needs to wait for nobody.
                    catalogs.folder | folder | `~/.cache/heddle` | Where. Without it, `$XDG_CACHE_HOME/heddle` if that is set.
                    catalogs.keep | true or false | `true` | Whether.
                    """,
                    """
                    compositeTools
                    compositeToolRefs
                    telemetry
                    audit
                    optimizer
                    codeMode
                    rateLimiting
                    passthroughHeaders
                    incomingAuth.oidc
                    incomingAuth.authz
                    aggregation.tools[].toolConfigRef
                    outgoingAuth.default.tokenExchange
                    outgoingAuth.default.upstreamInject
                    outgoingAuth.default.awsSts
                    outgoingAuth.default.obo
                    outgoingAuth.default.xaa
                    outgoingAuth.backends.*.tokenExchange
                    outgoingAuth.backends.*.upstreamInject
                    outgoingAuth.backends.*.awsSts
                    outgoingAuth.backends.*.obo
                    outgoingAuth.backends.*.xaa
                    """);

    private final List<Key> keys;
    private final List<String> later;

    private Keys(List<Key> keys, List<String> later) {
        this.keys = keys;
        this.later = later;
    }

    private static Keys parse(String table, String later) {
        return new Keys(table.lines().map(Keys::key).toList(), later.lines().toList());
    }

    private static Key key(String line) {
        var cells = line.split(" \\| ", -1);
        return new Key(cells[0], cells[1], cells[2], cells[3]);
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
