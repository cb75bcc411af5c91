package dev.heddle.core.exchange;

import java.time.Duration;
import java.util.Optional;

/**
 * Takes what comes back for one request: any number of notifications and questions, then exactly
 * one reply.
 *
 * <p>Calls come from any thread and must not block. What comes after the reply is to be ignored.
 */
public interface Sink extends ClientStream {
    /** Whether a reply of which {@code held} bytes have come may be a {@link Reply.Flowing}. */
    default boolean takesFlow(int held) {
        return false;
    }

    /**
     * From which level on log messages are wanted on this way, if it says so; if not, that is the
     * session's to say.
     */
    default Optional<LogLevel> logLevel() {
        return Optional.empty();
    }

    /** Whether the session has this one client and is not shared with strangers, if it says so. */
    default boolean isAlone() {
        return false;
    }

    /**
     * The backend has shown that it is at work, of which there is nothing to tell, and is left
     * alone for {@code pause}.
     */
    default void alive(Duration pause) {}

    /** Takes the reply, which ends the exchange. */
    void reply(Reply reply);
}
