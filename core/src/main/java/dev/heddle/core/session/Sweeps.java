package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Ends those of the sessions held here that are over, and notes which have been in use, so that
 * their records live on. Not to be used by two threads at once.
 */
final class Sweeps {
    private static final Logger log = LoggerFactory.getLogger(Sweeps.class);

    private final SessionStorage storage;
    private final HeldSessions held;
    private final SessionLimits limits;
    private volatile Instant swept = Instant.MIN; // all that were in use before have been noted

    Sweeps(SessionStorage storage, HeldSessions held, SessionLimits limits) {
        this.storage = storage;
        this.held = held;
        this.limits = limits;
    }

    /**
     * How long what is used may stay unnoted where others share the store; a record has to live so
     * much longer than its session.
     */
    static Duration interval(Duration idle) {
        return idle.dividedBy(4);
    }

    /**
     * Ends the sessions that are over, and extends the life of those that have been in use. The
     * others are only looked at: many idle sessions cost little. Takes its time.
     */
    void sweep(Instant now) {
        var since = swept;
        var used = new ArrayList<String>();
        var unused = new ArrayList<String>();
        Stroll.through(
                held.all(),
                session -> {
                    if (!isOver(session, now)) {
                        boolean inUse = session.active() || isUsedSince(since, session);
                        (inUse ? used : unused).add(session.id());
                    }
                });
        boolean due = !storage.isShared() || !now.isBefore(since.plus(interval(limits.idle())));
        if (due && touch(used) && lookAt(unused) && !Thread.currentThread().isInterrupted()) {
            swept = now;
        }
    }

    /** Notes what has been in use and is not noted yet, where others may go on with it. */
    void noteUse() {
        if (storage.isShared()) {
            var since = swept;
            touch(
                    held.all().stream()
                            .filter(session -> isUsedSince(since, session))
                            .map(MultiSession::id)
                            .toList());
        }
    }

    private static boolean isUsedSince(Instant since, MultiSession session) {
        return !session.updated().isBefore(since);
    }

    /** Whether the session is over, which ends it. */
    private boolean isOver(MultiSession session, Instant now) {
        boolean tooOld =
                limits.lifetime()
                        .filter(lifetime -> !now.isBefore(session.created().plus(lifetime)))
                        .isPresent();
        boolean unused = !session.active() && !now.isBefore(session.updated().plus(limits.idle()));
        if (!tooOld && unused && session.isHome() && isUsedElsewhere(session.id(), now)) {
            return false;
        } else if (!tooOld && unused && storage.isShared(session.id())) {
            held.letGo(session);
        } else if (tooOld || unused) {
            log.debug("a session is over: {}", tooOld ? "too old" : "not used");
            endQuietly(session.id());
        }
        return tooOld || unused;
    }

    /** What cannot move stays while its session is used at another process. */
    private boolean isUsedElsewhere(String id, Instant now) {
        var life = SessionManager.lifeWhereShared(limits.idle());
        try {
            return storage.load(id)
                    .flatMap(Metadata::used)
                    .filter(used -> now.isBefore(used.plus(life)))
                    .isPresent();
        } catch (Fault.StorageUnavailable away) {
            return true;
        }
    }

    private void endQuietly(String id) {
        try {
            held.end(id);
        } catch (Fault.StorageUnavailable away) {
            log.warn("a session is kept while it cannot be ended: {}", away.getMessage());
        }
    }

    /** Returns whether the storage could be asked. */
    private boolean touch(List<String> used) {
        return asked(() -> storage.touch(used).forEach(this::endedElsewhere));
    }

    /** Where others share the store, it says by itself what has ended. */
    private boolean lookAt(List<String> unused) {
        return storage.isShared() || asked(() -> Stroll.through(unused, this::endUnlessRecorded));
    }

    private static boolean asked(Runnable question) {
        try {
            question.run();
            return true;
        } catch (Fault.StorageUnavailable away) {
            log.warn(
                    "sessions are kept while their storage cannot be asked: {}", away.getMessage());
            return false;
        }
    }

    private void endUnlessRecorded(String id) {
        boolean recorded =
                storage.load(id).filter(record -> !Metadata.isTerminated(record)).isPresent();
        if (!recorded) {
            endQuietly(id);
        }
    }

    private void endedElsewhere(String id) {
        if (storage.isShared(id)) {
            held.catchUpQuietly(id);
        } else {
            endQuietly(id);
        }
    }
}
