package dev.heddle.core.session;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.core.session.SessionStorage.Following;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * The one place where sessions begin and end.
 *
 * <p>A session is created in two phases: a placeholder is stored under a fresh id, then the session
 * is made and its record completed. Whatever ends in between wins: a placeholder that was
 * terminated never becomes a session. Thread-safe. Only {@link #live} may be called on an event
 * loop; everything else blocks.
 */
public final class SessionManager implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(SessionManager.class);
    private static final int ID_BYTES = 24;
    private static final int GENERATE_TRIES = 2;

    /** So often, at least, it is swept within the idle time where the store is shared. */
    private static final int SWEEPS = 8;

    /** What orchestrators grant a process that is told to stop, less what the rest takes. */
    private static final Duration PATIENCE = Duration.ofSeconds(25);

    private final SessionStorage storage;
    private final MultiSessionFactory factory;
    private final BackendRegistry registry;
    private final InstantSource clock;
    private final Quota quota;
    private final SecureRandom random = new SecureRandom();
    private final HeldSessions held;
    private final Map<String, CountDownLatch> restoring = new ConcurrentHashMap<>();
    private final AdmissionQueue beginnings = new AdmissionQueue();
    private final Sweeps sweeps;
    private final Leftovers leftovers;

    public SessionManager(
            SessionStorage storage,
            MultiSessionFactory factory,
            BackendRegistry registry,
            SessionLimits limits,
            InstantSource clock) {
        this.storage = storage;
        this.factory = factory;
        this.registry = registry;
        this.clock = clock;
        this.quota = new Quota(limits);
        this.held = new HeldSessions(storage);
        this.sweeps = new Sweeps(storage, held, limits);
        this.leftovers = new Leftovers(storage, factory, registry);
    }

    /**
     * How long a record is to live in a store that is shared, where sessions end that are not used
     * for {@code idle}: what is used is not noted at once, but at the sweep after a while.
     */
    public static Duration lifeWhereShared(Duration idle) {
        return idle.plus(Sweeps.interval(idle)).plus(idle.dividedBy(SWEEPS));
    }

    /**
     * Stores a placeholder and returns its id: 192 random bits in visible ASCII.
     *
     * @throws Fault.StorageUnavailable if it cannot be stored
     */
    public String generate() {
        for (int i = 0; i < GENERATE_TRIES; i++) {
            var bytes = new byte[ID_BYTES];
            random.nextBytes(bytes);
            var id = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
            if (storage.create(id, Map.of())) {
                return id;
            }
        }
        throw new Fault.StorageUnavailable("no fresh session id was accepted");
    }

    /**
     * Begins a session: both phases in one.
     *
     * @param remote the address that counts as the owner where the session is anonymous
     * @throws Fault.LimitReached if there are too many sessions
     * @throws Fault.StorageUnavailable if its record cannot be stored
     */
    public MultiSession begin(Identity opener, ClientProfile profile, String remote) {
        try (var _ = admit()) {
            var share = quota.take(ownerKey(IdentityBinding.of(opener), remote));
            String id;
            try {
                id = generate();
            } catch (RuntimeException | Error e) {
                share.giveBack();
                throw e;
            }
            try {
                return create(id, opener, profile, share);
            } catch (RuntimeException | Error e) {
                forget(id);
                throw e;
            }
        }
    }

    /** Nobody has been told of the id, and so nobody can terminate it. */
    private void forget(String id) {
        try {
            storage.delete(id);
        } catch (Fault.StorageUnavailable e) {
            log.warn(
                    "the record of a session that failed to begin is left to expire: {}",
                    e.getMessage());
        }
    }

    /**
     * Makes the session whose placeholder is stored under {@code id}.
     *
     * @param remote the address that counts as the owner where the session is anonymous
     * @throws Fault.SessionNotFound if the placeholder was terminated, has expired, or has become a
     *     session already
     * @throws Fault.LimitReached if there are too many sessions
     */
    public MultiSession createSession(
            String id, Identity opener, ClientProfile profile, String remote) {
        try (var _ = admit()) {
            requirePlaceholder(id);
            return create(
                    id, opener, profile, quota.take(ownerKey(IdentityBinding.of(opener), remote)));
        }
    }

    private AdmissionQueue.Pass admit() {
        return beginnings.tryAdmit().orElseThrow(SessionManager::isShuttingDown);
    }

    private static Fault isShuttingDown() {
        return new Fault.LimitReached("the gateway is shutting down", Duration.ofSeconds(1));
    }

    private MultiSession create(
            String id, Identity opener, ClientProfile profile, Quota.Share share) {
        MultiSession session;
        try {
            session =
                    factory.makeSession(
                            id, opener, profile, registry.snapshot().backends().values());
        } catch (RuntimeException | Error e) {
            share.giveBack();
            markTerminated(id);
            throw e;
        }
        held.hold(session, share);
        return session;
    }

    private void requirePlaceholder(String id) {
        boolean placeholder =
                storage.load(id)
                        .filter(record -> !Metadata.isTerminated(record))
                        .filter(record -> !Metadata.isFull(record))
                        .isPresent();
        if (!placeholder) {
            throw new Fault.SessionNotFound();
        }
    }

    private static String ownerKey(IdentityBinding binding, String remote) {
        return switch (binding) {
            case IdentityBinding.Unauthenticated _ -> "address " + remote;
            case IdentityBinding.Owner owner -> owner.format();
        };
    }

    private void markTerminated(String id) {
        try {
            storage.update(id, SessionStorage.Changes.set(Map.of(Metadata.TERMINATED, "true")));
        } catch (Fault.StorageUnavailable e) {
            log.warn("cannot mark a session that failed to begin: {}", e.getMessage());
        }
    }

    /** The session if this process holds it. Never blocks. */
    public Optional<MultiSession> live(String id) {
        return held.find(id);
    }

    /**
     * Whether {@code id} names a session that has not ended.
     *
     * @throws Fault.StorageUnavailable if that cannot be told
     */
    public boolean validate(String id) {
        return live(id).isPresent()
                || storage.load(id).filter(record -> !Metadata.isTerminated(record)).isPresent();
    }

    /**
     * The session, restored from its record if this process does not hold it. Concurrent callers
     * restore once.
     *
     * @throws Fault.SessionNotFound if there is none
     * @throws Fault.StorageUnavailable if that cannot be told; nothing is lost by it
     */
    public MultiSession getMultiSession(String id) {
        while (true) {
            var live = live(id);
            if (live.isPresent()) {
                return live.get();
            }
            var done = new CountDownLatch(1);
            var other = restoring.putIfAbsent(id, done);
            if (other == null) {
                try {
                    return held.renew(id).orElseGet(() -> restore(id));
                } finally {
                    restoring.remove(id);
                    done.countDown();
                }
            }
            awaitOther(other);
        }
    }

    private static void awaitOther(CountDownLatch other) {
        try {
            other.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Fault.SessionNotFound();
        }
    }

    /** A process that is about to end takes nothing over. */
    private MultiSession restore(String id) {
        try (var _ = beginnings.tryAdmit().orElseThrow(this::goesOnElsewhere)) {
            return restoreAdmitted(id);
        }
    }

    private Fault goesOnElsewhere() {
        return storage.isShared() ? new Fault.SessionMoved() : isShuttingDown();
    }

    private MultiSession restoreAdmitted(String id) {
        var following = held.follow(id);
        try {
            return restore(id, following);
        } catch (RuntimeException | Error e) {
            following.close();
            throw e;
        }
    }

    private MultiSession restore(String id, Following following) {
        var record = following.load(Optional::empty).orElseThrow(Fault.SessionNotFound::new);
        if (Metadata.isTerminated(record) || record.isEmpty()) {
            throw new Fault.SessionNotFound();
        }
        var binding = Optional.ofNullable(record.get(Metadata.BINDING)).map(IdentityBinding::parse);
        var share = quota.take(binding.map(owner -> ownerKey(owner, id)).orElse(id));
        MultiSession session;
        try {
            session = factory.restoreSession(id, record, registry.snapshot().backends().values());
        } catch (RuntimeException | Error e) {
            share.giveBack();
            throw e;
        }
        held.holdRestored(session, share, following);
        return session;
    }

    /** The tools of a session as {@code caller} sees them. */
    public Listing getAdaptedTools(String id, Identity caller) {
        var session = getMultiSession(id);
        session.authorize(caller);
        return session.tools();
    }

    /**
     * Ends a session: its record is marked, newcomers are refused, and in the background calls in
     * flight get a grace and backends are told. A placeholder is only marked, and expires, so that
     * it can never become a session.
     *
     * @throws Fault if {@code caller} may not use the session, or there is none
     */
    public void terminate(String id, Identity caller) {
        var live = live(id);
        if (live.isPresent()) {
            live.get().authorize(caller);
            held.end(id);
            return;
        }
        var record = storage.load(id).orElseThrow(Fault.SessionNotFound::new);
        if (Metadata.isTerminated(record)) {
            throw new Fault.SessionNotFound();
        }
        if (Metadata.isFull(record)) {
            getMultiSession(id).authorize(caller);
        }
        held.end(id);
    }

    /**
     * Ends the sessions that are over and extends the life of those that are in use. To be called
     * several times within the idle time.
     */
    public void sweep() {
        sweeps.sweep(clock.instant());
        storage.sweep();
        leftovers.endSoon();
    }

    /** The sessions that this process holds. */
    public Collection<MultiSession> sessions() {
        return held.all();
    }

    /** Refuses new sessions from now on. */
    public void drain() {
        beginnings.close();
    }

    /** Like {@link #close(Duration)}, with 25 seconds. */
    @Override
    public void close() {
        close(PATIENCE);
    }

    /**
     * Ends all sessions that this process holds, and waits until they have ended and their backends
     * have been told, but no longer than {@code patience}.
     */
    public void close(Duration patience) {
        beginnings.closeAndDrain();
        sweeps.noteUse();
        held.close(patience);
    }
}
