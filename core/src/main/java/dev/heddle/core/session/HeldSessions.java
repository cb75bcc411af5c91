package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The sessions that live in this process, and how they end. Thread-safe; takes no lock. */
final class HeldSessions {
    private static final Logger log = LoggerFactory.getLogger(HeldSessions.class);

    private final SessionStorage storage;
    private final Map<String, Held> sessions = new ConcurrentHashMap<>();
    private final Set<Thread> ending = ConcurrentHashMap.newKeySet();

    /** A session, and its right to be there. */
    private record Held(MultiSession session, Quota.Share share) {}

    HeldSessions(SessionStorage storage) {
        this.storage = storage;
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
     * meanwhile finds it. What cannot be held is closed, and its share given back.
     *
     * @throws Fault.SessionNotFound if it was terminated meanwhile, or the id is another session's
     * @throws Fault.StorageUnavailable if its record cannot be completed
     */
    void hold(MultiSession session, Quota.Share share) {
        var id = session.id();
        var held = new Held(session, share);
        boolean stored = false;
        try {
            stored =
                    sessions.putIfAbsent(id, held) == null
                            && storage.update(id, SessionStorage.Changes.set(session.metadata()));
        } finally {
            if (!stored) {
                sessions.remove(id, held);
                session.close();
                share.giveBack();
            }
        }
        if (!stored) {
            throw new Fault.SessionNotFound();
        }
    }

    /**
     * Marks the record first and looks for the session second, so that none that is being made
     * slips through. Refuses newcomers, and does the rest in the background.
     */
    void end(String id) {
        storage.update(id, SessionStorage.Changes.set(Map.of(Metadata.TERMINATED, "true")));
        finishSoon(id);
    }

    private void finishSoon(String id) {
        var held = sessions.remove(id);
        if (held == null) {
            return;
        }
        held.session().refuse();
        var thread =
                Thread.ofVirtual()
                        .name("heddle-end")
                        .unstarted(
                                () -> {
                                    try {
                                        finish(id, held);
                                    } finally {
                                        ending.remove(Thread.currentThread());
                                    }
                                });
        ending.add(thread);
        thread.start();
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

    /**
     * Ends all sessions, and waits until they have ended, those too that were ending already. No
     * session may be held any more.
     */
    void close() {
        List.copyOf(sessions.keySet()).forEach(this::finishSoon);
        for (var thread : ending) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
