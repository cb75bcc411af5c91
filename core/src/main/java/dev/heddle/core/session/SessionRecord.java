package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.protocol.Revision;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * What one session notes of itself, so that it can go on in another process. While the store is
 * away, nothing is noted and the session goes on. Thread-safe; blocks.
 */
final class SessionRecord {
    private static final Logger log = LoggerFactory.getLogger(SessionRecord.class);

    private final String id;
    private final Optional<SessionStorage> storage;

    /**
     * @param storage empty for a session of which nothing is kept
     */
    SessionRecord(String id, Optional<SessionStorage> storage) {
        this.id = id;
        this.storage = storage;
    }

    /** Whether other processes may hold the session too. */
    boolean isShared() {
        return storage.filter(SessionStorage::isShared).isPresent();
    }

    /** What says that this process listens for the session. */
    Map<String, String> listening() {
        return Map.of(Metadata.LISTENER, storage.map(SessionStorage::node).orElse(""));
    }

    /** Whether {@code record} says that another process listens for the session. */
    boolean isHeardElsewhere(Map<String, String> record) {
        var listener = record.getOrDefault(Metadata.LISTENER, "");
        return !listener.isEmpty() && !listening().containsValue(listener);
    }

    /** What is noted of the conversation with {@code backend}. */
    Noted noted(BackendId backend, Revision usual) {
        try {
            return storage.flatMap(kept -> kept.load(id))
                    .map(record -> Metadata.noted(record, backend, usual))
                    .orElse(Noted.NOTHING);
        } catch (Fault.StorageUnavailable away) {
            return Noted.NOTHING;
        }
    }

    /**
     * Notes the conversation with {@code backend} that has just been opened, if {@code before} is
     * how often one had been opened by now.
     *
     * @return whether it is the one from now on
     */
    boolean note(BackendId backend, Connected connected, long before) {
        var fields = Metadata.backendSession(backend, connected, before + 1);
        boolean cannot = fields.isEmpty(); // be taken over
        if (storage.isEmpty() || (cannot && before == 0)) {
            return true;
        }
        var opened = Metadata.BACKEND_OPENED + backend;
        var changes =
                cannot
                        ? new Changes(
                                Map.of(opened, Long.toString(before + 1)),
                                Metadata.takenOver(backend))
                        : Changes.set(fields);
        var expected = before == 0 ? "" : Long.toString(before);
        try {
            return storage.get().update(id, changes.where(opened, expected)) || hasEnded();
        } catch (Fault.StorageUnavailable away) {
            log.warn("cannot note what has changed in a session: {}", away.getMessage());
            return true;
        }
    }

    /** Nothing is noted any more of a session that has ended: it closes what it has opened. */
    private boolean hasEnded() {
        return storage.flatMap(kept -> kept.load(id))
                .filter(record -> !Metadata.isTerminated(record))
                .isEmpty();
    }

    /**
     * Notes changes, and goes on when that is done: at once, unless it takes time. Never blocks.
     */
    void noteThen(Changes changes, Executor virtual, Runnable then) {
        if (!isShared()) {
            note(changes);
            then.run();
            return;
        }
        virtual.execute(
                () -> {
                    note(changes);
                    then.run();
                });
    }

    /** Notes changes, if the session goes on. */
    void note(Changes changes) {
        try {
            storage.ifPresent(kept -> kept.update(id, changes));
        } catch (Fault.StorageUnavailable away) {
            log.warn("cannot note what has changed in a session: {}", away.getMessage());
        }
    }
}
