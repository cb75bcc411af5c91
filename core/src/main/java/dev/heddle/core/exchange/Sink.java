package dev.heddle.core.exchange;

import java.util.Optional;

/**
 * Takes what comes back for one request: any number of notifications and questions, then exactly
 * one reply.
 *
 * <p>Calls come from any thread and must not block. What comes after the reply is to be ignored.
 */
public interface Sink extends ClientStream {
    /** Whether a reply may be a {@link Reply.Flowing}. */
    default boolean takesFlow() {
        return false;
    }

    /**
     * From which level on log messages are wanted on this way, if it says so; if not, that is the
     * session's to say.
     */
    default Optional<LogLevel> logLevel() {
        return Optional.empty();
    }

    /** Takes the reply, which ends the exchange. */
    void reply(Reply reply);
}
