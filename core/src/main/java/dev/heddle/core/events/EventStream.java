package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One stream of events to a client, on whatever connection it goes on. Never blocks; thread-safe:
 * what it holds is guarded by the monitor of its log.
 */
public final class EventStream implements Resumable {
    private final EventLog log;
    private final String name;
    private final long token; // with which it is written
    private final @Nullable Journal journal; // where other processes can read it
    private final Past past; // guarded by log, like the rest
    private final OpenQuestions asked;
    private Optional<EventStream> former = Optional.empty(); // of this name, which may hand on
    private Alarm keeping = () -> {};
    private @Nullable Taker taker;
    private long seen; // the last event that the taker's client knows from elsewhere
    private long leftAt; // when no connection has carried it any more
    private boolean told; // whether a connection has carried the last event
    private boolean over;
    private boolean taken; // somebody else goes on, and has what was not written here
    private boolean followed; // another stream of the same name goes on here
    private boolean left; // another process may go on
    private boolean answered; // the last event is the last message

    /**
     * A new stream.
     *
     * @param requests the ids of those requests that it answers, as a JSON array
     * @param token with which it is written
     * @param sharing with other processes, if they can go on with it
     */
    EventStream(EventLog log, String name, String requests, long token, Optional<Sharing> sharing) {
        this.log = log;
        this.name = name;
        this.token = token;
        this.past = new Past(log, 0);
        this.asked = new OpenQuestions(log, this);
        this.leftAt = log.alarms().now();
        this.journal =
                sharing.map(others -> new Journal(log, others, this, requests, 0)).orElse(null);
    }

    /** A stream that another process has written, from behind the event {@code place}. */
    EventStream(EventLog log, String name, long place, Kept before, long token, Sharing sharing) {
        this.log = log;
        this.name = name;
        this.token = token;
        this.past = new Past(log, place);
        this.asked = new OpenQuestions(log, this);
        this.leftAt = log.alarms().now();
        before.entries().stream().filter(Entry::isMessage).forEach(past::add);
        this.answered = before.entries().stream().anyMatch(one -> one.kind() == Kind.LAST);
        this.over = before.ended();
        this.journal = new Journal(log, sharing, this, before.requests(), past.last());
    }

    String name() {
        return name;
    }

    /** The id of the place before the first event. */
    public String beginning() {
        return id(0);
    }

    private String id(long event) {
        return id(name, event);
    }

    /** What the event {@code number} of the stream {@code name} is called. */
    static String id(String name, long number) {
        return name + "-" + number;
    }

    Past past() {
        return past;
    }

    /** With which it is written. */
    long token() {
        return token;
    }

    /** Whether it was this one that has written the stream last. */
    boolean isWritten(Kept kept) {
        return journal != null && journal.isWritten(kept);
    }

    /** Whether the store has all that it should, as far as is known. */
    boolean isStored() {
        return journal == null || journal.isStored();
    }

    /** Whether nothing more goes out. */
    boolean isEnded() {
        return over && (journal == null || journal.isEmpty());
    }

    /** All that is known of it. */
    List<Entry> all() {
        var all = new ArrayList<Entry>();
        all.add(new Entry(past.forgotten(), Kind.BEGINNING, ""));
        for (var event : past.all()) {
            all.add(event.entry(isLast(event) ? Kind.LAST : Kind.EVENT));
        }
        if (over && !left && (!answered || past.isEmpty())) {
            all.add(new Entry(past.last(), Kind.END, ""));
        }
        return all;
    }

    private boolean isLast(Past.Event event) {
        return answered && event.number() == past.last();
    }

    /** Whether nobody can want anything of it any more. */
    boolean isOfNoUse() {
        boolean left =
                taker == null
                        && EventLog.isStanding(name)
                        && log.alarms().now() - leftAt >= EventLog.RETURN.toNanos();
        return (isEnded() || left) && past.isEmpty();
    }

    /** A connection of another process has carried what there is up to the event {@code place}. */
    void told(long place) {
        told |= isEnded() && place >= past.last();
    }

    /** Whether a connection has carried all of it, as far as can be told. */
    boolean isTold() {
        return told;
    }

    /** Whether it is on its way to its client. */
    boolean isCarried() {
        return taker != null;
    }

    /** Whether it is on its way to its client, and nothing of it is kept. */
    boolean isJustCarried() {
        return isCarried() && past.isEmpty();
    }

