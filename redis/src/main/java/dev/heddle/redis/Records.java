package dev.heddle.redis;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;

import io.lettuce.core.RedisException;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.stream.Gatherers;

/**
 * The records in the store: one key for each, which scripts change in one step, and the channel on
 * which nodes hear of that. Thread-safe; blocks.
 */
final class Records {
    /** How long a record is kept after its life. */
    static final Duration BEYOND = Duration.ofDays(1);

    private static final int MANY = 100;
    private static final String CHANGES = "changes";
    private static final String NOTHING = Json.EMPTY_OBJECT.toString();

    private final Redis redis;
    private final RecordForm form;
    private final String prefix;
    private final String keep;
    private final String beyond = Long.toString(BEYOND.toMillis());

    /**
     * @param prefix what all keys begin with
     * @param timeToLive of a record that is not used
     */
    Records(Redis redis, RecordForm form, String prefix, Duration timeToLive) {
        this.redis = redis;
        this.form = form;
        this.prefix = prefix;
        this.keep = Long.toString(timeToLive.plus(BEYOND).toMillis());
    }

    /** Where nodes whose keys begin with {@code prefix} hear of each other. */
    static String channel(String prefix) {
        return prefix + CHANGES;
    }

    private boolean run(Script<Long> script, String name, String... arguments) {
        return number(script, name, arguments) > 0;
    }

    private long number(Script<Long> script, String name, String... arguments) {
        var all = new ArrayList<>(List.of(keep, beyond));
        all.addAll(List.of(arguments));
        return redis.run(script, prefix + name, all.toArray(new String[0]));
    }

    boolean create(String id, Map<String, String> record) {
        var name = form.names(id).getFirst();
        return run(Scripts.CREATE, name, text(form.written(name, record)));
    }

    /** The record, its version with it. */
    Optional<Map<String, String>> load(String id) {
        for (var name : form.names(id)) {
            var text = redis.run(Scripts.LOAD, prefix + name, keep, beyond);
            if (text != null) {
                return Optional.of(read(name, text));
            }
        }
        return Optional.empty();
    }

    /**
     * What {@code text} says, which stands under {@code name}.
     *
     * @throws Fault.StorageUnavailable if nobody here can read it
     */
    Map<String, String> read(String name, String text) {
        try {
            var fields = new HashMap<String, String>();
            Json.parse(text).members().forEach((field, value) -> fields.put(field, value.text()));
            return form.read(name, fields);
        } catch (MalformedJson | RecordForm.Unreadable foreign) {
            throw new Fault.StorageUnavailable("a record cannot be read: " + foreign.getMessage());
        }
    }

    /** Notes that records are used. Returns those of {@code ids} that are not there any more. */
    Set<String> touch(Collection<String> ids, long now) {
        var left = new HashSet<String>();
        for (var some : ids.stream().gather(Gatherers.windowFixed(MANY)).toList()) {
            left.addAll(touchTogether(some, Long.toString(now)));
        }
        return left;
    }

    /** Sends all before it waits for any. */
    private Set<String> touchTogether(List<String> ids, String now) {
        var left = new HashSet<String>();
        var sent = new HashMap<String, CompletionStage<Long>>();
        for (var id : ids) {
            var name = form.names(id).getFirst();
            sent.put(id, Scripts.TOUCH.known(redis.ask(), prefix + name, keep, beyond, now));
        }
        sent.forEach(
                (id, answer) -> {
                    if (!isDone(answer)
                            && form.names(id).stream()
                                    .noneMatch(name -> run(Scripts.TOUCH, name, now))) {
                        left.add(id);
                    }
                });
        return left;
    }

    /** One that the server did not carry out is tried again by itself. */
    private boolean isDone(CompletionStage<Long> answer) {
        try {
            return redis.await(answer) == 1;
        } catch (RedisException failed) {
            return false;
        }
    }

    /**
     * Changes what stands under {@code name}.
     *
     * @param told what the other nodes hear then, if it is something
     * @return the new version, or 0
     */
    long change(String name, Changes changes, String told) {
        return number(
                Scripts.UPDATE,
                name,
                text(form.written(name, changes.set())),
                names(changes.remove()),
                changes.expected().isEmpty()
                        ? NOTHING
                        : text(form.written(name, changes.expected())),
                channel(prefix),
                told);
    }

    private String names(Set<String> fields) {
        return Json.array(form.written(fields).stream().map(Json::of).toList()).toString();
    }

    /** Changes what stands under {@code name}, or adds it. Returns false if that has ended. */
    boolean upsert(String name, Map<String, String> record, String told) {
        return run(Scripts.UPSERT, name, text(form.written(name, record)), channel(prefix), told);
    }

    void delete(String name) {
        redis.ask(commands -> commands.del(prefix + name));
    }

    /** As of {@link Scripts#CLAIM}. */
    List<String> claim(String name, Duration time) {
        return redis.run(
                Scripts.CLAIM, prefix + name, keep, beyond, Long.toString(time.toMillis()));
    }

    private static String text(Map<String, String> fields) {
        return Json.object(members -> fields.forEach(members::put)).toString();
    }
}
