package dev.heddle.core.exchange;

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
     * Whether the client has no session and asks in its own words (MCP 2026-07-28): it is asked in
     * results, and reads those of backends without sessions as they are.
     */
    default boolean isStateless() {
        return false;
    }

    /** Takes the reply, which ends the exchange. */
    void reply(Reply reply);
}
