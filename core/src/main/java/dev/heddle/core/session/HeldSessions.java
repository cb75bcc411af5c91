package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.core.session.SessionStorage.Following;
import dev.heddle.core.session.SessionStorage.Listener;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * The sessions that live in this process, and how they end here. Thread-safe; takes no lock.
 *
 * <p>Where other processes share the store, a session that is not used here is only let go: it may
 * live on there, and if it does not, its record expires and somebody ends what is left.
 */
final class HeldSessions {
    private static final Logger log = LoggerFactory.getLogger(HeldSessions.class);

    private static final int MOST_TIMES = 10;

    private final SessionStorage storage;
    private final Map<String, Held> sessions = new ConcurrentHashMap<>();
    private final Chores chores = new Chores();

    /** A session, its right to be there, and what is known of its record. */
    private record Held(MultiSession session, Quota.Share share, Following following) {}

    HeldSessions(SessionStorage storage) {
        this.storage = storage;
        storage.whenEmptied(() -> Stroll.through(sessions.entrySet(), this::writeAgain));
    }

    private void writeAgain(Map.Entry<String, Held> entry) {
        try {
            catchUp(entry.getKey(), entry.getValue());
        } catch (Fault.SessionNotFound ended) {
            log.debug("a session does not go on here: {}", ended.getMessage());
        }
    }

    /**
     * The session called {@code id}, if it lives here as it is everywhere; one of clients without
     * sessions lives here only. Never blocks.
     */
    Optional<MultiSession> find(String id) {
        var held = sessions.get(id);
        boolean alone = held != null && held.session().type() == SessionType.IMPLICIT;
        return held != null && (alone || held.following().isCurrent())
                ? Optional.of(held.session())
                : Optional.empty();
    }

    List<MultiSession> all() {
        return sessions.values().stream().map(Held::session).toList();
    }

    /** Follows the record of a session that is to be held. */
    Following follow(String id) {
        return storage.follow(
                id,
                new Listener() {
                    @Override
                    public void changed() {
                        chores.run("heddle-renew", () -> renewQuietly(id));
                    }

                    @Override
                    public void told(String message) {
                        Optional.ofNullable(sessions.get(id))
                                .ifPresent(held -> relay(held.session(), message));
                    }
                });
    }

    private static void relay(MultiSession session, String message) {
        try {
            session.relayed(message);
        } catch (IllegalArgumentException foreign) {
            log.warn("another process has told something strange: {}", foreign.getMessage());
        }
    }

    private void renewQuietly(String id) {
        try {
            renew(id);
        } catch (Fault ended) {
            log.debug("a session does not go on here: {}", ended.getMessage());
        }
    }

    /**
     * The session called {@code id}, if it lives here, brought to where other processes have got
     * to.
     *
     * @throws Fault.SessionNotFound if it has ended elsewhere
     * @throws Fault.StorageUnavailable if that cannot be told
     */
    Optional<MultiSession> renew(String id) {
        var held = sessions.get(id);
        if (held == null) {
            return Optional.empty();
        }
        if (!held.following().isCurrent()) {
            catchUp(id, held);
        }
        return Optional.of(held.session());
    }

    /** Whoever was overtaken while doing so does it again, so that the newest is the last. */
    private void catchUp(String id, Held held) {
        boolean overtaken = true;
        for (int i = 0; overtaken && i < MOST_TIMES; i++) {
            var record = held.following().load(() -> Optional.of(held.session().metadata()));
            if (record.filter(known -> !Metadata.isTerminated(known)).isEmpty()) {
                letGo(id, held, MultiSession::hangUp);
                throw new Fault.SessionNotFound();
            }
            held.session().catchUp(record.get());
            overtaken = held.following().isOutdated(record.get());
        }
    }

    /**
     * Holds the session first and completes its record second, so that whoever terminates it
     * meanwhile finds it. What cannot be held is closed, and its share given back.
     *
     * @throws Fault.SessionNotFound if it was terminated meanwhile, or the id is another session's
     * @throws Fault.StorageUnavailable if its record cannot be completed
     */
    void hold(MultiSession session, Quota.Share share) {
        var id = session.id();
        var held = new Held(session, share, follow(id));
        boolean stored = false;
        try {
            stored =
                    sessions.putIfAbsent(id, held) == null
                            && storage.update(id, Changes.set(session.metadata()));
        } finally {
            if (!stored) {
                sessions.remove(id, held);
                drop(held, MultiSession::close);
            }
        }
        if (!stored) {
            throw new Fault.SessionNotFound();
        }
    }

