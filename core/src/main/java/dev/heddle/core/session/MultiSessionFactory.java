package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;

import java.util.Collection;
import java.util.Map;

/** Makes sessions. Thread-safe; blocks for a bounded time. */
public interface MultiSessionFactory {

    /**
     * Makes a session over {@code backends}. One that is slow or fails is left out; it may join
     * later.
     *
     * @param id visible ASCII, 0x21 to 0x7E
     * @throws IllegalArgumentException if the id is not
     */
    MultiSession makeSession(
            String id, Identity identity, ClientProfile profile, Collection<Backend> backends);

    /**
     * Makes a session again from what was stored of it, taking over the conversations that its
     * backends still hold.
     *
     * @param backends those that are configured now; the session gets the ones that its record
     *     names
     * @throws Fault.SessionNotFound if the record is of a placeholder or of a kind that is not
     *     restored any more
     * @throws Fault.SessionOwnerUnknown if the record does not say to whom the session belongs
     * @throws Fault.InvalidBinding if what it says is malformed
     */
    MultiSession restoreSession(
            String id, Map<String, String> metadata, Collection<Backend> backends);

    /**
     * Ends at its backends what a session that nobody holds has left there.
     *
     * @param id for the log
     * @return whether all of them have heard so
     * @throws Fault.SessionNotFound if the record is of a kind that is not restored any more
     */
    boolean endSession(String id, Map<String, String> metadata, Collection<Backend> backends);
}
