package dev.heddle.core.session;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.fault.Fault;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Keeps session records: strings only, never a client, a socket or a routing table. Thread-safe;
 * may block.
 *
 * <p>A record expires when it has not been created, touched or changed for the time to live. Every
 * write is conditional, so that nothing that was terminated or has expired comes back.
 *
 * <p>Every method throws {@link Fault.StorageUnavailable} if the store cannot be asked.
 */
public interface SessionStorage extends AutoCloseable {

    /**
     * What an update does to a record.
     *
     * @param set fields that get these values
     * @param remove fields that are removed
     * @param expected the values that fields must have for anything to be changed; a field that is
     *     not there has the empty one
     * @param quiet whether those who follow the record need not hear of it
     */
    record Changes(
            Map<String, String> set,
            Set<String> remove,
            Map<String, String> expected,
            boolean quiet) {
        public static final Changes NONE = new Changes(Map.of(), Set.of(), Map.of(), true);

        public Changes {
            set = Map.copyOf(set);
            remove = Set.copyOf(remove);
            expected = Map.copyOf(expected);
        }

        public Changes(Map<String, String> set, Set<String> remove) {
            this(set, remove, Map.of(), false);
        }

        public static Changes set(Map<String, String> fields) {
            return new Changes(fields, Set.of());
        }

        /** This and then {@code next}, which expects nothing. */
        public Changes then(Changes next) {
            var all = new HashMap<>(set);
            all.keySet().removeAll(next.remove());
            all.putAll(next.set());
            var gone = new HashSet<>(remove);
            gone.addAll(next.remove());
            gone.removeAll(next.set().keySet());
            return new Changes(all, gone, expected, quiet && next.quiet());
        }

        /** The same, but those who follow the record do not hear of it. */
        public Changes quietly() {
            return new Changes(set, remove, expected, true);
        }

        /** Whether nothing is changed. */
        public boolean isEmpty() {
            return set.isEmpty() && remove.isEmpty();
        }

        /** The same, if a field has the value {@code expected}. */
        public Changes where(String field, String value) {
            return new Changes(set, remove, Map.of(field, value), quiet);
        }
    }

    /** Adds a record. Returns false, and changes nothing, if there is one. */
    boolean create(String id, Map<String, String> record);

    /** The record, without extending its life. */
    Optional<Map<String, String>> load(String id);

    /**
     * Extends a record's life by the time to live from now. Returns false if there is none or it is
     * terminated.
     */
    boolean touch(String id);

    /** Touches many records. Returns those of {@code ids} for which {@link #touch} is false. */
    default Set<String> touch(Collection<String> ids) {
        return ids.stream().filter(id -> !touch(id)).collect(Collectors.toUnmodifiableSet());
    }

    /**
     * Changes fields of a record. Returns false, and changes nothing, if there is none, it is
     * terminated, or a field has not the value that is expected.
     */
    boolean update(String id, Changes changes);

    /**
     * Changes fields of a record, or adds it. Returns false, and changes nothing, if it is
     * terminated.
     */
    boolean upsert(String id, Map<String, String> record);

    /** Removes a record. Removing none is no error. */
    void delete(String id);

    /**
     * Whether other processes keep their sessions here too, so that a session outlives this one.
     */
    default boolean isShared() {
        return false;
    }

    /** Whether other processes can find the record called {@code id}, if there is one. */
    default boolean isShared(String id) {
        return isShared();
    }

    /**
     * Whether the store was away until a moment ago, so that other processes may still be writing
     * what has begun meanwhile.
     */
    default boolean isJustBack() {
        return false;
    }

    /** What this process is called among those that share the store; empty if none do. */
    default String node() {
        return "";
    }

    /** Whether the process called {@code node} is there, as far as is known. Never blocks. */
    default boolean isAlive(String node) {
        return node.equals(node());
    }

    /** Whether what other processes do is heard now, if there may be any. Never blocks. */
    default boolean isHearing() {
        return true;
    }

    /** Where the streams of the sessions are kept for other processes, if there are any. */
    default Optional<EventStorage> events() {
        return Optional.empty();
    }

    /**
     * Follows a record from now on.
     *
     * @param listener told, on any thread, what other processes do; must not block
     */
    default Following follow(String id, Listener listener) {
        return new Following() {
            @Override
            public boolean isCurrent() {
                return true;
            }

            @Override
            public Optional<Map<String, String>> load(
                    Supplier<Optional<Map<String, String>>> ours) {
                return SessionStorage.this.load(id);
            }

            @Override
            public void doubt() {}

            @Override
            public boolean isOutdated(Map<String, String> record) {
                return false;
            }

            @Override
            public void close() {}
        };
    }

    /**
     * Runs {@code task}, on a thread of its own, whenever the store has lost everything, so that
     * what is followed is written again; a few times, if it fails because the store is away.
     */
    default void whenEmptied(Runnable task) {}

    /** Hears what other processes do about a session. */
    interface Listener {
        /** The record has been changed, or is no more. */
        void changed();

        /** As of {@link SessionStorage#tell}. */
        void told(String message);
    }

    /**
     * Tells the other processes that follow the record something that is for one of them, in the
     * order of the calls. What nobody hears is lost. Returns false if nobody can hear it now. Never
     * blocks.
     */
    default boolean tell(String id, String message) {
        return true;
    }

    /** Knows whether what was loaded of a record last is still so. Thread-safe. */
    interface Following extends AutoCloseable {
        /**
         * Whether the record is as it was when it was loaded here last, or when following began. If
         * the store cannot be asked, that is believed for a while. Never blocks.
         */
        boolean isCurrent();

        /**
         * Loads the record.
         *
         * @param ours what is written if the store has lost it together with everything else; if
         *     there is nothing to write, the store counts as away until others have had the time to
         */
        Optional<Map<String, String>> load(Supplier<Optional<Map<String, String>>> ours);

        /** What was loaded last counts no more: it may have been changed here. */
        void doubt();

        /** Whether a newer record than {@code record} has been loaded here, or written. */
        boolean isOutdated(Map<String, String> record);

        @Override
        void close();
    }

    /**
     * A record that has expired, or was terminated and then left by whoever had to end it.
     *
     * @param name what the store calls it, which need not be the session's id
     */
    record Leftover(String name, Map<String, String> record) {}

    /**
     * Records that somebody has to end at the backends, and that nobody else gets for a while. At
     * most a hundred at once.
     */
    default List<Leftover> claimLeftovers() {
        return List.of();
    }

    /** Forgets a leftover for good. */
    default void settle(Leftover leftover) {}

    /** Tidies up. To be called now and then. */
    default void sweep() {}

    /** Keeps what it keeps, if that is not in this process. */
    @Override
    default void close() {}
}
