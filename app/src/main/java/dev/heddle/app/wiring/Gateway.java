package dev.heddle.app.wiring;

import dev.heddle.app.config.HeddleConfig;
import dev.heddle.app.config.Problems;
import dev.heddle.app.telemetry.Metrics;
import dev.heddle.app.telemetry.StatusPages;
import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.core.rounds.RequestStates;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.DecoratingSessionFactory;
import dev.heddle.core.session.ImplicitSessions;
import dev.heddle.core.session.LiveSessionFactory;
import dev.heddle.core.session.LocalSessionStorage;
import dev.heddle.core.session.LostState;
import dev.heddle.core.session.SessionDecorator;
import dev.heddle.core.session.SessionManager;
import dev.heddle.core.session.SessionStorage;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.core.session.StandInStorage;
import dev.heddle.core.tasks.TaskNames;
import dev.heddle.redis.RedisSessionStorage;
import dev.heddle.transport.connect.Connectors;
import dev.heddle.transport.net.EventLoops;
import dev.heddle.transport.serve.Peers;
import dev.heddle.transport.serve.Stateless;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Everything behind the front, put together: what is made, in which order, and in which order it
 * ends.
 *
 * <p>Thread-safe. {@link #close} blocks for a bounded time.
 */
public final class Gateway implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Gateway.class);

    /** What wraps every session, innermost first. */
    private static final List<SessionDecorator> DECORATORS = List.of();

    private final HeddleConfig config;
    private final SessionStorage storage;
    private final EventLoops loops;
    private final Optional<Peers> peers;
    private final Connectors connectors;
    private final BackendRegistry registry;
    private final ClientProfile profile;
    private final HealthBoard health;
    private final Catalogs catalogs;
    private final Optional<CatalogFiles> kept;
    private final Aggregator aggregator;
    private final Watches watches;
    private final SessionManager sessions;
    private final Stateless stateless;
    private final Metrics metrics;
    private final StatusPages pages;
    private final ScheduledExecutorService chores;
    private final String version;
    private volatile boolean draining;

    /**
     * @throws Problems.Invalid if this machine cannot do what {@code config} asks for
     */
    public Gateway(HeddleConfig config, String version, InstantSource clock) {
        this.config = config;
        var ids = new Ids();
        this.profile = ClientProfile.gateway(config.name(), version);
        this.loops = new EventLoops(io(config.server().io()));
        this.connectors = new Connectors(loops, new OutgoingAuthRegistry(List.of()), ids, profile);
        this.registry = new BackendRegistry(config.backends());
        this.catalogs = new Catalogs();
        this.aggregator = new Aggregator(config.aggregation());
        this.metrics = new Metrics();
        this.health = new HealthBoard(config.operation().health(), clock);
        this.watches = new Watches(connectors, catalogs, ids, health, loops.alarms(), profile);
        var vault = vault(config.storage());
        this.storage = storage(config, vault, clock);
        if (storage.isShared()) {
            metrics.watchStore(storage::isHearing);
        }
        this.peers = Peering.of(config, loops, vault, clock, storage);
        var making =
                LiveSessionFactory.over(connectors, loops.alarms())
                        .forClients(storage)
                        .aggregator(aggregator)
                        .watches(watches)
                        .health(health)
                        .vault(vault)
                        .clock(clock)
                        .observer(metrics)
                        .streams(config.sessions().streams())
                        .openings(config.sessions().openings())
                        .inFlight(config.sessions().inFlight())
                        .coldStart(config.sessions().coldStart())
                        .allOrNothing(config.operation().allOrNothing());
        peers.ifPresent(way -> making.reachable(way.self(), lostState(config.storage())));
        var factory = making.build();
        this.sessions =
                new SessionManager(
                        storage,
                        DecoratingSessionFactory.over(factory, DECORATORS),
                        registry,
                        config.sessions().limits(),
                        clock);
        this.stateless =
                new Stateless(
                        new ImplicitSessions(sessions, loops.alarms()),
                        ids,
                        new ParkedExchanges(loops.alarms()),
                        new RequestStates(vault, clock),
                        new SharedSubscriptions(ids, loops.alarms()),
                        new TaskNames(vault, Optional.empty()));
        this.version = version;
        var self = self(config);
        this.pages =
                new StatusPages(
                        self,
                        registry,
                        catalogs,
                        health,
                        aggregator,
                        metrics,
                        profile,
                        config.operation().allOrNothing(),
                        () -> draining);
        this.kept = config.catalogs().folder().map(CatalogFiles::new);
        remember(config.backends());
        keepCatalogs();
        registry.subscribe(
                change -> {
                    catalogs.retain(change.after().backends().keySet());
                    watches.follow(change.after());
                    factory.rebase(change);
                });
        watches.follow(registry.snapshot());
        this.chores =
                Executors.newSingleThreadScheduledExecutor(
                        Thread.ofVirtual().name("heddle-chores").factory());
        every(
                sweepInterval(),
                () -> {
                    sessions.sweep();
                    watches.settle();
                });
        every(
                config.operation().statusInterval(),
                () -> log.debug("backends: {}", pages.summary()));
    }

    private static Vault vault(HeddleConfig.Storage from) {
        return switch (from) {
            case HeddleConfig.Storage.Memory _ -> Vault.ofThisProcess();
            case HeddleConfig.Storage.Redis redis when redis.secrets().isEmpty() ->
                    Vault.ofThisProcess();
            case HeddleConfig.Storage.Redis redis -> Vault.of(redis.secrets());
        };
    }

    private static LostState lostState(HeddleConfig.Storage from) {
        return switch (from) {
            case HeddleConfig.Storage.Memory _ -> LostState.ERROR;
            case HeddleConfig.Storage.Redis redis -> redis.lostState();
        };
    }

    private SessionStorage storage(HeddleConfig from, Vault vault, InstantSource clock) {
        var idle = from.sessions().limits().idle();
        return switch (from.storage()) {
            case HeddleConfig.Storage.Memory _ -> new LocalSessionStorage(idle, clock);
            case HeddleConfig.Storage.Redis redis ->
                    storage(redis, vault, SessionManager.lifeWhereShared(idle), clock);
        };
    }

    private SessionStorage storage(
            HeddleConfig.Storage.Redis from, Vault vault, Duration life, InstantSource clock) {
        var shared =
                new RedisSessionStorage(
                        from.options(),
                        from.keyPrefix(),
                        from.secrets().isEmpty() ? Optional.empty() : Optional.of(vault),
                        life,
                        from.patience(),
                        loops.alarms(),
                        clock);
        return from.local()
                ? new StandInStorage(
                        shared,
                        new LocalSessionStorage(life, clock),
                        loops.alarms(),
                        Thread::startVirtualThread)
                : shared;
    }

    private static EventLoops.Io io(String word) {
        var io =
                switch (word) {
                    case "io_uring" -> EventLoops.Io.IO_URING;
                    case "epoll" -> EventLoops.Io.EPOLL;
                    case "nio" -> EventLoops.Io.NIO;
                    default -> EventLoops.Io.best();
                };
        if (!io.isAvailable()) {
            throw new Problems.Invalid(
                    List.of(
                            "server.io: found '"
                                    + word
                                    + "', which this machine does not offer (expected: auto)"));
        }
        return io;
    }

    private Duration sweepInterval() {
        var tenth = config.sessions().limits().idle().dividedBy(10);
        var minute = Duration.ofMinutes(1);
        return tenth.compareTo(minute) < 0 ? tenth.plusMillis(10) : minute;
    }

    private void every(Duration interval, Runnable chore) {
        long millis = Math.max(1, interval.toMillis());
        chores.scheduleWithFixedDelay(() -> guarded(chore), millis, millis, TimeUnit.MILLISECONDS);
    }

    /** A chore that fails is tried again at its next turn. */
    private static void guarded(Runnable chore) {
        try {
            chore.run();
        } catch (RuntimeException bug) {
            log.error("a chore failed", bug);
        }
    }

    private StatusPages.Self self(HeddleConfig from) {
        return new StatusPages.Self(
                config.name(), version, from.groupRef(), from.metadata(), from.backendMetadata());
    }

    private void keepCatalogs() {
        kept.ifPresent(
                files ->
                        catalogs.subscribe(
                                (key, _, catalog) -> {
                                    if (key.clientKind().equals(profile.kind())
                                            && registry.snapshot()
                                                    .find(key.backend())
                                                    .filter(Gateway::isWorthKeeping)
                                                    .isPresent()) {
                                        Thread.ofVirtual()
                                                .name("heddle-keep")
                                                .start(() -> files.save(key, catalog));
                                    }
                                }));
    }

    /** Makes known what {@code backends} offered last, as far as nothing newer is known. */
    private void remember(List<Backend> backends) {
        for (var backend : backends) {
            var key = CatalogKey.of(backend, profile);
            if (isWorthKeeping(backend) && catalogs.published(key).isEmpty()) {
                kept.ifPresent(files -> files.loadInto(catalogs, key));
            }
        }
    }

    private static boolean isWorthKeeping(Backend backend) {
        return switch (backend.target()) {
            case Target.Remote _, Target.Command _ -> true;
            case Target.InProcess _ -> false;
        };
    }

    public HeddleConfig config() {
        return config;
    }

    public EventLoops loops() {
        return loops;
    }

    public SessionManager sessions() {
        return sessions;
    }

    /** What the front needs for clients without sessions. */
    public Stateless stateless() {
        return stateless;
    }

    /** The way to other nodes, if there is one. */
    public Optional<Peers> peers() {
        return peers;
    }

    public Metrics metrics() {
        return metrics;
    }

    public StatusPages pages() {
        return pages;
    }

    /** Who callers are. */
    public Identity caller() {
        return switch (config.incoming()) {
            case ANONYMOUS -> Identity.NONE;
            case LOCAL -> user();
        };
    }

    /** Who has started the gateway, and is the one client on its standard input. */
    public Identity user() {
        return Identity.local(System.getProperty("user.name"));
    }

    /**
     * Goes on with the backends and the names of {@code next}. Sessions keep the backends that stay
     * the same.
     */
    public void reload(HeddleConfig next) {
        aggregator.follow(next.aggregation());
        pages.follow(self(next));
        remember(next.backends());
        registry.replace(next.backends());
    }

    /**
     * Waits until {@code enough} holds, or every backend has said what it offers or has failed, at
     * most for {@code patience}.
     */
    public void awaitBackends(BooleanSupplier enough, Duration patience) {
        var changes = new Semaphore(0);
        catalogs.subscribe((_, _, _) -> changes.release());
        health.subscribe((_, _, _) -> changes.release());
        long until = System.nanoTime() + patience.toNanos();
        try {
            while (!enough.getAsBoolean()
                    && !pages.isSettled()
                    && changes.tryAcquire(until - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                changes.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Says from now on that it will end. */
    public void retire() {
        draining = true;
    }

    /** Takes no new sessions from now on, and says so on its pages. */
    public void drain() {
        retire();
        sessions.drain();
    }

    @Override
    public void close() {
        drain();
        chores.shutdownNow();
        sessions.close();
        peers.ifPresent(Peers::close);
        storage.close();
        watches.close();
        connectors.close();
        loops.close();
    }
}
