package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.events.Sharing;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.protocol.Revision;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What one session notes of itself, so that it can go on in another process. While the store is
 * away, nothing is noted and the session goes on. Thread-safe; blocks.
 */
final class SessionRecord {
    private static final Logger log = LoggerFactory.getLogger(SessionRecord.class);

    private final String id;
    private final Optional<SessionStorage> storage;
    private volatile Runnable whenLate = () -> {};
    private final AtomicReference<Changes> owed = new AtomicReference<>(Changes.NONE);

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

    /** What says which lists the client has been shown last. */
    static Map<String, String> shown(Map<String, String> digests) {
        var fields = new LinkedHashMap<String, String>();
        digests.forEach((method, digest) -> fields.put(Metadata.SHOWN + method, digest));
        return fields;
    }

    /** What says that this process listens for the session. */
    Map<String, String> listening() {
        return Map.of(Metadata.LISTENER, node());
    }

    /** The same, unless any process does. */
    Changes listeningFirst() {
        return Changes.set(listening()).where(Metadata.LISTENER, "");
    }

    /** What says so no more, if it did. */
    Changes listeningNoMore() {
        return new Changes(Map.of(), Set.of(Metadata.LISTENER)).where(Metadata.LISTENER, node());
    }

    /** The other process that listens for the session according to {@code record}; else empty. */
    String listener(Map<String, String> record) {
        var listener = record.getOrDefault(Metadata.LISTENER, "");
        return listener.equals(node()) ? "" : listener;
    }

    /** Whether the process {@code node} is there, as far as is known. */
    boolean isAlive(String node) {
        return storage.filter(kept -> kept.isAlive(node)).isPresent();
    }

    /**
     * How the session's streams are shared with other processes, if they can be.
     *
     * @param elsewhere hears what they are to be told
     */
    Optional<Sharing> sharing(Elsewhere elsewhere, Executor virtual) {
        return storage.flatMap(
                kept ->
                        kept.events()
                                .map(
                                        events ->
                                                new Sharing(
                                                        id,
                                                        node(),
                                                        kept::isAlive,
                                                        events,
                                                        news ->
                                                                elsewhere.tell(
                                                                        new Relayed.OfStream(news)),
                                                        elsewhere::toClient,
                                                        virtual)));
    }

    /** What this process is called. */
    String node() {
        return storage.map(SessionStorage::node).orElse("");
    }

    /** What other processes have noted of the conversation with {@code backend}. */
    Noted noted(BackendId backend, Revision usual) {
        if (!isShared()) {
            return Noted.NOTHING;
        }
        try {
            return load().map(record -> Metadata.noted(record, backend, usual))
                    .orElse(Noted.NOTHING);
        } catch (Fault.StorageUnavailable away) {
            return Noted.NOTHING;
        }
    }

    /**
     * The record.
     *
     * @throws Fault.StorageUnavailable if the store cannot be asked
     */
    Optional<Map<String, String>> load() {
        return storage.flatMap(kept -> kept.load(id));
    }

    /**
     * That a conversation is the session's from now on.
     *
     * @param number how often one has been opened with it; 0 if nobody else counts
     * @param kept whether the record names it, so that others can take it over
     */
    record Note(long number, boolean kept) {
        static final Note NONE = new Note(0, false);
    }

    /**
     * Notes the conversation with {@code backend} that has just been opened, if {@code before} is
     * how often one had been opened by now.
     *
     * @param last how often one had been opened here, as far as is known
     * @param bound whether it is counted although no other process can take it over
     * @return nothing if another one is noted
     */
    Optional<Note> note(
            BackendId backend, Connected connected, long before, long last, boolean bound) {
        long number = isShared() ? before + 1 : 0;
        var fields = Metadata.backendSession(backend, connected, number);
        if (number == 0 || (fields.isEmpty() && before == 0 && !bound)) {
            note(Changes.set(fields));
            return Optional.of(Note.NONE);
        }
        var opened = Metadata.BACKEND_OPENED + backend;
        var changes =
                fields.isEmpty() // it cannot be taken over, as an earlier one could
                        ? new Changes(
                                Map.of(opened, Long.toString(number)), Metadata.takenOver(backend))
                        : Changes.set(fields);
        var expected = before == 0 ? "" : Long.toString(before);
        try {
            if (storage.orElseThrow().update(id, changes.where(opened, expected))) {
                return Optional.of(new Note(number, true));
            }
            return noteOf(load(), backend, Noted.of(number, connected));
        } catch (Fault.StorageUnavailable away) {
            log.warn("cannot note what has changed in a session: {}", away.getMessage());
            late();
            return Optional.of(new Note(Math.max(before, last) + 1, false));
        }
    }

    /**
     * Nothing is noted any more of a session that has ended: it closes what it has opened. What is
     * noted may have been so before the store was asked a second time.
     */
    private static Optional<Note> noteOf(
            Optional<Map<String, String>> record, BackendId backend, Noted mine) {
        if (record.filter(known -> !Metadata.isTerminated(known)).isEmpty()) {
            return Optional.of(new Note(mine.opened(), false));
        }
        var noted = Metadata.noted(record.get(), backend, Revision.LATEST);
        boolean same = mine.adopted().isPresent() && noted.isSame(mine);
        return same && noted.opened() == mine.opened()
                ? Optional.of(new Note(mine.opened(), true))
                : Optional.empty();
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
                    try {
                        note(changes);
                    } finally {
                        then.run();
                    }
                });
    }

    /**
     * Tells the other processes something, if there are any. Returns false if they cannot be told
     * now. Never blocks.
     */
    boolean tell(String message) {
        return !isShared() || storage.filter(kept -> kept.tell(id, message)).isPresent();
    }

    /**
     * Changes the record. Returns whether that was as expected.
     *
     * @throws Fault.StorageUnavailable if the store cannot be asked
     */
    boolean update(Changes changes) {
        return storage.filter(kept -> kept.update(id, changes)).isPresent();
    }

    /** Notes changes, if the session goes on: later, if the store cannot be asked now. */
    void note(Changes changes) {
        if (!tryNote(changes) && changes.expected().isEmpty()) {
            owed.accumulateAndGet(changes, Changes::then);
        }
    }

    /**
     * Notes what could not be noted before.
     *
     * @return the record {@code noted} with it
     */
    Map<String, String> settled(Map<String, String> noted) {
        var late = owed.getAndSet(Changes.NONE);
        if (late.isEmpty()) {
            return noted;
        }
        note(late);
        var whole = new HashMap<>(noted);
        whole.keySet().removeAll(late.remove());
        whole.putAll(late.set());
        return whole;
    }

    /** Notes changes, if the session goes on. Returns false if the store could not be asked. */
    boolean tryNote(Changes changes) {
        try {
            if (!changes.isEmpty()) {
                storage.ifPresent(kept -> kept.update(id, changes));
            }
            return true;
        } catch (Fault.StorageUnavailable away) {
            log.warn("cannot note what has changed in a session: {}", away.getMessage());
            late();
            return false;
        }
    }

    /** Runs {@code task} whenever something could not be noted. It must not block. */
    void whenLate(Runnable task) {
        whenLate = task;
    }

    /** Something could not be noted, and is to be when the store is back. */
    void late() {
        whenLate.run();
    }
}
