package dev.heddle.core.events;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Keeps what goes out on the streams of sessions where other processes can read it. Only one of
 * them writes a stream at a time. Thread-safe.
 */
public interface EventStorage {
    /** How long a stream is kept of which nothing is heard. */
    Duration KEPT = Duration.ofMinutes(10);

    /** What an entry of a stream says. */
    enum Kind {
        /** The stream begins here. */
        BEGINNING,
        /** A message. */
        EVENT,
        /** The last message. */
        LAST,
        /** Nothing more comes. */
        END,
        /** Another process writes the stream from here on. */
        TAKEN
    }

    /**
     * One entry of a stream.
     *
     * @param number of the event, or of the one behind which the entry stands
     * @param text of a message; else empty
     */
    record Entry(long number, Kind kind, String text) {
        /** Whether a client is told of it. */
        boolean isMessage() {
            return kind == Kind.EVENT || kind == Kind.LAST;
        }
    }

    /**
     * What is to be written.
     *
     * @param token with which this process writes the stream
     * @param requests the ids of those requests that the stream answers, as a JSON array
     * @param forgotten the number of the last event that is not to be kept any more
     * @param anew whether nothing of what was written before counts
     * @param entries in their order; if there are none, what is kept is kept for longer
     */
    record Batch(
            String session,
            String stream,
            long token,
            String requests,
            long forgotten,
            boolean anew,
            List<Entry> entries) {}

    /** What has become of a {@link Batch}. */
    sealed interface Appended {
        /** It is written. */
        record Written() implements Appended {}

        /**
         * It is not, since somebody else writes the stream.
         *
         * @param last the number of the last event that this one has written, or {@link #UNKNOWN}
         */
        record Taken(long last) implements Appended {
            /** Nothing of it is kept any more. */
            static final long UNKNOWN = -1;
        }
    }

    /**
     * What is kept of a stream behind a place.
     *
     * @param entries the first of them, in their order
     * @param place where the last entry of all stands
     * @param writer the process that writes the stream
     * @param token with which it does
     * @param ended whether nothing more will come
     * @param requests as of {@link Batch}
     */
    record Kept(
            List<Entry> entries,
            String place,
            String writer,
            long token,
            boolean ended,
            String requests) {}

    /**
     * Writes to a stream, unless another process does, or this one with another token. Never
     * blocks, and never throws.
     *
     * @return fails if the store could not be asked
     */
    CompletionStage<Appended> append(Batch batch);

    /**
     * Reads what stands behind the event {@code after}, unless that is not known any more; blocks.
     *
     * @param most how many entries at most
     * @throws dev.heddle.core.fault.Fault.StorageUnavailable if the store cannot be asked
     */
    Optional<Kept> read(String session, String stream, long after, int most);

    /**
     * Writes the stream from now on, instead of whoever did, if its last entry stands at {@code
     * place} still, or wherever it stands if that is empty and the stream has not ended; blocks.
     * Returns whether it did.
     *
     * @param token with which it is written, like no other one of this process
     * @throws dev.heddle.core.fault.Fault.StorageUnavailable if the store cannot be asked
     */
    boolean take(String session, String stream, String place, long token);
}
