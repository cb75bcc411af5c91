package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
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
    private volatile Instant swept = Instant.MIN; // all that were in use before have been touched

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

    /**
     * Ends the sessions that are over, and extends the life of those that have been in use. The
     * others are only looked at: many idle sessions cost little. Takes its time.
     */
    void sweep(SessionLimits limits, Instant now) {
        var since = swept;
        var missed = new boolean[1];
        Stroll.through(
                sessions.values(), held -> missed[0] |= !sweep(held.session(), limits, since, now));
        if (!missed[0] && !Thread.currentThread().isInterrupted()) {
            swept = now;
        }
    }

    /** Whether the storage could be asked. */
    private boolean sweep(MultiSession session, SessionLimits limits, Instant since, Instant now) {
        var id = session.id();
        try {
            boolean tooOld =
                    limits.lifetime()
                            .filter(lifetime -> !now.isBefore(session.created().plus(lifetime)))
                            .isPresent();
            boolean active = session.active();
            var updated = session.updated();
            boolean unused = !active && !now.isBefore(updated.plus(limits.idle()));
            boolean used = active || !updated.isBefore(since);
            if (tooOld || unused || !(used ? storage.touch(id) : isRecorded(id))) {
                log.debug("a session is over: {}", tooOld ? "too old" : "not used");
                end(id);
            }
            return true;
        } catch (Fault.StorageUnavailable e) {
            log.warn("sessions are kept while their storage cannot be asked: {}", e.getMessage());
            return false;
        }
    }

    private boolean isRecorded(String id) {
        return storage.load(id).filter(record -> !Metadata.isTerminated(record)).isPresent();
    }

    /**
     * Ends all sessions, and waits until they have ended, those too that were ending already, but
     * no longer than {@code patience}. No session may be held any more.
     */
    void close(Duration patience) {
        long until = System.nanoTime() + patience.toNanos();
        List.copyOf(sessions.keySet()).forEach(this::finishSoon);
        try {
            for (var thread : ending) {
                var left = Duration.ofNanos(until - System.nanoTime());
                if (!left.isPositive() || !thread.join(left)) {
                    log.warn(
                            "{} sessions have not ended after {}: their backends are left to"
                                    + " notice",
                            ending.size(),
                            patience);
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
