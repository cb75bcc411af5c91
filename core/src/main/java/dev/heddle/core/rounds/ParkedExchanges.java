package dev.heddle.core.rounds;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The exchanges that wait for their clients to come back with answers. Whoever holds a ticket can
 * go on, so that it is to be sealed. Thread-safe.
 */
public final class ParkedExchanges {
    /** As long as a person may take to answer. */
    public static final Duration PATIENCE = Duration.ofMinutes(10);

    /** How long a question waits for others that are asked beside it. */
    static final Duration GATHERING = Duration.ofMillis(20);

    private static final int MOST = 10_000;
    private static final int NAME_BYTES = 18;

    private final Alarms alarms;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, RoundedExchange> parked = new ConcurrentHashMap<>();

    public ParkedExchanges(Alarms alarms) {
        this.alarms = alarms;
    }

    /** How many wait. */
    public int size() {
        return parked.size();
    }

    /**
     * Begins an exchange that may take several rounds.
     *
     * @param over told the reply, before the client is, or that there is none
     * @param begin carries it out
     * @return to be cancelled when the client has left the first round
     */
    public Running begin(
            Envelope request,
            Round first,
            Consumer<Optional<Reply>> over,
            Function<Exchange, Running> begin) {
        var bytes = new byte[NAME_BYTES];
        random.nextBytes(bytes);
        var name = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
        var exchange = new RoundedExchange(name, this, first, over);
        exchange.runs(begin.apply(new Exchange(request, (Sink) exchange)));
        return () -> exchange.left(first);
    }

    /**
     * Goes on with an exchange.
     *
     * @param answers by the keys under which was asked; others are ignored, and what is missing is
     *     asked again
     * @return to be cancelled when the client has left this round; empty if there is no such round
     *     any more
     */
    public Optional<Running> resume(Ticket ticket, Map<String, Json> answers, Round round) {
        var exchange = parked.get(ticket.exchange());
        return exchange != null && exchange.resume(ticket.round(), answers, round)
                ? Optional.of(() -> exchange.left(round))
                : Optional.empty();
    }

    boolean hasRoom(RoundedExchange exchange) {
        return parked.size() < MOST || parked.containsKey(exchange.name());
    }

    void remember(RoundedExchange exchange) {
        parked.put(exchange.name(), exchange);
    }

    void forget(RoundedExchange exchange) {
        parked.remove(exchange.name(), exchange);
    }

    void soon(Runnable task) {
        alarms.after(GATHERING, task);
    }

    Alarms.Alarm expire(Runnable task) {
        return alarms.after(PATIENCE, task);
    }
}
