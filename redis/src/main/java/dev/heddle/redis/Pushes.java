package dev.heddle.redis;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.session.SessionStorage.Listener;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.pubsub.RedisPubSubAdapter;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.math.BigInteger;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.stream.Stream;

/**
 * What nodes tell each other about records: which has changed, never how. Each hears its own pulse
 * on the same way, and so knows when it may have missed something. Thread-safe; never blocks.
 */
final class Pushes extends RedisPubSubAdapter<String, String> implements Link.Hearer {
    private static final Logger log = LoggerFactory.getLogger(Pushes.class);

    /** Between two pulses. */
    static final Duration PULSE = Duration.ofSeconds(5);

    /** So late after the one before, a pulse is missed. */
    private static final Duration LATE = PULSE.plusSeconds(1);

    /** After so long without a pulse, nothing is believed to be heard. */
    static final Duration SILENCE = PULSE.multipliedBy(2).plusSeconds(1);

    private static final int MANY = 1_000;
    private static final long GONE = Long.MIN_VALUE;
    private static final char BETWEEN = ' ';
    private static final String ALIVE = "";

    /**
     * @param there whether everything is heard that is told
     * @param since when that became so, as of {@link Alarms#now}
     * @param gaps how often it may be that something was told and not heard
     */
    private record Hearing(boolean there, long since, long gaps) {}

    private final Alarms alarms;
    private final Duration patience;
    private final String node = new BigInteger(64, new SecureRandom()).toString(36);
    private final AtomicReference<Hearing> hearing;
    private final Map<String, List<Follower>> followers = new ConcurrentHashMap<>();
    private final BoundedMap<String, Long> others = new BoundedMap<>(MANY); // when heard last
    private final AtomicInteger unheard = new AtomicInteger();
    private volatile long heardOwn;
    private volatile Runnable heard = () -> {};

    /**
     * @param patience how long what is known is believed while nothing is heard
     */
    Pushes(Alarms alarms, Duration patience) {
        this.alarms = alarms;
        this.patience = patience;
        this.hearing = new AtomicReference<>(new Hearing(false, alarms.now(), 0));
    }

    /** What is told when the record {@code name} has changed. */
    String changed(String name) {
        return node + BETWEEN + name;
    }

    /** What is told when there is a message about the record {@code name}. */
    String told(String name, String sealed) {
        return changed(name) + BETWEEN + sealed;
    }

    /** Runs {@code task} whenever things are heard again. It must not block. */
    void whenHeard(Runnable task) {
        heard = task;
    }

    /** What is told so that it is heard that everything is heard. */
    String pulse() {
        return changed(ALIVE);
    }

    /** What is told by a node that ends. */
    String farewell() {
        return told(ALIVE, "");
    }

    /** Up to where things have been heard. */
    record Place(long gaps, Object change) {}

    /** Knows what is heard of a record. Thread-safe. */
    final class Follower implements AutoCloseable {
        private final List<String> names;
        private final Listener listener;
        private final BiFunction<String, String, Optional<String>> opening;
        private final AtomicLong newest = new AtomicLong();
        private volatile Object change = new Object(); // another one after each
        private volatile Place read = place();

        private Follower(
                List<String> names,
                Listener listener,
                BiFunction<String, String, Optional<String>> opening) {
            this.names = names;
            this.listener = listener;
            this.opening = opening;
        }

        /** Notes that there is a record of this version. */
        void noteVersion(long version) {
            newest.accumulateAndGet(version, Math::max);
        }

        /** The newest version of the record that is known of here. */
        long newest() {
            return newest.get();
        }

        boolean isCurrent() {
            var now = hearing.get();
            return now.there()
                    ? read.change().equals(change) && read.gaps() == now.gaps()
                    : alarms.now() - now.since() < patience.toNanos();
        }

        /** Up to where things have been heard: what is read from now on is as new as that. */
        Place place() {
            return new Place(hearing.get().gaps(), change);
        }

        /** What has been read since {@code place} is current, unless more has been heard. */
        void read(Place place) {
            read = place;
        }

        /** What has been read is current no more. */
        void doubt() {
            change = new Object();
        }

        private void hear() {
            doubt();
            listener.changed();
        }

        private void hear(String name, String sealed) {
            opening.apply(name, sealed).ifPresent(listener::told);
        }

        @Override
        public void close() {
            names.forEach(name -> followers.computeIfPresent(name, (_, all) -> without(all, this)));
        }
    }

