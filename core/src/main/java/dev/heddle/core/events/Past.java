package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.List;

/** What has been sent on a stream, as far as it is kept. Guarded by the log of the stream. */
final class Past {
    /** What an event takes beside its text. */
    private static final int OVERHEAD = 100;

    /** An event as its text, which takes less than the message that has been read. */
    static final class Event {
        private final long number;
        private final long at;
        private final byte[] text;

        Event(long number, long at, byte[] text) {
            this.number = number;
            this.at = at;
            this.text = text;
        }

        long number() {
            return number;
        }

        long size() {
            return OVERHEAD + (long) text.length;
        }

        Spliced message() {
            return Spliced.of(Envelope.parse(text));
        }

        Entry entry(Kind kind) {
            return new Entry(number, kind, new String(text, StandardCharsets.UTF_8));
        }
    }

    private final EventLog log;
    private @Nullable ArrayDeque<Event> events; // made for the first
    private long last; // the number of the last event
    private long forgotten; // the number of the last event that is kept no more

    /**
     * @param place the number of the event behind which it begins
     */
    Past(EventLog log, long place) {
        this.log = log;
        this.last = place;
        this.forgotten = place;
    }

    /** The number of the last event. */
    long last() {
        return last;
    }

    /** The number of the last event that is kept no more. */
    long forgotten() {
        return forgotten;
    }

    boolean isEmpty() {
        return events == null || events.isEmpty();
    }

    /** How many are kept. */
    int size() {
        return events == null ? 0 : events.size();
    }

    /** What is kept, oldest first. */
    List<Event> all() {
        return events == null ? List.of() : List.copyOf(events);
    }

    /** When the oldest event came that is kept, or now. */
    long oldest() {
        return events == null || events.isEmpty() ? log.alarms().now() : events.getFirst().at;
    }

    /** Keeps a message, unless it is too large, in which case nothing before it counts either. */
    void add(Spliced message) {
        last++;
        if (log.isClosed() || message.length() > EventLog.LARGEST) {
            forgetAll();
        } else {
            keep(message.bytes());
        }
    }

    /** Keeps what another process has kept. */
    void add(Entry entry) {
        last = entry.number();
        keep(entry.text().getBytes(StandardCharsets.UTF_8));
    }

    private void keep(byte[] text) {
        if (events == null) {
            events = new ArrayDeque<>(1);
        }
        var event = new Event(last, log.alarms().now(), text);
        events.addLast(event);
        log.kept(event.size());
    }

    /** Returns whether there was one. */
    boolean forgetOldest() {
        var event = events == null ? null : events.pollFirst();
        if (event == null) {
            return false;
        }
        forgotten = event.number();
        log.forgotten(event.size());
        return true;
    }

    void forgetUntil(long time) {
        while (!isEmpty() && oldest() - time <= 0) {
            forgetOldest();
        }
    }

    /** Nothing of what has been sent is known any more. */
    void forgetAll() {
        while (forgetOldest()) {}
        forgotten = last;
    }

    void forget(long number) {
        for (var event : all()) {
            if (event.number() == number && events != null) {
                events.remove(event);
                log.forgotten(event.size());
            }
        }
    }
}
