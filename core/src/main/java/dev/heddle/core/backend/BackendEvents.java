package dev.heddle.core.backend;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;

/** Takes what a backend sends outside every call. Calls come one at a time and must not block. */
public interface BackendEvents {
    /** Takes a notification that belongs to no call. */
    void notification(Envelope message);

    /** Takes a request of the backend that came on no call's answer. */
    void question(Question question);

    /**
     * What the backend has sent outside calls until now may have been missed; what it sends from
     * now on is not.
     */
    default void missed() {}

    /**
     * The conversation has ended without having been closed; it must be opened anew. Calls in it
     * have failed.
     */
    void lost(Fault.BackendFailed why);
}
