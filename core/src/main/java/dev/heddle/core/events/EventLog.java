package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.StreamNews.What;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * What one session has sent on its streams lately, so that a client that comes back gets what it
 * has missed: once, in order, and from that stream only (MCP 2025-11-25, Streamable HTTP,
 * Resumability and Redelivery).
 *
 * <p>Bounded by number, size and age. What has been told to its end is forgotten first, then what
 * is on its way to its client, but for the last few, and what waits for one last. Thread-safe: one
 * monitor orders what goes out, and going out is only to be put into a connection's queue.
 */
public final class EventLog {
    private static final Logger log = LoggerFactory.getLogger(EventLog.class);

    /** How long an event is kept. */
    static final Duration AGE = Duration.ofMinutes(5);

    /** How much longer it may be kept, so that not every event has an alarm of its own. */
    static final Duration TICK = Duration.ofSeconds(1);

    /** How long a client may take to come back to its last stream. */
    public static final Duration RETURN = Duration.ofMinutes(1);

    /** How many events that have gone out on a stream may not have reached its client. */
    private static final int ON_THEIR_WAY = 100;

    static final int MOST_EVENTS = 1_000;
    static final long MOST_BYTES = 4L * 1024 * 1024;

    /** How long a message may be to be kept for a client that is away. */
    public static final int LARGEST = 3 * 1024 * 1024;

    private static final String STANDING = "g";
    private static final String ANSWER = "p";

    /** An older process has had streams too. */
    private static final String EPOCH =
            Integer.toString(new SecureRandom().nextInt(36 * 36 * 36), 36) + '.';

    private static final Pattern NAME = Pattern.compile("[a-z0-9]{1,40}\\.[0-9]{1,19}");

    /** Names are those of one process for ever: what has them may live on in others. */
    private static final AtomicLong NUMBERS = new AtomicLong();

    private final Alarms alarms;
    private final Optional<Sharing> sharing;
    private final Map<String, EventStream> streams = new LinkedHashMap<>(2); // guarded by this
    private final Optional<Returns> returns;
    private int events; // guarded by this, like the rest
    private long bytes;
    private boolean closed;
    private @Nullable Alarm tidying; // while it will be done
    private Map<String, Mirror> mirrors = Map.of(); // guarded by this

    /**
     * @param sharing with other processes, if they can go on with the streams
     */
    public EventLog(Alarms alarms, Optional<Sharing> sharing) {
        this.alarms = alarms;
        this.sharing = sharing;
        this.returns = sharing.map(others -> new Returns(this, others));
    }

    Alarms alarms() {
        return alarms;
    }

    /**
     * A new stream for what comes back for some requests, which no connection carries yet.
     *
     * @param requests their ids
     */
    public EventStream openAnswer(List<Json> requests) {
        var stream = open(ANSWER, Json.array(requests).toString());
        if (sharing.isPresent()) {
            keepLater(stream);
        }
        return stream;
    }

    /** What others may still come for is kept, however long it takes. */
    private synchronized void keepLater(EventStream stream) {
        stream.keepBy(alarms.after(Journal.silence(), () -> keep(stream)));
    }

    private synchronized void keep(EventStream stream) {
        if (stream.isAwaited() && !closed) {
            stream.keep();
            keepLater(stream);
        }
    }

    /** A new stream for what belongs to no call, which no connection carries yet. */
    public EventStream openStanding() {
        return open(STANDING, Json.EMPTY_ARRAY.toString());
    }

    private synchronized EventStream open(String kind, String requests) {
        var mark = sharing.map(Sharing::mark).orElse(EPOCH);
        long number = nextNumber();
        var stream = new EventStream(this, kind + mark + number, requests, number, sharing);
        streams.put(stream.name(), stream);
        stream.begin();
        return stream;
    }

    /** What nothing else of this process is called. */
    static long nextNumber() {
        return NUMBERS.incrementAndGet();
    }

    /** The stream to which the event {@code eventId} belongs, if that is known here still. */
    public synchronized Optional<EventStream> find(String eventId) {
        return Optional.ofNullable(streams.get(name(eventId)));
    }

    private static String name(String eventId) {
        int dash = eventId.indexOf('-');
        return dash < 0 ? "" : eventId.substring(0, dash);
    }

    /** Whether it takes a look into the store to find the stream of the event {@code eventId}. */
    public boolean mayBeElsewhere(String eventId) {
        var name = name(eventId);
        return NAME.matcher(name).matches()
                && sharing.isPresent()
                && (isStanding(name) || !isOwn(name) || find(eventId).isEmpty());
    }

    /** Whether it is the name of an answer of this process. */
    boolean isOwn(String name) {
        return sharing.filter(others -> name.startsWith(ANSWER + others.mark())).isPresent();
    }

    /**
     * Looks for the stream of the event {@code eventId}, which other processes may have gone on
     * with; blocks. From now on, a stream for what belongs to no call is this process's own.
     *
     * @throws dev.heddle.core.fault.Fault.StorageUnavailable if the store cannot be asked
     */
    public Optional<Resumable> fetch(String eventId) {
        long place = EventStream.position(eventId);
        return place < 0 ? Optional.empty() : returns.orElseThrow().fetch(name(eventId), place);
    }

    /**
     * Takes a message of another process for a stream that is about to go on here. Returns false if
     * there is none.
     */
    public synchronized boolean takes(Spliced message) {
        return returns.filter(known -> known.takes(message, false)).isPresent();
    }

