package dev.heddle.core.session;

import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One stream of events to a client, on whatever connection it goes on. Never blocks; thread-safe:
 * what it holds is guarded by the monitor of its log.
 */
public final class EventStream {
    /** What an event takes beside its text. */
    private static final int OVERHEAD = 100;

    /** So many questions at most are remembered; the oldest of more have been answered. */
    private static final int MOST_ASKED = 100;

    /** A connection that carries a stream to its client. Calls must not block. */
    public interface Taker {
        void event(String id, Spliced message);

        /** The last event of the stream. */
        void last(String id, Spliced message);

        /** Nothing more comes here: the stream has ended, or goes on elsewhere. */
        void end();

        /** Whether the client takes what is sent as fast as it comes. */
        boolean isReady();

        /** Whether so much waits that what can be spared is better dropped. */
        boolean isCrowded();

        /** Runs {@code task} once, when {@link #isReady} or when nothing can be sent any more. */
        void whenReady(Runnable task);
    }

    /** An event as its text, which takes less than the message that has been read. */
    private static final class Event {
        private final long number;
        private final long at;
        private final byte[] text;

        Event(long number, long at, Spliced message) {
            this.number = number;
            this.at = at;
            this.text = message.bytes();
        }

        long size() {
            return OVERHEAD + (long) text.length;
        }

        Spliced message() {
            return Spliced.of(Envelope.parse(text));
        }
    }

    /** A question that went out as the event {@code number}. */
    private record Asked(long number, Question question) {}

    private final EventLog log;
    private final String name;
    private final ArrayDeque<Event> kept = new ArrayDeque<>(1); // guarded by log, like the rest
    private List<Asked> asked = List.of();
    private @Nullable Taker taker;
    private long lastEvent;
    private long forgotten; // the number of the last event that is kept no more
    private long leftAt; // when no connection has carried it any more
    private int losses;
    private boolean told; // whether a connection has carried the last event
    private boolean over;

    EventStream(EventLog log, String name) {
        this.log = log;
        this.name = name;
        this.leftAt = log.alarms().now();
    }

    String name() {
        return name;
    }

    /** The id of the place before the first event. */
    public String beginning() {
        return id(0);
    }

    private String id(long event) {
        return name + "-" + event;
    }

    /** Whether nobody can want anything of it any more. */
    boolean isOfNoUse() {
        boolean left =
                taker == null
                        && EventLog.isStanding(name)
                        && log.alarms().now() - leftAt >= StandingStream.RETURN.toNanos();
        return (over || left) && kept.isEmpty();
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
        return isCarried() && kept.isEmpty();
    }

    /** When the oldest event came that is kept, or now. */
    long oldest() {
        var event = kept.peekFirst();
        return event == null ? log.alarms().now() : event.at;
    }

    /** Returns whether there was one. */
    boolean forgetOldest() {
        var event = kept.pollFirst();
        if (event == null) {
            return false;
        }
        forgotten = event.number;
        log.forgotten(event.size());
        return true;
    }

    void forgetUntil(long time) {
        var oldest = kept.peekFirst();
        while (oldest != null && oldest.at - time <= 0) {
            forgetOldest();
            oldest = kept.peekFirst();
        }
    }

    /** Sends an event, now or when the client comes back. */
    public void send(Spliced message) {
        synchronized (log) {
            if (!over && (taker != null || log.knows(this))) {
                put(message);
            }
        }
    }

    private long put(Spliced message) {
        long event = keep(message);
        if (taker != null) {
            taker.event(id(event), message);
        }
        return event;
    }

    private long keep(Spliced message) {
        lastEvent++;
        if (log.isClosed() || message.length() > EventLog.LARGEST) {
            forgetAll();
        } else {
            var event = new Event(lastEvent, log.alarms().now(), message);
            kept.addLast(event);
            log.kept(event.size());
        }
        return lastEvent;
    }

    /** Nothing of what has been sent is known any more. */
    void forgetAll() {
        kept.forEach(event -> log.forgotten(event.size()));
        kept.clear();
        forgotten = lastEvent;
    }