    /**
     * Holds a session that was restored from its record. If it is terminated before it is held,
     * that is noticed in a moment.
     *
     * @throws Fault.SessionNotFound if it is held already
     */
    void holdRestored(MultiSession session, Quota.Share share, Following following) {
        var id = session.id();
        var held = new Held(session, share, following);
        if (sessions.putIfAbsent(id, held) != null) {
            drop(held, MultiSession::leave);
            throw new Fault.SessionNotFound();
        }
        chores.run(
                "heddle-restored",
                () -> {
                    if (!isTouched(id)) {
                        catchUpQuietly(id, held);
                    }
                });
    }

    private boolean isTouched(String id) {
        try {
            return storage.touch(id);
        } catch (Fault.StorageUnavailable away) {
            return true;
        }
    }

    /**
     * Takes the session, so that nobody else lets it go, marks the record, and looks once more, so
     * that none that is being made slips through. Refuses newcomers, ends the client's streams, and
     * does the rest in the background.
     */
    void end(String id) {
        var held = sessions.remove(id);
        try {
            storage.update(id, Changes.set(Map.of(Metadata.TERMINATED, "true")));
        } catch (Fault.StorageUnavailable away) {
            if (held != null) {
                held.following().doubt(); // it may have been done all the same
                sessions.putIfAbsent(id, held);
            }
            throw away;
        }
        finishSoon(id, held, MultiSession::hangUp);
        finishSoon(id, sessions.remove(id), MultiSession::hangUp);
    }

    private void finishSoon(String id, @Nullable Held held, Consumer<MultiSession> first) {
        if (held != null) {
            first.accept(held.session());
            chores.run("heddle-end", () -> finish(id, held));
        }
    }

    /** What a backend has not heard is left in the record, for whoever claims that. */
    private void finish(String id, Held held) {
        boolean shared = storage.isShared(id);
        boolean learned = !shared || hasLearnedAll(id, held);
        drop(held, MultiSession::close);
        if (learned && !(shared && held.session().isUnheard())) {
            storage.delete(id);
        }
    }

    /** Others may have opened something of which was not heard; from now on, nobody does. */
    private boolean hasLearnedAll(String id, Held held) {
        try {
            storage.load(id).ifPresent(held.session()::catchUp);
            return true;
        } catch (Fault.StorageUnavailable away) {
            log.debug("what others have opened is left to be claimed: {}", away.getMessage());
            return false;
        }
    }

    /** Stops holding a session, which may live on elsewhere. */
    void letGo(MultiSession session) {
        Optional.ofNullable(sessions.get(session.id()))
                .filter(held -> held.session().equals(session))
                .ifPresent(held -> letGo(session.id(), held, MultiSession::refuse));
    }

    private void letGo(String id, Held held, Consumer<MultiSession> first) {
        if (sessions.remove(id, held)) {
            first.accept(held.session());
            chores.run("heddle-leave", () -> drop(held, MultiSession::leave));
        }
    }

    private static void drop(Held held, Consumer<MultiSession> goodbye) {
        try {
            goodbye.accept(held.session());
        } finally {
            held.following().close();
            held.share().giveBack();
        }
    }

    /**
     * Brings a session, if it lives here, to where other processes have got to, or lets it go if it
     * has ended there.
     */
    void catchUpQuietly(String id) {
        Optional.ofNullable(sessions.get(id)).ifPresent(held -> catchUpQuietly(id, held));
    }

    /** A record that is not there may only have been lost by the store, with all others. */
    private void catchUpQuietly(String id, Held held) {
        try {
            catchUp(id, held);
        } catch (Fault ended) {
            log.debug("a session does not go on here: {}", ended.getMessage());
        }
    }

    /**
     * Stops holding all sessions, and waits until they have ended here, those too that were ending
     * already, but no longer than {@code patience}. No session may be held any more. Where others
     * share the store, the sessions live on.
     */
    void close(Duration patience) {
        Map.copyOf(sessions).forEach(this::letGoOrFinish);
        int left = chores.await(patience);
        if (left > 0) {
            log.warn(
                    "{} sessions have not ended after {}: their backends are left to notice",
                    left,
                    patience);
        }
    }

    /** What nobody else can go on with ends. */
    private void letGoOrFinish(String id, Held held) {
        if (storage.isShared(id)) {
            letGo(id, held, MultiSession::refuse);
        } else {
            finishSoon(id, sessions.remove(id), MultiSession::refuse);
        }
    }
}
