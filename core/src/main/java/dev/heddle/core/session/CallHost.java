package dev.heddle.core.session;

import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;

import java.util.Optional;

/** What the session does for its calls. */
interface CallHost {
    /**
     * Sends a call to its backend.
     *
     * @throws Fault if that is not worth asking now
     */
    void start(ForwardedCall call);

    /** {@code call} has been given up before its backend has answered, which has been told so. */
    void abandoned(ForwardedCall call);

    /** A notification came on the answer of a call but does not belong to it. */
    void stray(Conversation conversation, Envelope message);

    /** A call that its backend knows as {@code id} has become a task that may tell of progress. */
    void becameTask(long id, Json progressToken);

    /** The client's progress token of a call that has become a task, by the backend's own. */
    Optional<Json> progressToken(Json token);

    /** Whether the client wants a log message. */
    boolean wantsLog(Envelope message);

    /** From which level on the client wants log messages, if it has said so. */
    Optional<LogLevel> logLevel();

    /** Sees to it that a backend sends log messages from {@code level} on, and then goes on. */
    void raise(Conversation conversation, LogLevel level, Runnable then);

    /** What is known of a tool of the backend, as that lists it under its own name. */
    Optional<Json> tool(Conversation conversation, String name);

    /** Puts a question of the backend to the client, on the way of {@code call}. */
    void ask(ForwardedCall call, Question question);

    /** Checks the silence of all calls {@code nanos} after {@code time}, or sooner. */
    void look(long time, long nanos);

    /** Whether somebody is thinking about a question of this backend. */
    boolean isAsked(Conversation conversation);

    /** The call has ended: with {@code reply}, after which nothing more is sent for it. */
    void ended(ForwardedCall call, Reply reply);
}
