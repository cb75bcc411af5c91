package dev.heddle.core.session;

import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.CatalogReader;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Interner;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.Health;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.core.tasks.TaskNames;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Makes sessions that run in this process, each bound to the identity that opened it, and tells
 * them what changes around them: catalogs, health, configuration. Thread-safe.
 */
public final class LiveSessionFactory implements MultiSessionFactory {
    private final SessionType type;
    private final Shared shared;
    private final LiveSession.Options options;
    private final Duration coldStart;
    private final boolean allOrNothing;
    private final Interner<ClientProfile> profiles = new Interner<>();
    private final Set<LiveSession> live = ConcurrentHashMap.newKeySet();
    private final Set<BackendId> late = ConcurrentHashMap.newKeySet();
    private final AtomicReference<BackendRegistry.Snapshot> newest =
            new AtomicReference<>(new BackendRegistry.Snapshot(0, Map.of()));

    private LiveSessionFactory(Builder from) {
        this.type = from.type;
        this.shared = from.shared();
        this.options = new LiveSession.Options(from.openings, from.streams, from.inFlight);
        this.coldStart = from.coldStart;
        this.allOrNothing = from.allOrNothing;
        shared.catalogs().subscribe(this::catalogPublished);
        shared.health().subscribe(this::probed);
    }

    /** A factory whose sessions reach backends through {@code connector}. */
    public static Builder over(BackendConnector connector, Alarms alarms) {
        return new Builder(connector, alarms);
    }

    @Override
    public MultiSession makeSession(
            String id, Identity identity, ClientProfile profile, Collection<Backend> backends) {
        var binding = IdentityBinding.of(identity);
        var client = new Conversation.Client(identity, profiles.intern(profile));
        return new OwnedSession(
                begin(id, client, backends, Map.of(), shared.clock().instant()), binding);
    }

    @Override
    public MultiSession restoreSession(
            String id, Map<String, String> metadata, Collection<Backend> backends) {
        var binding = bindingOf(metadata);
        var known = known(metadata, binding, backends);
        var created = Metadata.created(metadata).orElseGet(shared.clock()::instant);
        var session = begin(id, known.client(), known.backends(), known.noted(), created);
        session.catchUp(metadata);
        session.compareShown(metadata);
        session.readiness().clientIsReady();
        return new OwnedSession(session, binding);
    }

    /** What a record says, as far as it is about what is configured. */
    private record Known(
            Conversation.Client client, List<Backend> backends, Map<BackendId, Noted> noted) {}

    private Known known(
            Map<String, String> metadata, IdentityBinding binding, Collection<Backend> backends) {
        var names = metadata.get(Metadata.BACKEND_IDS);
        if (names == null) {
            throw new Fault.SessionNotFound();
        }
        var profile =
                Optional.ofNullable(metadata.get(Metadata.PROFILE))
                        .flatMap(Metadata::profile)
                        .orElseThrow(Fault.SessionNotFound::new);
        var stored = Metadata.backendIds(names);
        var wanted = backends.stream().filter(backend -> stored.contains(backend.id())).toList();
        var noted = new HashMap<BackendId, Noted>();
        for (var backend : wanted) {
            noted.put(backend.id(), Metadata.noted(metadata, backend.id(), profile.revision()));
        }
        var client = new Conversation.Client(ownerOf(binding), profiles.intern(profile));
        return new Known(client, wanted, noted);
    }

    @Override
    public boolean endSession(
            String id, Map<String, String> metadata, Collection<Backend> backends) {
        var known = known(metadata, bindingOf(metadata), backends);
        var session =
                new LiveSession(
                        id, type, known.client(), shared, options, shared.clock().instant());
        session.beginToEnd(known.backends(), known.noted());
        session.close();
        return !session.isUnheard();
    }

    private static IdentityBinding bindingOf(Map<String, String> metadata) {
        var text = metadata.get(Metadata.BINDING);
        if (text != null) {
            return IdentityBinding.parse(text);
        }
        boolean legacy =
                metadata.containsKey(Metadata.LEGACY_TOKEN_HASH)
                        || metadata.containsKey(Metadata.LEGACY_TOKEN_SALT);
        throw legacy ? new Fault.SessionNotFound() : new Fault.SessionOwnerUnknown();
    }

    private static Identity ownerOf(IdentityBinding binding) {
        return switch (binding) {
            case IdentityBinding.Unauthenticated _ -> Identity.NONE;
            case IdentityBinding.Owner(var issuer, var subject) ->
                    new Identity(issuer, subject, "");
        };
    }

    private LiveSession begin(
            String id,
            Conversation.Client client,
            Collection<Backend> backends,
            Map<BackendId, Noted> noted,
            Instant created) {
        requireVisibleAscii(id);
        boolean implicit = type == SessionType.CLIENT && !client.profile().revision().hasSessions();
        var kind = implicit ? SessionType.IMPLICIT : type;
        var session = new LiveSession(id, kind, client, shared, options, created);
        live.add(session);
        session.whenClosed(() -> live.remove(session));
        try {
            session.begin(backends, noted, late);
        } catch (RuntimeException | Error e) {
            session.leave();
            throw e;
        }
        var configured = newest.get();
        if (configured.version() > 0 && !isOver(configured, backends)) {
            session.rebase(() -> newest.get().backends().values());
        }
        session.readiness().whenWanted(() -> late.addAll(session.awaitColdStart(coldStart)));
        if (implicit && !allOrNothing) {
            return session;
        }
        session.settle();
        var unavailable = allOrNothing ? session.readiness().unavailable() : List.<BackendId>of();
        if (!unavailable.isEmpty()) {
            session.leave(); // what others hold of it is theirs
            throw Fault.BackendFailed.notSent(
                    unavailable.getFirst().value(),
                    Reason.UNHEALTHY,
                    "is not available, and all backends are required");
        }
        return session;
    }