    /** Tells {@code mirror} from now on what it has to hear. */
    synchronized void carries(Mirror mirror) {
        var more = new HashMap<>(mirrors);
        more.put(mirror.carrier(), mirror);
        mirrors = more;
    }

    synchronized void forget(Mirror mirror) {
        var less = new HashMap<>(mirrors);
        less.remove(mirror.carrier());
        mirrors = less.isEmpty() ? Map.of() : less;
    }

    /** Goes on here with the stream {@code name}, whoever has done so before. */
    synchronized EventStream takeOver(String name, long place, Kept kept, long token) {
        var newer = streams.get(name);
        if (newer != null && newer.token() > token) {
            return newer;
        }
        var stream = new EventStream(this, name, place, kept, token, sharing.orElseThrow());
        Optional.ofNullable(streams.put(name, stream)).ifPresent(old -> old.follow(stream));
        return stream;
    }

    /** Somebody else goes on with {@code stream}; what the store has not is for them. */
    void taken(EventStream stream, Collection<Spliced> left) {
        streams.remove(stream.name(), stream);
        left.forEach(message -> strayed(stream, message));
    }

    /** Hands what was said on a stream that is taken to whoever goes on with it. */
    void strayed(EventStream stream, Spliced message) {
        var next = next(stream);
        if (next.isPresent()) {
            next.get().send(message);
        } else if (isStanding(stream.name())) {
            returns.filter(known -> !known.takes(message, true))
                    .flatMap(_ -> sharing)
                    .ifPresent(others -> others.strays().accept(message));
        }
    }

    /** The stream of the same name that goes on here, if {@code stream} was taken for one. */
    Optional<EventStream> next(EventStream stream) {
        return Optional.ofNullable(streams.get(stream.name())).filter(one -> one != stream);
    }

    /** Hears what another process tells of a stream. Never blocks. */
    public void hear(StreamNews news) {
        Optional<EventStream> stream;
        Optional<Mirror> mirror;
        synchronized (this) {
            stream = Optional.ofNullable(streams.get(news.stream()));
            mirror = Optional.ofNullable(mirrors.get(news.carrier()));
        }
        switch (news.what()) {
            case DOUBTED -> mirror.ifPresent(Mirror::doubted);
            case GROWN -> {
                mirror.ifPresent(Mirror::grown);
                answered(news);
            }
            case REPLACED -> {
                mirror.ifPresent(Mirror::replaced);
                answered(news);
            }
            case CARRIED, STILL_CARRIED, LEFT -> stream.ifPresent(known -> known.hear(news));
            case WANTED -> wanted(stream, news);
            case UNWRITTEN -> answered(news);
        }
    }

    private void answered(StreamNews news) {
        returns.ifPresent(known -> known.answered(news));
    }

    private void wanted(Optional<EventStream> stream, StreamNews news) {
        if (stream.isPresent()) {
            stream.get().hear(news);
        } else {
            sharing.filter(_ -> isOwn(news.stream()))
                    .ifPresent(home -> home.tell(What.REPLACED, news.stream(), news.carrier()));
        }
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
        trim(EventStream::isTold, 0);
        trim(EventStream::isCarried, ON_THEIR_WAY);
        trim(_ -> true, 0);
    }

    private void trim(Predicate<EventStream> which, int spared) {
        var eldestFirst = streams.values().iterator();
        while (isFull() && eldestFirst.hasNext()) {
            var stream = eldestFirst.next();
            boolean some = which.test(stream) && !stream.past().isEmpty();
            while (some && isFull() && stream.past().size() > spared) {
                stream.past().forgetOldest();
            }
            if (some && stream.past().isEmpty()) {
                stream.emptied();
            }
            if (stream.isOfNoUse()) {
                eldestFirst.remove();
            }
        }
    }

    private boolean isFull() {
        return events > MOST_EVENTS || bytes > MOST_BYTES;
    }

    /** What the store lacks of a stream may be wanted elsewhere. */
    private void tidy(EventStream stream) {
        if (stream.isOfNoUse() && (stream.isStored() || streams.size() > MOST_EVENTS)) {
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
            stream.past().forgetUntil(before);
            tidy(stream);
        }
        if (!streams.values().stream().allMatch(EventStream::isJustCarried)) {
            var oldest =
                    streams.values().stream().mapToLong(stream -> stream.past().oldest()).min();
            long left = oldest.orElse(alarms.now()) - before;
            tidyAfter(Duration.ofNanos(Math.max(left, TICK.toNanos())));
        }
    }

    /** Whether nobody can come back any more. */
    boolean isClosed() {
        return closed;
    }

    /**
     * Leaves the streams to other processes, if there are any, and closes: when all that has been
     * said has gone out, or after {@code patience}. Blocks.
     */
    public void leave(Duration patience) {
        var left = sharing.isPresent() ? leaveStreams() : new CountDownLatch(0);
        try {
            if (!left.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                log.warn("the store has not taken all in time that was said on streams");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        close();
    }

    /** Counts down to zero when all has gone out. */
    private synchronized CountDownLatch leaveStreams() {
        mirrors.values().forEach(Mirror::leave);
        var all = List.copyOf(streams.values());
        var left = new CountDownLatch(all.size());
        for (var stream : all) {
            stream.leave();
            stream.whenSent(left::countDown);
        }
        return left;
    }

    /** Forgets everything, and keeps nothing from now on. */
    public synchronized void close() {
        closed = true;
        for (var stream : streams.values()) {
            stream.past().forgetAll();
            stream.stopKeeping();
        }
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
