package dev.heddle.transport.connect;

import dev.heddle.core.backend.Introduction;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.transport.connect.Discovery.Finding;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Which servers do without sessions, as far as they have been asked, each under the credentials
 * with which it was asked. What is known is looked at again after a while: a server that has got a
 * newer revision goes on serving the older ones. Thread-safe.
 *
 * @param <K> names a server and the gateway's credentials there
 */
final class Eras<K> {
    private static final int MANY = 10_000;

    /** How long a server is believed to have sessions that has not said so but begun one. */
    private static final Duration UNCLEAR = Duration.ofMinutes(1);

    /** What is known of a server until then, in the time of alarms. */
    private record Known(Finding finding, long until) {}

    private final Alarms alarms;
    private final Duration good;
    private final Map<K, Known> known = new ConcurrentHashMap<>();
    private final Map<K, CompletableFuture<Finding>> asking = new ConcurrentHashMap<>();

    /**
     * @param good how long what was found is believed
     */
    Eras(Alarms alarms, Duration good) {
        this.alarms = alarms;
        this.good = good;
    }

    /**
     * What {@code server} is. Those who come together ask once. Blocks, as long as {@code ask}
     * does.
     */
    Finding of(K server, Supplier<Finding> ask) {
        var found = known.get(server);
        if (found != null && alarms.now() - found.until() < 0) {
            return found.finding();
        }
        var mine = new CompletableFuture<Finding>();
        var others = asking.putIfAbsent(server, mine);
        if (others != null) {
            return others.join();
        }
        Finding finding = new Finding.Unclear();
        try {
            finding = ask.get();
            if (finding instanceof Finding.Stateless) {
                remember(server, finding, good);
            }
            return finding;
        } finally {
            asking.remove(server);
            mine.complete(finding);
        }
    }

    /**
     * The server has sessions: one has begun. If it could not be told before, that is not believed
     * for as long.
     */
    void hasSessions(K server, Finding found) {
        var before = known.get(server);
        boolean fresh = before != null && alarms.now() - before.until() < 0;
        if (!fresh) {
            remember(
                    server,
                    new Finding.Sessions(),
                    found instanceof Finding.Unclear ? UNCLEAR : good);
        }
    }

    private void remember(K server, Finding finding, Duration believed) {
        if (known.size() >= MANY) {
            known.clear();
        }
        known.put(server, new Known(finding, alarms.now() + believed.toNanos()));
    }

    /**
     * Whether a server that was found to do without sessions, and contradicts that, turns out to
     * have them when it is asked once more. Blocks, as long as {@code ask} does.
     */
    boolean isAnother(K server, Supplier<Finding> ask) {
        forget(server);
        return of(server, ask) instanceof Finding.Sessions;
    }

    /** Whether what is said of {@code server} is remembered rather than just found out. */
    boolean knows(K server) {
        return known.containsKey(server);
    }

    /** What is known of {@code server} is not true. */
    void forget(K server) {
        known.remove(server);
    }

    /** How a server without sessions has introduced itself, if it is one. */
    static Optional<Introduction> stateless(Finding finding) {
        return finding instanceof Finding.Stateless(var introduction)
                ? Optional.of(introduction)
                : Optional.empty();
    }
}
