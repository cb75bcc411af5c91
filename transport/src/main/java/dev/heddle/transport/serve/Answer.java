package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Spliced;

/**
 * Where what comes back for one message of a client goes. Never blocks; thread-safe. What comes
 * after the end is dropped.
 */
interface Answer {
    /** Where the client is, as far as that is known. */
    String remote();

    /** There is nothing to say but that the message has come. */
    void empty(int status);

    /** Sends the last message. */
    void last(int status, Spliced message);

    /** Sends a message that is not the last one. */
    void event(Spliced message);

    /** Ends without a last message. */
    void end();

    /** Refuses the message. */
    void error(int status, Envelope error);

    /** Answers with a fault in the form of {@code error}. */
    void refuse(int status, Envelope error, Fault fault);

    /** Whether the client takes what is sent as fast as it comes, or nothing can be sent. */
    boolean isWritable();

    /** Whether so much waits for the client that what can be spared is better dropped. */
    boolean isCrowded();

    /** Runs {@code task} once {@link #isWritable}. */
    void whenWritable(Runnable task);

    /** Runs {@code task} when nothing more can be sent: all has been, or the client has left. */
    void whenOver(Runnable task);
}
