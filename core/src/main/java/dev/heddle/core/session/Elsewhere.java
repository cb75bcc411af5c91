package dev.heddle.core.session;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Spliced;

/**
 * The other processes that hold a session too, above all the one where its client listens.
 * Thread-safe; never blocks.
 */
final class Elsewhere {
    private final SessionRecord record;
    private volatile String listener = ""; // the process that listens; empty if it is this one
    private volatile boolean coming; // this process is about to be the one

    Elsewhere(SessionRecord record) {
        this.record = record;
    }

    /** Whether another process listens to the backends for this session. */
    boolean isListening() {
        return !listener.isEmpty();
    }

    /**
     * Notes which process listens to the backends for this session: the empty one is this. Returns
     * whether another one did.
     */
    boolean listens(String process) {
        boolean before = isListening();
        listener = process;
        coming &= !process.isEmpty();
        return before;
    }

    /** This process is about to be the one that listens. */
    void comes() {
        coming = true;
    }

    /** Whether this process is the one that listens, or is about to be. */
    boolean isHere() {
        return coming || !isListening();
    }

    /** Whether the client listens at another process, as far as is known. */
    boolean hasClient() {
        var there = listener;
        return !coming && !there.isEmpty() && record.isAlive(there);
    }

    /** The process that listens; empty if it is this one. */
    String listener() {
        return listener;
    }

    /** Whether {@code process} is not there any more, as far as is known. */
    boolean isGone(String process) {
        return !record.isAlive(process);
    }

    /** Hands a message to the process where the client listens. */
    void toClient(Spliced message) {
        tell(new Relayed.ToClient(Envelope.parse(message.bytes())));
    }

    /**
     * Tells the others something, in the order of the calls. Returns false if they cannot be told.
     */
    boolean tell(Relayed message) {
        return record.tell(message.text());
    }
}
