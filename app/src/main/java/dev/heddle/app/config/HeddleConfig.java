package dev.heddle.app.config;

import dev.heddle.core.aggregation.AggregationRules;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.session.LostState;
import dev.heddle.core.session.SessionLimits;
import dev.heddle.redis.RedisOptions;
import dev.heddle.transport.serve.ServeOptions;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A configuration that has been found right as a whole.
 *
 * @param metadata shown in the status
 * @param backendMetadata by backend id, shown in the status
 */
public record HeddleConfig(
        String name,
        Optional<String> groupRef,
        Map<String, String> metadata,
        List<Backend> backends,
        Map<String, Map<String, String>> backendMetadata,
        Incoming incoming,
        AggregationRules aggregation,
        Operation operation,
        Sessions sessions,
        Storage storage,
        Server server,
        Catalogs catalogs) {

    /** Who callers are. */
    public enum Incoming {
        ANONYMOUS,
        LOCAL
    }

    /**
     * How it runs.
     *
     * @param statusInterval how often the state of the backends is logged
     * @param allOrNothing whether new sessions are refused unless every backend is available
     */
    public record Operation(
            Optional<String> logLevel,
            HealthRules health,
            Duration statusInterval,
            boolean allOrNothing) {
        static final Operation DEFAULT =
                new Operation(Optional.empty(), HealthRules.DEFAULT, Duration.ofSeconds(30), false);
    }

    /** How many sessions, and for how long. */
    public record Sessions(
            SessionLimits limits, int streams, int inFlight, int openings, Duration coldStart) {
        static final Sessions DEFAULT =
                new Sessions(SessionLimits.DEFAULT, 8, 32, 10, Duration.ofSeconds(2));
    }

    /** Where session records are kept. */
    public sealed interface Storage {
        /** In this process. */
        record Memory() implements Storage {}

        /**
         * In Redis or Valkey.
         *
         * @param secrets what seals records; if there is none, they are plain
         * @param patience how long sessions go on while it is away
         * @param local whether sessions may begin in one process alone while it is away
         * @param host where other nodes reach this one; empty for the address that the store sees
         * @param port there; 0 for any
         */
        record Redis(
                RedisOptions options,
                String keyPrefix,
                List<String> secrets,
                Duration patience,
                boolean local,
                Optional<String> host,
                int port,
                LostState lostState)
                implements Storage {
            /** Never shows a secret. */
            @Override
            public String toString() {
                return "Redis[" + options + ", " + keyPrefix + ", " + secrets.size() + " secrets]";
            }
        }
    }

    /**
     * The HTTP server in front.
     *
     * @param drain how long it goes on serving after it has been told to stop
     * @param io {@code auto} or the word for one way of asking the kernel about sockets
     */
    public record Server(
            String host,
            int port,
            String path,
            boolean allowAnonymousRemote,
            List<String> allowedHosts,
            List<String> allowedOrigins,
            int maxBody,
            int maxHeader,
            int maxConnections,
            Duration keepAlive,
            Duration drain,
            String io,
            Optional<ServeOptions.Tls> tls) {
        public static final int DEFAULT_PORT = 4483;

        static final Server DEFAULT =
                new Server(
                        "127.0.0.1",
                        DEFAULT_PORT,
                        "/mcp",
                        false,
                        List.of(),
                        List.of(),
                        8 * 1024 * 1024,
                        64 * 1024,
                        100_000,
                        Duration.ofSeconds(25),
                        Duration.ZERO,
                        "auto",
                        Optional.empty());

        Server at(Optional<String> otherHost, Optional<Integer> otherPort, boolean remoteMeant) {
            return new Server(
                    otherHost.orElse(host),
                    otherPort.orElse(port),
                    path,
                    allowAnonymousRemote || remoteMeant,
                    allowedHosts,
                    allowedOrigins,
                    maxBody,
                    maxHeader,
                    maxConnections,
                    keepAlive,
                    drain,
                    io,
                    tls);
        }
    }

    /**
     * What is remembered of backends across restarts.
     *
     * @param folder where catalogs are kept; empty if they are not
     */
    public record Catalogs(Optional<Path> folder) {
        static Catalogs standard() {
            var cache =
                    Optional.ofNullable(System.getenv("XDG_CACHE_HOME"))
                            .filter(path -> !path.isBlank())
                            .map(Path::of)
                            .orElse(Path.of(System.getProperty("user.home"), ".cache"));
            return new Catalogs(Optional.of(cache.resolve("heddle")));
        }
    }

    /** Everything as it is without a file, in front of {@code backends}. */
    public static HeddleConfig standard(List<Backend> backends) {
        return new HeddleConfig(
                "heddle",
                Optional.empty(),
                Map.of(),
                backends,
                Map.of(),
                Incoming.ANONYMOUS,
                AggregationRules.DEFAULT,
                Operation.DEFAULT,
                Sessions.DEFAULT,
                new Storage.Memory(),
                Server.DEFAULT,
                Catalogs.standard());
    }

    /** What the command line says goes before what the file says. */
    public HeddleConfig with(
            Optional<String> host,
            Optional<Integer> port,
            Optional<Duration> ttl,
            boolean remoteMeant) {
        var limits = sessions.limits();
        var longer =
                new SessionLimits(
                        ttl.orElse(limits.idle()),
                        limits.lifetime(),
                        limits.total(),
                        limits.perOwner());
        return with(
                new Sessions(
                        longer,
                        sessions.streams(),
                        sessions.inFlight(),
                        sessions.openings(),
                        sessions.coldStart()),
                server.at(host, port, remoteMeant));
    }

    /**
     * The same, but a session waits for backends of which nothing is known for as long as {@code
     * patience}.
     */
    public HeddleConfig waiting(Duration patience) {
        return with(
                new Sessions(
                        sessions.limits(),
                        sessions.streams(),
                        sessions.inFlight(),
                        sessions.openings(),
                        patience),
                server);
    }

    private HeddleConfig with(Sessions otherSessions, Server otherServer) {
        return new HeddleConfig(
                name,
                groupRef,
                metadata,
                backends,
                backendMetadata,
                incoming,
                aggregation,
                operation,
                otherSessions,
                storage,
                otherServer,
                catalogs);
    }
}
