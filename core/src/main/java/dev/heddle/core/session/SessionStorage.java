package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps session records: strings only, never a client, a socket or a routing table. Thread-safe;
 * may block.
 *
 * <p>A record expires when it has not been created, touched or changed for the time to live. Every
 * write is conditional, so that nothing that was terminated or has expired comes back.
 *
 * <p>Every method throws {@link Fault.StorageUnavailable} if the store cannot be asked.
 */
public interface SessionStorage {

    /** What an update does to a record: fields that it sets, and fields that it removes. */
    record Changes(Map<String, String> set, Set<String> remove) {
        public Changes {
            set = Map.copyOf(set);
            remove = Set.copyOf(remove);
        }

        public static Changes set(Map<String, String> fields) {
            return new Changes(fields, Set.of());
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

    /**
     * Changes fields of a record. Returns false, and changes nothing, if there is none or it is
     * terminated.
     */
    boolean update(String id, Changes changes);

    /**
     * Changes fields of a record, or adds it. Returns false, and changes nothing, if it is
     * terminated.
     */
    boolean upsert(String id, Map<String, String> record);

    /** Removes a record. Removing none is no error. */
    void delete(String id);
}
