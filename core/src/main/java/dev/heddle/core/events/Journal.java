package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.events.StreamNews.What;
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
    private final ArrayDeque<Out> waiting = new ArrayDeque<>(2);
    private int writing; // how many of those that wait the store is being asked to take
    private boolean begun;
    private boolean stopped;
    private boolean anew; // the store may lack some of what has gone out
    private boolean onceMore; // all that is known is to be written after what is being written
    private boolean repairing; // in a moment
    private Duration pause = AGAIN; // until it is repaired
    private long gone; // the number of the last event that has gone out
    private long sent; // the number of the last event that is being written
    private long stored; // the number of the last event that the store has taken
    private String doubted = ""; // the carrier that is asked whether it still carries the stream

    /**
     * @param requests as of {@link Batch}
     * @param gone the number of the last event that is in the store
     */
    Journal(EventLog log, Sharing sharing, EventStream stream, String requests, long gone) {
        this.log = log;
        this.sharing = sharing;
        this.stream = stream;
        this.requests = requests;
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

    /** Whether the store has all that it should, as far as is known. */
    boolean isStored() {
        return waiting.isEmpty() && !anew;
    }

    /** Whether the store is being asked to take something. */
    boolean isWriting() {
        return writing > 0;
    }

    /** Has the store forget in a moment what is known no more, unless more comes. */
    void emptied() {
        log.alarms().after(EventLog.TICK, () -> sharing.virtual().execute(this::forgetAll));
    }

    private void forgetAll() {
        synchronized (log) {
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
    private void writeAll(Runnable then) {
        onceMore = writing > 0;
        anew = true;
        put(new Out.Then(then));
    }

    private void tellWritten(String carrier) {
        if (!stopped) {
            sharing.tell(anew ? What.UNWRITTEN : What.GROWN, stream.name(), carrier);
        }
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

    private void written(@Nullable Appended done, @Nullable Throwable failed) {
        synchronized (log) {
            if (done instanceof Appended.Taken(var last)) {
                stream.taken(last == Appended.Taken.UNKNOWN ? stored : last);
            }
            if (stopped) {
                return;
            }
            stored = failed == null ? Math.max(stored, sent) : stored;
            anew = failed != null || onceMore;
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

    /** What others have told of their carrying it was before. */
    void carriedHere() {
        doubted = "";
    }

    /** Hears what another process tells that carries the stream to its client. Not guarded. */
    void hear(StreamNews news) {
        switch (news.what()) {
            case CARRIED, STILL_CARRIED -> carried(news, news.what() == What.CARRIED);
            case LEFT -> {
                synchronized (log) {
                    remote(news.carrier()).ifPresent(stream::lost);
                    stream.told(news.place());
                }
            }
            case WANTED -> wanted(news);
            case DOUBTED, GROWN, REPLACED, UNWRITTEN -> {}
        }
    }

    /** Writes all that is known for somebody who knows as much as stands before the place. */
    private void wanted(StreamNews news) {
        synchronized (log) {
            if (stream.canResume(news.place())) {
                writeAll(() -> tellWritten(news.carrier()));
            } else if (log.isOwn(stream.name())) {
                sharing.tell(What.REPLACED, stream.name(), news.carrier());
            }
        }
    }

    /**
     * What is told is on its way for a while, in which the client may have come back here: before a
     * connection is given up for another, that is asked whether it is still there.
     *
     * @param begins whether the other process has not said so before
     */
    private void carried(StreamNews news, boolean begins) {
        var carrier = news.carrier();
        Optional<Taker> before = Optional.empty();
        synchronized (log) {
            var known = remote(carrier);
            boolean unknown = begins || known.isEmpty();
            boolean expected = begins ? !stream.isCarried() : carrier.equals(doubted);
            if (known.isEmpty() && expected && !stream.isEnded()) {
                var remote = new RemoteTaker(sharing, stream.name(), carrier);
                before = stream.changeTaker(remote);
                known = Optional.of(remote);
                doubted = "";
            }
            known.ifPresent(remote -> remote.renew(log.alarms(), () -> stream.lost(remote)));
            if (stream.isEnded() && news.waits(stream.past().last())) {
                writeAll(() -> {}); // the store has lost the end
            } else {
                repair();
            }
            if (unknown) {
                answer(carrier, begins, known.isPresent() || stream.isEnded());
            }
        }
        before.ifPresent(Taker::replaced);
    }

    private void answer(String carrier, boolean begins, boolean carries) {
        if (carries) {
            sharing.tell(What.GROWN, stream.name(), carrier);
        } else if (begins) {
            doubted = carrier;
            sharing.tell(What.DOUBTED, stream.name(), carrier);
        } else {
            sharing.tell(What.REPLACED, stream.name(), carrier);
        }
    }

    private Optional<RemoteTaker> remote(String carrier) {
        return stream.taker()
                .filter(taker -> taker instanceof RemoteTaker)
                .map(RemoteTaker.class::cast)
                .filter(remote -> remote.carrier().equals(carrier));
    }
}