    /** Sends an event, now or when the client comes back. */
    public void send(Spliced message) {
        synchronized (log) {
            former = former.filter(EventStream::isHandingOn);
            if (taken) {
                log.strayed(this, message);
            } else if (former.isPresent()) {
                former.get().put(message); // behind what is handed on
            } else if (!over && (taker != null || followed || log.knows(this))) {
                put(message);
            }
        }
    }

    private long put(Spliced message) {
        past.add(message);
        send(new Out.Event(past.last(), message));
        return past.last();
    }

    /** Everything goes out here, in its order. */
    private void send(Out out) {
        if (journal == null || taken) {
            goOut(out);
        } else {
            journal.put(out);
        }
    }

    /** To be called by the journal only. */
    void goOut(Out out) {
        var to = taker;
        switch (out) {
            case Out.Then(var task) -> task.run();
            case Out.Beginning() when to != null -> to.beginning(beginning());
            case Out.Event(var number, var message) when to != null -> {
                if (number > seen) {
                    to.event(id(number), message);
                }
            }
            case Out.Last(var number, var message, _) when to != null -> {
                taker = null;
                told = !(to instanceof RemoteTaker); // which says by itself when it has
                if (number > seen) {
                    to.last(id(number), message);
                } else {
                    to.end();
                }
            }
            case Out.End() when to != null -> {
                taker = null;
                to.end();
            }
            case Out.Beginning _, Out.Event _, Out.Last _, Out.End _ -> {}
        }
    }

    /**
     * Asks the client, now or when it comes back soon. If it does not, the question has lost its
     * way, and is not asked here any more.
     *
     * @return whether the question was taken
     */
    public boolean ask(Question question) {
        synchronized (log) {
            if (over || followed) {
                return log.next(this).filter(next -> next.ask(question)).isPresent();
            }
            asked.add(put(question.message()), question);
            return true;
        }
    }

    /**
     * Sends the last event, now or when the client comes back.
     *
     * @param kept what is said instead to a client that is not there
     */
    public void last(Spliced message, Spliced kept) {
        synchronized (log) {
            if (!over) {
                past.add(kept);
                answered = true;
                over();
                send(new Out.Last(past.last(), message, kept));
            }
        }
    }

    /** Ends the stream: there is nothing more to come for. */
    public void end() {
        synchronized (log) {
            if (!over) {
                log.tidyLater();
                over();
                send(new Out.End());
            }
        }
    }

    private void over() {
        over = true;
        asked.clear();
        stopKeeping();
    }

    /** Has the store keep it by {@code alarm} while nothing comes. */
    void keepBy(Alarm alarm) {
        keeping = alarm;
    }

    void stopKeeping() {
        keeping.cancel();
    }

    /** Lets other processes know that it begins. */
    void begin() {
        if (journal != null) {
            journal.put(new Out.Beginning());
        }
    }

    /** Goes from its beginning on {@code connection}. */
    public void begin(Taker connection) {
        synchronized (log) {
            if (journal == null || journal.hasBegun()) {
                connection.beginning(beginning());
            }
            goOn(0, connection);
        }
    }

    /** Runs {@code task} when all that has been sent has gone out. It must not block. */
    public void whenSent(Runnable task) {
        synchronized (log) {
            send(new Out.Then(task));
        }
    }

    /** Whether so much waits to go out that no more should come. */
    public boolean isBehind() {
        return waiting() > Journal.MOST;
    }

    /** Whether so much waits that what can be spared is better dropped. */
    public boolean isCrowded() {
        return waiting() > EventLog.MOST_EVENTS / 2;
    }

    private int waiting() {
        synchronized (log) {
            return journal == null ? 0 : journal.waiting();
        }
    }

    /** Whether all that has been sent has gone out. */
    public boolean isSent() {
        synchronized (log) {
            return journal == null || journal.isEmpty();
        }
    }

    /** Leaves it to other processes. */
    void leave() {
        synchronized (log) {
            if (!over) {
                left = true;
                over();
                send(new Out.Then(this::leaveTaker));
            }
        }
    }

    private void leaveTaker() {
        if (taker != null) {
            taker.leave();
            taker = null;
        }
    }

