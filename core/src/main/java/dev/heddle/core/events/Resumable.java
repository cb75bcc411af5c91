package dev.heddle.core.events;

/** A stream to which a client may come back. Thread-safe; never blocks. */
public sealed interface Resumable permits EventStream, Mirror {
    /** Whether what comes behind the event {@code lastEventId} is known still. */
    boolean canResume(String lastEventId);

    /** Whether nothing has come and nothing will come behind the event {@code lastEventId}. */
    boolean isOverAt(String lastEventId);

    /**
     * Goes on behind the event {@code lastEventId}, on {@code connection} and on no other any more;
     * ends {@code connection} if what comes behind it is not known any more.
     */
    void resume(String lastEventId, Taker connection);

    /** {@code connection} carries nothing any more. */
    void lost(Taker connection);
}