    private static List<Follower> with(List<Follower> all, Follower one) {
        return all.isEmpty() ? List.of(one) : Stream.concat(all.stream(), Stream.of(one)).toList();
    }

    /** Nothing is kept where there is nobody left. */
    @SuppressWarnings("NullAway") // by which the map forgets the name
    private static List<Follower> without(List<Follower> all, Follower one) {
        var left = all.stream().filter(other -> !other.equals(one)).toList();
        return left.isEmpty() ? null : left;
    }

    /** Notes that this node has made the record {@code name} one of this version. */
    void noteVersion(String name, long version) {
        followers.getOrDefault(name, List.of()).forEach(one -> one.noteVersion(version));
    }

    /**
     * Follows a record that may have any of {@code names}.
     *
     * @param listener told what the others do; must not block
     * @param opening reads what they send under one of the names
     */
    Follower follow(
            List<String> names,
            Listener listener,
            BiFunction<String, String, Optional<String>> opening) {
        var follower = new Follower(names, listener, opening);
        names.forEach(
                name ->
                        followers.compute(
                                name, (_, all) -> with(all == null ? List.of() : all, follower)));
        return follower;
    }

    @Override
    public void message(String channel, String message) {
        int end = message.indexOf(BETWEEN);
        int more = message.indexOf(BETWEEN, end + 1);
        var name = message.substring(end + 1, more < 0 ? message.length() : more);
        boolean own = message.startsWith(node) && end == node.length();
        if (!own && end > 0) {
            boolean gone = name.isEmpty() && more >= 0;
            others.put(message.substring(0, end), gone ? GONE : alarms.now());
        }
        if (own && name.isEmpty()) {
            heardOwn = alarms.now();
            unheard.set(0);
            hear();
        } else if (!own && more < 0) {
            followers.getOrDefault(name, List.of()).forEach(Follower::hear);
        } else if (!own) {
            var sealed = message.substring(more + 1);
            followers.getOrDefault(name, List.of()).forEach(one -> one.hear(name, sealed));
        }
    }

    @Override
    public void subscribed(String channel, long count) {
        heardOwn = alarms.now();
        beatsAnew();
        hear();
    }

    private void hear() {
        var before =
                hearing.getAndUpdate(
                        now -> now.there() ? now : new Hearing(true, alarms.now(), now.gaps() + 1));
        if (!before.there()) {
            log.info("the store of sessions is there");
            heard.run();
        }
    }

    /** Nothing is heard any more. */
    @Override
    public void onRedisDisconnected(RedisChannelHandler<?, ?> connection) {
        loseHearing();
    }

    /** Notices that nothing is heard although the connection is there. */
    void checkPulse() {
        if (alarms.now() - heardOwn >= SILENCE.toNanos()) {
            loseHearing();
        }
    }

    /** A pulse is on its way. */
    void beats() {
        unheard.incrementAndGet();
    }

    /** The pulses that were sent until now do not count. */
    void beatsAnew() {
        unheard.set(0);
    }

    /** How many pulses have been sent since one was heard. */
    int unheard() {
        return unheard.get();
    }

    private void loseHearing() {
        var before =
                hearing.getAndUpdate(
                        now -> now.there() ? new Hearing(false, alarms.now(), now.gaps()) : now);
        if (before.there()) {
            log.warn("the store of sessions is away; sessions go on for {}", patience);
        }
    }

    /** Nothing that was read before is current any more. */
    void forgetAll() {
        hearing.updateAndGet(now -> new Hearing(now.there(), now.since(), now.gaps() + 1));
    }

    String node() {
        return node;
    }

    /**
     * Whether a node is there, as far as can have been heard: whoever does not hear itself either
     * knows nothing of others.
     */
    boolean isAlive(String other) {
        var now = hearing.get();
        long heardLast = others.get(other).orElse(now.since());
        long silent = alarms.now() - Math.max(heardLast, now.since());
        return other.equals(node)
                || !now.there()
                || (heardLast != GONE && (silent < SILENCE.toNanos() || isDeaf()));
    }

    private boolean isDeaf() {
        return alarms.now() - heardOwn >= LATE.toNanos();
    }

    /** Whether everything is heard again that is told, and has not been for {@code moment}. */
    boolean isJustBack(Duration moment) {
        var now = hearing.get();
        return now.there() && now.gaps() > 1 && alarms.now() - now.since() < moment.toNanos();
    }

    /** Whether everything is heard that is told. */
    boolean isHearing() {
        return hearing.get().there();
    }
}
