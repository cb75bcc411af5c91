package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Writes what goes out on a stream into the store before it goes out: what comes while the store is
 * being asked is written together. While it is away, things go out all the same, and all that is
 * known still is written when it is back. Guarded by the log of the stream.
 */
final class Journal {
    /** How much is written together. */
    static final int MOST = 100;

    /** How soon the store is given again what it may lack. */
    static final Duration AGAIN = Duration.ofSeconds(3);

    private static final Duration MOST_PAUSE = Duration.ofSeconds(20);

    private final EventLog log;
    private final Sharing sharing;
    private final EventStream stream;
    private final String requests;
    private final CarriedElsewhere elsewhere;
    private final ArrayDeque<Out> waiting = new ArrayDeque<>(2);
    private int writing; // how many of those that wait the store is being asked to take
    private boolean begun;
    private boolean stopped;
    private boolean anew; // the store may lack some of what has gone out
    private boolean failed; // what was written last
    private boolean emptying; // in a moment
    private boolean onceMore; // all that is known is to be written after what is being written
    private boolean repairing; // in a moment
    private Duration pause = AGAIN; // until it is repaired
    private long gone; // the number of the last event that has gone out
    private long sent; // the number of the last event that is being written
    private long stored; // the number of the last event that the store has taken

    /**
     * @param requests as of {@link Batch}
     * @param gone the number of the last event that is in the store
     */
    Journal(EventLog log, Sharing sharing, EventStream stream, String requests, long gone) {
        this.log = log;
        this.sharing = sharing;
        this.stream = stream;
        this.requests = requests;
        this.elsewhere = new CarriedElsewhere(log, sharing, stream, this);
        this.gone = gone;
        this.sent = gone;
        this.stored = gone;
    }

    /** How long the store may hear nothing of an answer that is to come. */
    static Duration silence() {
        return EventStorage.KEPT.dividedBy(3);
    }

    /** The number of the last event that has gone out. */
    long gone() {
        return gone;
    }

    /** Whether it has gone out that the stream begins. */
    boolean hasBegun() {
        return begun;
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    void put(Out out) {
        waiting.add(out);
        write();
    }

    /** Whether the store has not taken what was written last, as far as is known. */
    boolean hasFailed() {
        return failed;
    }

    /** Whether the store has all that it should, as far as is known. */
    boolean isStored() {
        return waiting.isEmpty() && !anew;
    }

    /** Whether nothing is written any more. */
    boolean isStopped() {
        return stopped;
    }

    /** Whether the store is being asked to take something. */
    boolean isWriting() {
        return writing > 0;
    }

    /** Has the store forget in a moment what is known no more, unless more comes. */
    void emptied() {
        if (!emptying) {
            emptying = true;
            log.alarms().after(EventLog.TICK, () -> sharing.virtual().execute(this::forgetAll));
        }
    }

    private void forgetAll() {
        synchronized (log) {
            emptying = false;
            if (stream.past().isEmpty() && waiting.isEmpty() && !stopped && !log.isClosed()) {
                writeAll(() -> {});
            }
        }
    }

    /** Whether it was from here that the stream was written last. */
    boolean isWritten(Kept kept) {
        return kept.writer().equals(sharing.node()) && kept.token() == stream.token();
    }

    /** How much waits for the store. */
    int waiting() {
        return waiting.size();
    }

    private void repairLater() {
        if (!repairing) {
            repairing = true;
            log.alarms().after(pause, () -> sharing.virtual().execute(this::repairKnown));
            pause = pause.compareTo(MOST_PAUSE) < 0 ? pause.multipliedBy(2) : pause;
        }
    }

    private void repairKnown() {
        synchronized (log) {
            repairing = false;
            if (log.knows(stream) || (stream.isFollowed() && !log.isClosed())) {
                repair();
            }
        }
    }

    /** Writes all that is known, and runs {@code then}. */
    void writeAll(Runnable then) {
        onceMore = writing > 0;
        anew = true;
        put(new Out.Then(then));
    }

    /** Writes now what the store may lack. */
    void repair() {
        if (anew && waiting.isEmpty()) {
            put(new Out.Then(() -> {}));
        }
    }

    /** Has the store keep for longer what it has. */
    void keep() {
        if (waiting.isEmpty() && !anew) {
            sharing.storage().append(batch(List.of(), false));
        }
    }

    /** Writes nothing more. Returns what has not gone out. */
    List<Out> stop() {
        var left = List.copyOf(waiting);
        waiting.clear();
        writing = 0;
        anew = false;
        stopped = true;
        return left;
    }

    private void write() {
        if (stopped || writing > 0 || waiting.isEmpty()) {
            return;
        }
        var some = waiting.stream().limit(anew ? waiting.size() : MOST).toList();
        writing = some.size();
        var entries = anew ? stream.all() : entries(some);
        if (entries.isEmpty()) {
            written(new Appended.Written(), null);
        } else {
            sent = entries.getLast().number();
            sharing.storage().append(batch(entries, anew)).whenComplete(this::written);
        }
    }

    private Batch batch(List<Entry> entries, boolean whole) {
        return new Batch(
                sharing.session(),
                stream.name(),
                stream.token(),
                requests,
                stream.past().forgotten(),
                whole,
                entries);
    }

    private List<Entry> entries(List<Out> some) {
        var entries = new ArrayList<Entry>();
        some.forEach(out -> entry(out).ifPresent(entries::add));
        return entries;
    }

    private Optional<Entry> entry(Out out) {
        return switch (out) {
            case Out.Beginning() -> Optional.of(new Entry(0, Kind.BEGINNING, ""));
            case Out.Event(var number, var message) ->
                    Optional.of(entry(number, Kind.EVENT, message));
            case Out.Last(var number, _, var kept) -> Optional.of(entry(number, Kind.LAST, kept));
            case Out.End() -> Optional.of(new Entry(stream.past().last(), Kind.END, ""));
            case Out.Then _ -> Optional.empty();
        };
    }

    /** In the place of what is too large stands that nothing before it is known. */
    private static Entry entry(long number, Kind kind, Spliced message) {
        return message.length() > EventLog.LARGEST
                ? new Entry(number, kind == Kind.LAST ? Kind.END : Kind.BEGINNING, "")
                : new Entry(number, kind, new String(message.bytes(), StandardCharsets.UTF_8));
    }

    private void written(@Nullable Appended done, @Nullable Throwable why) {
        synchronized (log) {
            if (done instanceof Appended.Taken(var last)) {
                stream.taken(last == Appended.Taken.UNKNOWN ? stored : last);
            }
            if (stopped) {
                return;
            }
            failed = why != null;
            stored = failed ? stored : Math.max(stored, sent);
            anew = failed || onceMore;
            onceMore = false;
            pause = anew ? pause : AGAIN;
            for (; writing > 0; writing--) {
                goOut(waiting.removeFirst());
            }
            write();
            settled();
        }
    }

    private void settled() {
        if (waiting.isEmpty() && !stopped) {
            if (anew) {
                repairLater();
            } else if (stream.isFollowed()) {
                stream.taken(stored);
            }
        }
    }

    private void goOut(Out out) {
        switch (out) {
            case Out.Event(var number, _) -> gone = number;
            case Out.Last(var number, _, _) -> gone = number;
            case Out.Beginning _ -> begun = true;
            case Out.End _, Out.Then _ -> {}
        }
        stream.goOut(out);
    }

    /** A connection of this process carries it now. */
    void carriedHere() {
        elsewhere.carriedHere();
    }

    /** Hears what another process tells of it. Not guarded. */
    void hear(StreamNews news) {
        elsewhere.hear(news);
    }
}
