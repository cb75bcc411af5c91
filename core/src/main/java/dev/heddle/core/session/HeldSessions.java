package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;

/** The sessions that live in this process, and how they end. Thread-safe; takes no lock. */
final class HeldSessions {
    private static final Logger log = LoggerFactory.getLogger(HeldSessions.class);

    private final SessionStorage storage;
    private final BooleanSupplier draining;
    private final Map<String, Held> sessions = new ConcurrentHashMap<>();

    /** A session, and its right to be there. */
    private record Held(MultiSession session, Quota.Share share) {}

    /**
     * @param draining whether no session may be held any more
     */
    HeldSessions(SessionStorage storage, BooleanSupplier draining) {
        this.storage = storage;
        this.draining = draining;
    }

    /** The session called {@code id}, if it lives here. Never blocks. */
    Optional<MultiSession> find(String id) {
        return Optional.ofNullable(sessions.get(id)).map(Held::session);
    }

    List<MultiSession> all() {
        return sessions.values().stream().map(Held::session).toList();
    }

    /**
     * Holds the session first and completes its record second, so that whoever terminates it
     * meanwhile finds it.
     *
     * @throws Fault.SessionNotFound if it was terminated meanwhile; the share is then still the
     *     caller's
     */
    void hold(MultiSession session, Quota.Share share) {
        var id = session.id();
        var held = new Held(session, share);
        sessions.put(id, held);
        boolean stored = false;
        try {
            stored =
                    storage.update(id, SessionStorage.Changes.set(session.metadata()))
                            && !draining.getAsBoolean();
        } finally {
            if (!stored && sessions.remove(id, held)) {
                session.close();
            }
        }
        if (!stored) {
            throw new Fault.SessionNotFound();
        }
    }

    /** Marks the record, refuses newcomers, and does the rest in the background. */
    void end(String id) {
        var held = sessions.get(id);
        storage.update(id, SessionStorage.Changes.set(Map.of(Metadata.TERMINATED, "true")));
        if (held != null && sessions.remove(id, held)) {
            held.session().refuse();
            Thread.ofVirtual().name("heddle-end").start(() -> finish(id, held));
        }
    }

    private void finish(String id, Held held) {
        try {
            held.session().close();
        } finally {
            held.share().giveBack();
            storage.delete(id);
        }
    }

    /** Ends the sessions that are over, and extends the life of the others. */
    void sweep(SessionLimits limits, Instant now) {
        sessions.forEach((id, held) -> sweep(id, held.session(), limits, now));
    }

    private void sweep(String id, MultiSession session, SessionLimits limits, Instant now) {
        try {
            boolean tooOld =
                    limits.lifetime()
                            .filter(lifetime -> !now.isBefore(session.created().plus(lifetime)))
                            .isPresent();
            boolean unused =
                    !session.active() && !now.isBefore(session.updated().plus(limits.idle()));
            if (tooOld || unused || !storage.touch(id)) {
                log.debug("a session is over: {}", tooOld ? "too old" : "not used");
                end(id);
            }
        } catch (Fault.StorageUnavailable e) {
            log.warn("sessions are kept while their storage cannot be asked: {}", e.getMessage());
        }
    }

    /** Ends all sessions, and waits until they have ended. */
    void close() {
        var open = List.copyOf(sessions.entrySet());
        sessions.clear();
        open.forEach(entry -> entry.getValue().session().refuse());
        var left = new CountDownLatch(open.size());
        for (var entry : open) {
            Thread.ofVirtual()
                    .name("heddle-end")
                    .start(
                            () -> {
                                try {
                                    finish(entry.getKey(), entry.getValue());
                                } finally {
                                    left.countDown();
                                }
                            });
        }
        try {
            left.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
