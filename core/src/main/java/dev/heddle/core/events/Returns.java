package dev.heddle.core.events;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

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
import java.util.concurrent.CompletableFuture;

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

    /**
     * What was said on a stream that somebody else has taken.
     *
     * @param here whether it was said here, so that nobody else knows of it
     */
    private record Handed(Spliced message, boolean here) {}

    private final EventLog log;
    private final Sharing others;
    private final Map<String, CompletableFuture<What>> asked = new HashMap<>(0); // guarded by log
    private int fetching; // streams for what belongs to no call, guarded by log like the rest
    private List<Handed> meanwhile = new ArrayList<>(0); // what is for them
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
        if (kept.isEmpty() && ask(name, place)) {
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
        Optional<EventStream> stream;
        try {
            stream = takeOrKnown(name, place);
        } catch (RuntimeException failed) {
            log.alarms().after(Journal.AGAIN, () -> fetched(Optional.empty()));
            throw failed; // the stream may have been taken all the same
        }
        fetched(stream);
        return stream;
    }

    private void fetched(Optional<EventStream> stream) {
        synchronized (log) {
            fetching--;
            if (stream.isEmpty() && fetching > 0) {
                return;
            }
            var all = meanwhile;
            meanwhile = new ArrayList<>(0);
            if (stream.isPresent()) {
                coming = stream;
                all.forEach(handed -> stream.get().send(handed.message()));
            } else {
                all.stream()
                        .filter(Handed::here)
                        .forEach(handed -> others.strays().accept(handed.message()));
            }
        }
    }

    /**
     * As {@link EventLog#takes}. Guarded by the log.
     *
     * @param here whether it was said here
     */
    boolean takes(Spliced message, boolean here) {
        var next = coming.filter(stream -> log.knows(stream) && !stream.isCarried());
        coming = next;
        next.ifPresent(stream -> stream.send(message));
        if (next.isEmpty() && fetching > 0 && meanwhile.size() < EventLog.MOST_EVENTS) {
            meanwhile.add(new Handed(message, here));
        }
        return next.isPresent() || fetching > 0;
    }

    /** While the store is away, what is known here is believed. */
    private Optional<EventStream> takeOrKnown(String name, long place) {
        Optional<Kept> kept;
        try {
            kept = read(name, place);
        } catch (Fault.StorageUnavailable away) {
            return Optional.of(log.find(EventStream.id(name, place)).orElseThrow(() -> away));
        }
        return take(name, place, kept);
    }

    private Optional<EventStream> take(String name, long place, Optional<Kept> found) {
        var kept = found;
        boolean asked = false;
        for (int i = 0; i < TIMES; i++) {
            long token = EventLog.nextNumber(); // newer than that of whoever has written it
            var known = log.find(EventStream.id(name, place));
            if (kept.isEmpty()) {
                boolean has = known.filter(one -> one.canResume(place)).isPresent();
                if (has || asked || !ask(name, place)) {
                    return known; // the store has lost what it had
                }
                asked = true;
            } else if (isWritten(known, kept.get())) {
                return known;
            } else if (kept.get().ended() || take(name, kept.get().place(), token)) {
                return Optional.of(log.takeOver(name, place, kept.get(), token));
            } else if (i >= POLITE && take(name, "", token)) {
                return read(name, place).map(all -> log.takeOver(name, place, all, token));
            }
            kept = read(name, place);
        }
        throw new Fault.StorageUnavailable("it has not let a stream go on here");
    }

    private static boolean isWritten(Optional<EventStream> known, Kept kept) {
        return known.filter(stream -> stream.isWritten(kept)).isPresent();
    }

    private Optional<Kept> read(String name, long place) {
        return others.storage().read(others.session(), name, place, Integer.MAX_VALUE);
    }

    private boolean take(String name, String place, long token) {
        return others.storage().take(others.session(), name, place, token);
    }

    /** Hears what has become of what was wanted. */
    void answered(StreamNews news) {
        synchronized (log) {
            Optional.ofNullable(asked.get(news.carrier()))
                    .ifPresent(waiting -> waiting.complete(news.what()));
        }
    }

    /**
     * Asks whoever has it to write into the store what that lacks behind {@code place}. Returns
     * whether it may have been done.
     *
     * @throws Fault.StorageUnavailable if somebody has it and cannot write it now
     */
    private boolean ask(String name, long place) {
        var home = Sharing.home(name);
        boolean mine = home.equals(others.node());
        if (!EventLog.isStanding(name) && (mine || !others.alive().test(home))) {
            return false; // an answer is nobody else's
        }
        var me = others.mark() + EventLog.nextNumber();
        var answer = new CompletableFuture<What>();
        synchronized (log) {
            asked.put(me, answer);
        }
        others.news().accept(new StreamNews(What.WANTED, name, me, place));
        var heard =
                answer.completeOnTimeout(What.REPLACED, PATIENCE.toMillis(), MILLISECONDS).join();
        synchronized (log) {
            asked.remove(me);
        }
        if (heard == What.UNWRITTEN) {
            throw new Fault.StorageUnavailable("it has not taken all that was said on a stream");
        }
        return true;
    }
}
