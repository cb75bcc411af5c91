package dev.heddle.core.session;

import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;

import java.util.Optional;

/** A request of a session that is under way at its backends. */
interface InFlight extends Running {
    /** Goes to the backends, now that it is its turn. Does nothing if it has ended before. */
    void begin();

    /**
     * Ends it with an error, since its session has ended; tells the backend. Idempotent.
     *
     * @param why if it has not been sent
     */
    void sessionEnds(Fault why);

    /**
     * Ends it if it has shown no sign of life for too long. Returns after how many nanoseconds that
     * could be so at the earliest, or {@link SilenceWatch#NEVER}.
     */
    long checkSilence();

    /** The request that is at the backend of {@code conversation} for it, if one is. */
    Optional<ForwardedCall> at(Conversation conversation);
}