    /**
     * Asks the client, now or when it comes back soon. If it does not, the question has lost its
     * way, and is not asked here any more.
     *
     * @return whether the question was taken
     */
    public boolean ask(Question question) {
        synchronized (log) {
            if (over) {
                return false;
            }
            var more = new ArrayList<>(asked);
            if (more.size() >= MOST_ASKED) {
                more.removeFirst();
            }
            more.add(new Asked(put(question.message()), question));
            asked = List.copyOf(more);
            if (taker == null) {
                giveUpLater();
            }
            return true;
        }
    }

    private void giveUpLater() {
        int loss = losses;
        log.alarms().after(StandingStream.RETURN, () -> giveUp(loss));
    }

    /** A client that has come back since and been lost again has its time from then on. */
    private void giveUp(int loss) {
        List<Asked> lost;
        synchronized (log) {
            boolean away = taker == null && losses == loss;
            lost = away ? asked : List.of();
            asked = away ? List.of() : asked;
            lost.forEach(one -> forget(one.number()));
        }
        lost.forEach(one -> one.question().wayLost().run());
    }

    private void forget(long number) {
        var event = kept.stream().filter(one -> one.number == number).findAny();
        if (event.isPresent()) {
            kept.remove(event.get());
            log.forgotten(event.get().size());
        }
    }

    /** Sends the last event, now or when the client comes back. */
    public void last(Spliced message) {
        synchronized (log) {
            if (over) {
                return;
            }
            long event = keep(message);
            over = true;
            asked = List.of();
            if (taker != null) {
                taker.last(id(event), message);
                taker = null;
                told = true;
            }
        }
    }

    /** Ends the stream: there is nothing more to come for. */
    public void end() {
        synchronized (log) {
            log.tidyLater();
            over = true;
            asked = List.of();
            if (taker != null) {
                taker.end();
                taker = null;
            }
        }
    }

    /** {@code connection} carries nothing any more. */
    public void lost(Taker connection) {
        synchronized (log) {
            if (connection.equals(taker)) {
                taker = null;
                losses++;
                leftAt = log.alarms().now();
                log.tidyLater();
                if (!asked.isEmpty()) {
                    giveUpLater();
                }
            }
        }
    }

    /** The connection that carries the stream now, if any does. */
    public Optional<Taker> taker() {
        synchronized (log) {
            return Optional.ofNullable(taker);
        }
    }

    /** Whether nothing has come and nothing will come behind the event {@code lastEventId}. */
    public boolean isOverAt(String lastEventId) {
        synchronized (log) {
            return over && position(lastEventId) >= lastEvent;
        }
    }

    /** Whether what comes behind the event {@code lastEventId} is known still. */
    public boolean canResume(String lastEventId) {
        synchronized (log) {
            long from = position(lastEventId);
            return from >= forgotten && from <= lastEvent;
        }
    }

    /**
     * Goes on behind the event {@code lastEventId}, on {@code connection} and on no other any more.
     */
    public void resume(String lastEventId, Taker connection) {
        Optional<Taker> before;
        synchronized (log) {
            before = Optional.ofNullable(taker);
            replay(position(lastEventId), connection);
            taker = over ? null : connection;
            told = over;
        }
        before.filter(old -> !old.equals(connection)).ifPresent(Taker::end);
    }

    private void replay(long from, Taker connection) {
        var missed = kept.stream().filter(event -> event.number > from).toList();
        for (var event : missed) {
            if (over && event.number == lastEvent) {
                connection.last(id(event.number), event.message());
            } else {
                connection.event(id(event.number), event.message());
            }
        }
        if (over && (missed.isEmpty() || missed.getLast().number != lastEvent)) {
            connection.end();
        }
    }

    private static long position(String eventId) {
        try {
            return Long.parseLong(eventId.substring(eventId.indexOf('-') + 1));
        } catch (NumberFormatException foreign) {
            return -1;
        }
    }
}