    /**
     * Somebody else writes it now.
     *
     * @param stored the number of the last event that the store has taken from here
     */
    void taken(long stored) {
        var tasks = new ArrayList<Runnable>();
        var left = new TreeMap<Long, Spliced>();
        past.all().stream()
                .filter(event -> event.number() > stored)
                .forEach(event -> left.put(event.number(), event.message()));
        for (var out : journal == null ? List.<Out>of() : journal.stop()) {
            switch (out) {
                case Out.Event(var number, var message) when number > stored ->
                        left.put(number, message);
                case Out.Then(var task) -> tasks.add(task);
                case Out.Event _, Out.Beginning _, Out.Last _, Out.End _ -> {}
            }
        }
        taken = true;
        former = Optional.empty();
        over();
        past.forgetAll();
        log.taken(this, left.values());
        tasks.forEach(Runnable::run);
        replaced();
    }

    /**
     * {@code next} goes on here with the same name: what the store turns out not to have taken is
     * for that.
     */
    void follow(EventStream next) {
        asked.clear();
        replaced();
        if (journal == null || journal.isStored()) {
            taken(past.last());
        } else {
            followed = true;
            next.former = Optional.of(this);
            journal.repair();
        }
    }

    private boolean isHandingOn() {
        return followed && !taken && journal != null && journal.isWriting();
    }

    /** What was kept of it has been forgotten, by others too then. */
    void emptied() {
        if (journal != null) {
            journal.emptied();
        }
    }

    /** Whether another stream of the same name goes on here. */
    boolean isFollowed() {
        return followed;
    }

    private void replaced() {
        if (taker != null) {
            taker.replaced();
            taker = null;
        }
    }

    /** Hears what another process tells of it. */
    void hear(StreamNews news) {
        if (journal != null) {
            journal.hear(news);
        }
    }

    /** Goes on with {@code next}. Returns what has carried it. */
    Optional<Taker> changeTaker(Taker next) {
        var before = Optional.ofNullable(taker);
        taker = next;
        seen = 0;
        return before;
    }

    /** Whether other processes can read it, and more is to come, so that it is to be kept. */
    boolean isAwaited() {
        return journal != null && !isEnded();
    }

    /** Has the store keep it while nothing comes. */
    void keep() {
        if (journal != null) {
            journal.keep();
        }
    }

    @Override
    public void lost(Taker connection) {
        synchronized (log) {
            if (connection.equals(taker)) {
                taker = null;
                leftAt = log.alarms().now();
                log.tidyLater();
                asked.lost();
            }
        }
    }

    /** The connection that carries the stream now, if any does. */
    public Optional<Taker> taker() {
        synchronized (log) {
            return Optional.ofNullable(taker);
        }
    }

    @Override
    public boolean isOverAt(String lastEventId) {
        synchronized (log) {
            return !left && !taken && isEnded() && position(lastEventId) >= past.last();
        }
    }

    @Override
    public boolean canResume(String lastEventId) {
        return canResume(position(lastEventId));
    }

    /** Whether it can go on behind the event {@code place}. */
    boolean canResume(long place) {
        synchronized (log) {
            return place >= past.forgotten() && place <= past.last();
        }
    }

    @Override
    public void resume(String lastEventId, Taker connection) {
        synchronized (log) {
            if (canResume(lastEventId)) {
                goOn(position(lastEventId), connection);
            } else {
                connection.end(); // what it has missed has been forgotten this moment
            }
        }
    }

    private void goOn(long place, Taker connection) {
        Optional<Taker> before;
        synchronized (log) {
            before = Optional.ofNullable(taker);
            if (journal != null) {
                journal.carriedHere();
            }
            seen = place; // others may have told of what has not gone out here
            replay(seen, connection);
            taker = isEnded() ? null : connection;
            told = isEnded();
        }
        before.filter(old -> !old.equals(connection)).ifPresent(Taker::replaced);
    }

    private void replay(long from, Taker connection) {
        long gone = journal == null ? past.last() : journal.gone();
        boolean ended = isEnded();
        boolean last = false;
        for (var event : past.all()) {
            if (event.number() > from && event.number() <= gone) {
                last = ended && isLast(event);
                if (last) {
                    connection.last(id(event.number()), event.message());
                } else {
                    connection.event(id(event.number()), event.message());
                }
            }
        }
        if (ended && left) {
            connection.leave();
        } else if (ended && !last) {
            connection.end();
        }
    }

    /** The number of the event; -1 if it is none. */
    static long position(String eventId) {
        try {
            return Math.max(-1, Long.parseLong(eventId.substring(eventId.indexOf('-') + 1)));
        } catch (NumberFormatException foreign) {
            return -1;
        }
    }
}
