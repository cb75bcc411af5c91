package dev.heddle.redis;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage.Leftover;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which records somebody is to look at, ordered by when. Thread-safe; blocks. */
final class DueList {
    private static final Logger log = LoggerFactory.getLogger(DueList.class);

    /** How long whoever has claimed a leftover has for it. */
    static final Duration CLAIM = Duration.ofMinutes(1);

    private static final int MANY = 100;
    private static final String DUE = "due";

    private final Redis redis;
    private final Records records;
    private final InstantSource clock;
    private final String key;

    DueList(Redis redis, Records records, InstantSource clock, String prefix) {
        this.redis = redis;
        this.records = records;
        this.clock = clock;
        this.key = prefix + DUE;
    }

    /** Somebody is to look at the record after so long. */
    void expect(String name, Duration after) {
        double when = clock.instant().plus(after).toEpochMilli();
        redis.ask(commands -> commands.zadd(key, when, name));
    }

    /** Nobody need look at it any more. */
    void forget(String name) {
        redis.ask(commands -> commands.zrem(key, name));
    }

    /** Claims those of which the time has come, about a hundred at most. */
    List<Leftover> claim() {
        var claimed = new ArrayList<Leftover>();
        List<String> due;
        do {
            due =
                    redis.ask(
                            commands ->
                                    commands.zrangebyscore(
                                            key,
                                            Range.create(0, clock.millis()),
                                            Limit.create(0, MANY)));
            due.forEach(name -> claim(name).ifPresent(claimed::add));
        } while (due.size() == MANY && claimed.size() < MANY);
        return claimed;
    }

    private Optional<Leftover> claim(String name) {
        var answer = records.claim(name, CLAIM);
        if (answer.isEmpty()) {
            forget(name);
            return Optional.empty();
        }
        expect(name, Duration.ofMillis(Long.parseLong(answer.getFirst())));
        return answer.size() > 1 ? leftover(name, answer.getLast()) : Optional.empty();
    }

    /** One that cannot be read is left to expire. */
    private Optional<Leftover> leftover(String name, String text) {
        try {
            return Optional.of(new Leftover(name, records.read(name, text)));
        } catch (Fault.StorageUnavailable unreadable) {
            log.warn("what is left of a session is left to expire: {}", unreadable.getMessage());
            forget(name);
            return Optional.empty();
        }
    }
}
