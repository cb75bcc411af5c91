package dev.heddle.core.session;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;

import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What one session has sent on its streams lately, so that a client that comes back gets what it
 * has missed: once, in order, and from that stream only (MCP 2025-11-25, Streamable HTTP,
 * Resumability and Redelivery).
 *
 * <p>Bounded by number, size and age. What has been told to its end is forgotten first, then what
 * is on its way to its client, and what waits for one last. Thread-safe: one monitor orders what
 * goes out, and going out is only to be put into a connection's queue.
 */
public final class EventLog {
    /** How long an event is kept. */
    static final Duration AGE = Duration.ofMinutes(5);

    /** How much longer it may be kept, so that not every event has an alarm of its own. */
    private static final Duration TICK = Duration.ofSeconds(1);

    static final int MOST_EVENTS = 1_000;
    static final long MOST_BYTES = 4L * 1024 * 1024;

    /** How long a message may be to be kept for a client that is away. */
    public static final int LARGEST = 3 * 1024 * 1024;

    private static final String STANDING = "g";
    private static final String ANSWER = "p";

    /** An older process has had streams too. */
    private static final String EPOCH =
            Integer.toString(new SecureRandom().nextInt(36 * 36 * 36), 36) + '.';

    private final Alarms alarms;
    private final Map<String, EventStream> streams = new LinkedHashMap<>(2); // guarded by this
    private long lastStream;
    private int events;
    private long bytes;
    private boolean closed;
    private @Nullable Alarm tidying; // while it will be done

    EventLog(Alarms alarms) {
        this.alarms = alarms;
    }

    Alarms alarms() {
        return alarms;
    }

    /** A new stream for what comes back for one request, which no connection carries yet. */
    public EventStream openAnswer() {
        return open(ANSWER);
    }

    /** A new stream for what belongs to no call, which no connection carries yet. */
    public EventStream openStanding() {
        return open(STANDING);
    }

    private synchronized EventStream open(String kind) {
        var stream = new EventStream(this, kind + EPOCH + ++lastStream);
        streams.put(stream.name(), stream);
        return stream;
    }

    /** The stream to which the event {@code eventId} belongs, if that is known still. */
    public synchronized Optional<EventStream> find(String eventId) {
        int dash = eventId.indexOf('-');
        return dash < 0
                ? Optional.empty()
                : Optional.ofNullable(streams.get(eventId.substring(0, dash)));
    }

    /** Whether {@code eventId} is one of a stream for what belongs to no call. */
    public static boolean isOfStanding(String eventId) {
        return eventId.startsWith(STANDING);
    }

    /** Whether a client may come back to {@code stream}. */
    synchronized boolean knows(EventStream stream) {
        return streams.get(stream.name()) == stream;
    }

    /** Counts an event that is kept from now on, and forgets others if there is no room. */
    void kept(long size) {
        events++;
        bytes += size;
        tidyLater();
        if (isFull()) {
            trim();
        }
    }

    void forgotten(long size) {
        events--;
        bytes -= size;
    }

    private void trim() {
        trim(EventStream::isTold);
        trim(EventStream::isCarried);
        trim(_ -> true);
    }

    private void trim(Predicate<EventStream> which) {
        var eldestFirst = streams.values().iterator();
        while (isFull() && eldestFirst.hasNext()) {
            var stream = eldestFirst.next();
            boolean some = which.test(stream);
            while (some && isFull()) {
                some = stream.forgetOldest();
            }
            if (stream.isOfNoUse()) {
                eldestFirst.remove();
            }
        }
    }

    private boolean isFull() {
        return events > MOST_EVENTS || bytes > MOST_BYTES;
    }

    private void tidy(EventStream stream) {
        if (stream.isOfNoUse()) {
            streams.remove(stream.name());
        }
    }

    /** Forgets in a while what nobody can want any more. To be called when there may be such. */
    void tidyLater() {
        tidyAfter(AGE);
    }

    private void tidyAfter(Duration time) {
        if (tidying == null && !closed) {
            tidying = alarms.after(time, this::tidy);
        }
    }

    private synchronized void tidy() {
        tidying = null;
        long before = alarms.now() - AGE.toNanos();
        for (var stream : List.copyOf(streams.values())) {
            stream.forgetUntil(before);
            tidy(stream);
        }
        if (!streams.values().stream().allMatch(EventStream::isJustCarried)) {
            var oldest = streams.values().stream().mapToLong(EventStream::oldest).min();
            long left = oldest.orElse(alarms.now()) - before;
            tidyAfter(Duration.ofNanos(Math.max(left, TICK.toNanos())));
        }
    }

    /** Whether nobody can come back any more. */
    boolean isClosed() {
        return closed;
    }

    /** Forgets everything, and keeps nothing from now on. */
    synchronized void close() {
        closed = true;
        streams.values().forEach(EventStream::forgetAll);
        streams.clear();
        if (tidying != null) {
            tidying.cancel();
            tidying = null;
        }
    }

    static boolean isStanding(String name) {
        return name.startsWith(STANDING);
    }
}
