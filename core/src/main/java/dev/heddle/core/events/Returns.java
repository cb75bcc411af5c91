package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.StreamNews.What;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Finds the streams of clients that come back, with which other processes may have gone on. No lock
 * is held while it asks them or the store; what it holds is guarded by the log.
 */
final class Returns {
    /** How long those are waited for who may have what the store lacks. */
    static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final int TIMES = 10;

    /** After so many a stream is taken wherever its writer has got to. */
    private static final int POLITE = 2;

    private final EventLog log;
    private final Sharing others;
    private final Map<String, CountDownLatch> asked = new HashMap<>(0); // guarded by log
    private int fetching; // streams for what belongs to no call, guarded by log like the rest
    private List<Spliced> meanwhile = new ArrayList<>(0); // what is for them
    private Optional<EventStream> coming = Optional.empty(); // and not carried yet

    Returns(EventLog log, Sharing others) {
        this.log = log;
        this.others = others;
    }

    /** As {@link EventLog#fetch}. */
    Optional<Resumable> fetch(String name, long place) {
        if (EventLog.isStanding(name)) {
            return fetchStanding(name, place).map(stream -> stream);
        }
        var kept = look(name, place);
        if (kept.isEmpty() && wanted(name, place)) {
            kept = look(name, place);
        }
        return kept.filter(one -> one.ended() || !log.isOwn(name))
                .map(one -> new Mirror(log, others, name, place, one));
    }

    private Optional<Kept> look(String name, long place) {
        return others.storage().read(others.session(), name, place, Mirror.SOME);
    }

    /** Whoever has written it may hand on what it was about to say before this one is carried. */
    private Optional<EventStream> fetchStanding(String name, long place) {
        synchronized (log) {
            fetching++;
        }
        var stream = Optional.<EventStream>empty();
        try {
            stream = takeOrKnown(name, place);
            return stream;
        } finally {
            fetched(stream);
        }
    }

    private void fetched(Optional<EventStream> stream) {
        synchronized (log) {
            fetching--;
            stream.ifPresent(known -> meanwhile.forEach(known::send));
            if (fetching == 0 || stream.isPresent()) {
                meanwhile = new ArrayList<>(0);
            }
            coming = stream;
        }
    }

    /** As {@link EventLog#takes}. Guarded by the log. */
    boolean takes(Spliced message) {
        if (fetching > 0) {
            if (meanwhile.size() < EventLog.MOST_EVENTS) {
                meanwhile.add(message);
            }
            return true;
        }
        var next = coming.filter(stream -> !stream.isCarried());
        coming = next;
        next.ifPresent(stream -> stream.send(message));
        return next.isPresent();
    }

    /** While the store is away, what is known here is believed. */
    private Optional<EventStream> takeOrKnown(String name, long place) {
        try {
            return take(name, place);
        } catch (Fault.StorageUnavailable away) {
            return Optional.of(log.find(EventStream.id(name, place)).orElseThrow(() -> away));
        }
    }

    private Optional<EventStream> take(String name, long place) {
        long token = EventLog.nextNumber();
        boolean asked = false;
        for (int i = 0; i < TIMES; i++) {
            var kept = read(name, place);
            var known = log.find(EventStream.id(name, place));
            if (kept.isEmpty()) {
                boolean has = known.filter(one -> one.canResume(place)).isPresent();
                if (has || asked || !wanted(name, place)) {
                    return known; // the store has lost what it had
                }
                asked = true;
            } else if (known.filter(stream -> stream.isWritten(kept.get())).isPresent()) {
                return known;
            } else if (kept.get().ended()) {
                return Optional.of(log.takeOver(name, place, kept.get(), token));
            } else if (i >= POLITE && take(name, "", token)) {
                return read(name, place).map(all -> log.takeOver(name, place, all, token));
            } else if (take(name, kept.get().place(), token)) {
                return Optional.of(log.takeOver(name, place, kept.get(), token));
            }
        }
        return Optional.empty();
    }

    private Optional<Kept> read(String name, long place) {
        return others.storage().read(others.session(), name, place, Integer.MAX_VALUE);
    }

    private boolean take(String name, String place, long token) {
        return others.storage().take(others.session(), name, place, token);
    }

    /** Hears that what {@code carrier} has wanted is in the store, or will not be. */
    void answered(String carrier) {
        synchronized (log) {
            Optional.ofNullable(asked.get(carrier)).ifPresent(CountDownLatch::countDown);
        }
    }

    /**
     * Asks who has it to write into the store what that lacks behind {@code place}. Returns whether
     * it may have been done.
     */
    private boolean wanted(String name, long place) {
        var home = Sharing.home(name);
        boolean mine = home.equals(others.node());
        if (mine ? !EventLog.isStanding(name) : !others.alive().test(home)) {
            return false; // nobody has it
        }
        var me = others.mark() + EventLog.nextNumber();
        var answered = new CountDownLatch(1);
        synchronized (log) {
            asked.put(me, answered);
        }
        try {
            others.news().accept(new StreamNews(What.WANTED, name, me, place));
            return answered.await(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            synchronized (log) {
                asked.remove(me);
            }
        }
    }
}