    private static boolean isOver(
            BackendRegistry.Snapshot configured, Collection<Backend> backends) {
        return List.copyOf(configured.backends().values()).equals(List.copyOf(backends));
    }

    private static void requireVisibleAscii(String id) {
        if (id.isEmpty() || id.chars().anyMatch(c -> c < 0x21 || c > 0x7E)) {
            throw new IllegalArgumentException(
                    "session id: found '" + id + "' (expected: visible ASCII)");
        }
    }

    /** Goes on with other backends, in all sessions. */
    public void rebase(BackendRegistry.Change change) {
        newest.set(change.after());
        live.forEach(
                session ->
                        shared.virtual()
                                .execute(
                                        () ->
                                                session.rebase(
                                                        () -> newest.get().backends().values())));
    }

    private void catalogPublished(CatalogKey key, Optional<Catalog> before, Catalog catalog) {
        late.remove(key.backend());
        live.forEach(session -> session.catalogPublished(key, before, catalog));
    }

    private void probed(BackendId id, Health before, Health after) {
        if (after.failures() > 0) {
            live.forEach(session -> session.probeFailed(id));
        }
        if (before.state().usable() != after.state().usable()) {
            live.forEach(LiveSession::healthChanged);
        }
    }

    /** What a factory is made of. Confined to one thread. */
    public static final class Builder {
        private final BackendConnector connector;
        private final Alarms alarms;
        private SessionType type = SessionType.EMBEDDED;
        private Aggregator aggregator = Aggregator.raw();
        private Catalogs catalogs = new Catalogs();
        private Optional<Watches> watches = Optional.empty();
        private InstantSource clock = InstantSource.system();
        private HealthBoard health = new HealthBoard(HealthRules.DEFAULT, clock);
        private Ids ids = new Ids();
        private Vault vault = Vault.ofThisProcess();
        private int openings = 10;
        private int streams = 8;
        private int inFlight = 32;
        private Duration coldStart = Duration.ofSeconds(30);
        private boolean allOrNothing;
        private Optional<SessionStorage> storage = Optional.empty();
        private Optional<String> self = Optional.empty();
        private LostState lostState = LostState.ERROR;
        private SessionObserver observer = SessionObserver.NONE;

        private Builder(BackendConnector connector, Alarms alarms) {
            this.connector = connector;
            this.alarms = alarms;
        }

        /** The sessions are those of MCP clients, and their records are kept in {@code storage}. */
        public Builder forClients(SessionStorage where) {
            type = SessionType.CLIENT;
            storage = Optional.of(where);
            return this;
        }

        /**
         * Names and hides what backends offer. Without one, clients see the backends' own names.
         */
        public Builder aggregator(Aggregator chosen) {
            aggregator = chosen;
            return this;
        }

        /** Sees the catalogs that {@code keepers} keep fresh. */
        public Builder watches(Watches keepers) {
            watches = Optional.of(keepers);
            catalogs = keepers.catalogs();
            ids = keepers.ids();
            return this;
        }

        public Builder health(HealthBoard board) {
            health = board;
            return this;
        }

        /** Names tasks so that every process with the same one knows them. */
        public Builder vault(Vault chosen) {
            vault = chosen;
            return this;
        }

        /**
         * What other processes that share the storage hand requests to this one by, its name and
         * address, and how a client learns that what cannot move had to be begun afresh. Without
         * it, each process begins its own.
         */
        public Builder reachable(String as, LostState policy) {
            self = Optional.of(as);
            lostState = policy;
            return this;
        }

        public Builder clock(InstantSource chosen) {
            clock = chosen;
            return this;
        }

        public Builder observer(SessionObserver chosen) {
            observer = chosen;
            return this;
        }

        /**
         * How many conversations of one session may be opening at the same time; 10 if not said.
         * Ignored below 1.
         */
        public Builder openings(int atOnce) {
            openings = atOnce > 0 ? atOnce : openings;
            return this;
        }

        /**
         * How many calls of one session may be at backends at the same time, while others wait for
         * their turn; 32 if not said. Ignored below 1.
         */
        public Builder inFlight(int atOnce) {
            inFlight = atOnce > 0 ? atOnce : inFlight;
            return this;
        }

        /** How many streams the client of one session may hold open; 8 if not said. */
        public Builder streams(int most) {
            streams = most;
            return this;
        }

        /**
         * How long the making of a session waits for backends of which nothing is known; 30 s if
         * not said.
         */
        public Builder coldStart(Duration patience) {
            coldStart = patience;
            return this;
        }

        /** Refuses to make a session unless every backend is available. */
        public Builder allOrNothing(boolean required) {
            allOrNothing = required;
            return this;
        }

        public LiveSessionFactory build() {
            return new LiveSessionFactory(this);
        }

        private Shared shared() {
            Executor virtual = task -> Thread.ofVirtual().name("heddle-session").start(task);
            return new Shared(
                    connector,
                    catalogs,
                    new CatalogReader(ids),
                    watches,
                    aggregator,
                    health,
                    new OpeningLimits(),
                    new Goodbyes(),
                    ids,
                    new TaskNames(vault, self),
                    alarms,
                    clock,
                    virtual,
                    storage,
                    self,
                    lostState,
                    observer);
        }
    }
}
