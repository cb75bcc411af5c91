package dev.heddle.core.events;

import dev.heddle.protocol.Spliced;

/** What goes out on a stream, in its order. */
sealed interface Out {
    /** The beginning of the stream. */
    record Beginning() implements Out {}

    record Event(long number, Spliced message) implements Out {}

    /**
     * The last message.
     *
     * @param kept what is said instead to a client that is not there
     */
    record Last(long number, Spliced message, Spliced kept) implements Out {}

    record End() implements Out {}

    /** Something to be done when all before has gone out. */
    record Then(Runnable task) implements Out {}
}
