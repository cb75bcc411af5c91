package dev.heddle.redis;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.Metadata;
import dev.heddle.core.session.SessionStorage;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisException;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.stream.Gatherers;

/**
 * Keeps session records in Redis or Valkey, one key for each, so that any node can go on with any
 * session. Thread-safe; blocks.
 *
 * <p>The server keeps a record for a while after its life, so that somebody can end what it names
 * at the backends; a list, ordered by time, says where to look. What changes a record is told to
 * the other nodes, so that they need not ask.
 */
public final class RedisSessionStorage implements SessionStorage {
    private static final Logger log = LoggerFactory.getLogger(RedisSessionStorage.class);

    /** How long a record is kept after its life. */
    static final Duration BEYOND = Duration.ofDays(1);

    /** How long whoever has claimed a leftover has for it. */
    static final Duration CLAIM = Duration.ofMinutes(1);

    private static final int MANY = 100;
    private static final String CHANGES = "changes";
    private static final String DUE = "due";
    private static final String TOLD = "told";
    private static final String NOTHING = Json.EMPTY_OBJECT.toString();

    private final String prefix;
    private final RecordForm form;
    private final Duration timeToLive;
    private final InstantSource clock;
    private final Pushes pushes;
    private final Redis redis;
    private final String keep;
    private final String beyond = Long.toString(BEYOND.toMillis());
    private final Content content;
    private final Terminations terminations;
    private final Pulse pulse;
    private final RedisEventStorage events;

    /**
     * @param prefix what all keys begin with
     * @param vault what seals the records; if empty, they can be read by whoever can read the store
     * @param timeToLive of a record that is not used
     * @param patience how long records that were loaded are believed while the store is away
     */
    public RedisSessionStorage(
            RedisOptions options,
            String prefix,
            Optional<Vault> vault,
            Duration timeToLive,
            Duration patience,
            Alarms alarms,
            InstantSource clock) {
        this.prefix = prefix;
        this.form = vault.<RecordForm>map(RecordForm.Sealed::new).orElseGet(RecordForm.Plain::new);
        this.timeToLive = timeToLive;
        this.keep = Long.toString(timeToLive.plus(BEYOND).toMillis());
        this.clock = clock;
        this.pushes = new Pushes(alarms, patience);
        this.content = new Content(alarms);
        this.terminations = new Terminations(alarms);
        this.redis = new Redis(options, pushes, prefix + CHANGES);
        this.events = new RedisEventStorage(redis, form, prefix, pushes.node(), pushes::isHearing);
        this.pulse = new Pulse(redis, pushes, content, alarms, prefix, prefix + CHANGES);
        pulse.whenEmptied(() -> inBackground(() -> terminateAgain(Scripts.UPSERT)));
        pushes.whenHeard(this::heard);
        heard();
        pulse.begin();
    }

    /** What was done while nothing was heard may not have lasted. */
    private void heard() {
        inBackground(
                () -> {
                    pulse.check();
                    terminateAgain(Scripts.UPDATE);
                });
    }

    /** Of two connections, one may be back before the other. */
    private void inBackground(Runnable task) {
        Thread.ofVirtual().name("heddle-redis").start(() -> redis.insist(task));
    }

    private void terminateAgain(Script<Long> how) {
        var ended = text(Map.of(Metadata.TERMINATED, "true"));
        for (var name : terminations.lately()) {
            boolean done =
                    how.equals(Scripts.UPSERT)
                            ? run(how, name, ended, prefix + CHANGES, pushes.changed(name))
                            : change(name, Changes.set(Map.of(Metadata.TERMINATED, "true"))) > 0;
            if (done) {
                expect(name, CLAIM);
            }
        }
    }

    private void tell(String what) {
        try {
            redis.ask().publish(prefix + CHANGES, what);
        } catch (Fault.StorageUnavailable away) {
            log.debug("nobody is told: {}", away.getMessage());
        }
    }

    private String key(String name) {
        return prefix + name;
    }

    private boolean run(Script<Long> script, String name, String... arguments) {
        return number(script, name, arguments) > 0;
    }

    private long number(Script<Long> script, String name, String... arguments) {
        var all = new ArrayList<>(List.of(keep, beyond));
        all.addAll(List.of(arguments));
        return redis.run(script, key(name), all.toArray(new String[0]));
    }

    @Override
    public boolean create(String id, Map<String, String> record) {
        var name = form.names(id).getFirst();
        expect(name, timeToLive);
        return run(Scripts.CREATE, name, text(form.written(name, record)));
    }

    /** Somebody is to look at the record after so long. */
    private void expect(String name, Duration after) {
        double when = clock.instant().plus(after).toEpochMilli();
        redis.ask(commands -> commands.zadd(prefix + DUE, when, name));
    }

    @Override
    public Optional<Map<String, String>> load(String id) {
        return loadWhole(id).map(RedisSessionStorage::withoutVersion);
    }

    private static Map<String, String> withoutVersion(Map<String, String> record) {
        var fields = new HashMap<>(record);
        fields.remove(Metadata.VERSION);
        return fields;
    }

    private Optional<Map<String, String>> loadWhole(String id) {
        for (var name : form.names(id)) {
            var text = redis.run(Scripts.LOAD, key(name), keep, beyond);
            if (text != null) {
                return Optional.of(read(name, text));
            }
        }
        return Optional.empty();
    }

    private Map<String, String> read(String name, String text) {
        try {
            var fields = new HashMap<String, String>();
            Json.parse(text).members().forEach((field, value) -> fields.put(field, value.text()));
            return form.read(name, fields);
        } catch (MalformedJson | RecordForm.Unreadable foreign) {
            throw new Fault.StorageUnavailable("a record cannot be read: " + foreign.getMessage());
        }
    }

    @Override
    public boolean touch(String id) {
        return touch(List.of(id)).isEmpty();
    }

    @Override
    public Set<String> touch(Collection<String> ids) {
        var left = new HashSet<String>();
        for (var some : ids.stream().gather(Gatherers.windowFixed(MANY)).toList()) {
            left.addAll(touchTogether(some));
        }
        return left;
    }

    /** Sends all before it waits for any. */
    private Set<String> touchTogether(List<String> ids) {
        var now = Long.toString(clock.millis());
        var left = new HashSet<String>();
        var sent = new HashMap<String, CompletionStage<Long>>();
        for (var id : ids) {
            var name = form.names(id).getFirst();
            sent.put(id, Scripts.TOUCH.known(redis.ask(), key(name), keep, beyond, now));
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

    @Override
    public boolean update(String id, Changes changes) {
        if (Metadata.isTerminated(changes.set())) {
            form.names(id).forEach(terminations::remember); // even if the store has lost it
        }
        for (var name : form.names(id)) {
            long version = change(name, changes);
            if (version > 0) {
                pushes.noteVersion(name, version);
                if (Metadata.isTerminated(changes.set())) {
                    expect(name, CLAIM);
                }
                return true;
            }
        }
        return false;
    }

    /** Returns the new version, or 0. */
    private long change(String name, Changes changes) {
        return number(
                Scripts.UPDATE,
                name,
                text(form.written(name, changes.set())),
                names(changes.remove()),
                changes.expected().isEmpty()
                        ? NOTHING
                        : text(form.written(name, changes.expected())),
                prefix + CHANGES,
                changes.quiet() ? "" : pushes.changed(name));
    }

    private String names(Set<String> fields) {
        return Json.array(form.written(fields).stream().map(Json::of).toList()).toString();
    }

    @Override
    public boolean upsert(String id, Map<String, String> record) {
        var name = form.names(id).getFirst();
        expect(name, timeToLive);
        return run(
                Scripts.UPSERT,
                name,
                text(form.written(name, record)),
                prefix + CHANGES,
                pushes.changed(name));
    }

    private static String text(Map<String, String> fields) {
        return Json.object(members -> fields.forEach(members::put)).toString();
    }

    /**
     * While others may still be writing what the store has lost, they are to find that it has
     * ended; what is left then expires.
     */
    @Override
    public void delete(String id) {
        if (!content.isRecovering()) {
            form.names(id).forEach(this::forget);
        }
    }

    private void forget(String name) {
        redis.ask(commands -> commands.del(key(name)));
        redis.ask(commands -> commands.zrem(prefix + DUE, name));
        tell(pushes.changed(name));
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public boolean isJustBack() {
        return pushes.isJustBack(Content.RECOVERY);
    }

    @Override
    public String node() {
        return pushes.node();
    }

    @Override
    public boolean isAlive(String node) {
        return pushes.isAlive(node);
    }

    @Override
    public Optional<EventStorage> events() {
        return Optional.of(events);
    }

    @Override
    public Following follow(String id, Listener listener) {
        var names = form.names(id);
        return new Followed(
                id, pushes.follow(names, listener, (name, text) -> form.opened(name, TOLD, text)));
    }

    @Override
    public boolean tell(String id, String message) {
        var name = form.names(id).getFirst();
        tell(pushes.told(name, form.sealed(name, TOLD, message)));
        return pushes.isHearing();
    }

    private final class Followed implements Following {
        private final String id;
        private final Pushes.Follower follower;
        private volatile long losses = content.losses();

        Followed(String id, Pushes.Follower follower) {
            this.id = id;
            this.follower = follower;
        }

        @Override
        public boolean isCurrent() {
            return follower.isCurrent();
        }

        @Override
        public Optional<Map<String, String>> load(Supplier<Optional<Map<String, String>>> ours) {
            var place = follower.place();
            long before = losses; // another thread may be writing the record again just now
            var record = loadNoting();
            if (record.isPresent()) {
                losses = content.losses();
                follower.read(place);
                return record;
            }
            pulse.check();
            var known = ours.get();
            if (known.isPresent() && before != content.losses()) {
                return written(known.get());
            } else if (known.isEmpty() && content.isRecovering()) {
                throw new Fault.StorageUnavailable("what it kept is being written again");
            }
            return record;
        }

        private Optional<Map<String, String>> loadNoting() {
            var record = loadWhole(id);
            record.ifPresent(known -> follower.noteVersion(Metadata.version(known)));
            return record;
        }

        private Optional<Map<String, String>> written(Map<String, String> ours) {
            var record = new HashMap<>(ours);
            record.put(Metadata.VERSION, Long.toString(follower.newest()));
            create(id, record);
            var place = follower.place();
            losses = content.losses();
            var now = loadNoting();
            follower.read(place);
            return now;
        }

        @Override
        public void doubt() {
            follower.doubt();
        }

        @Override
        public boolean isOutdated(Map<String, String> record) {
            return Metadata.version(record) < follower.newest();
        }

        @Override
        public void close() {
            follower.close();
        }
    }

    @Override
    public List<Leftover> claimLeftovers() {
        var claimed = new ArrayList<Leftover>();
        List<String> due;
        do {
            due =
                    redis.ask(
                            commands ->
                                    commands.zrangebyscore(
                                            prefix + DUE,
                                            Range.create(0, clock.millis()),
                                            Limit.create(0, MANY)));
            due.forEach(name -> claim(name).ifPresent(claimed::add));
        } while (due.size() == MANY && claimed.size() < MANY);
        return claimed;
    }

    private Optional<Leftover> claim(String name) {
        var answer =
                redis.run(Scripts.CLAIM, key(name), keep, beyond, Long.toString(CLAIM.toMillis()));
        if (answer.isEmpty()) {
            redis.ask(commands -> commands.zrem(prefix + DUE, name));
            return Optional.empty();
        }
        expect(name, Duration.ofMillis(Long.parseLong(answer.getFirst())));
        return answer.size() > 1 ? leftover(name, answer.getLast()) : Optional.empty();
    }

    /** One that cannot be read is left to expire. */
    private Optional<Leftover> leftover(String name, String text) {
        try {
            return Optional.of(new Leftover(name, read(name, text)));
        } catch (Fault.StorageUnavailable unreadable) {
            log.warn("what is left of a session is left to expire: {}", unreadable.getMessage());
            redis.ask(commands -> commands.zrem(prefix + DUE, name));
            return Optional.empty();
        }
    }

    @Override
    public void sweep() {
        terminations.sweep();
    }

    @Override
    public void settle(Leftover leftover) {
        forget(leftover.name());
    }

    @Override
    public void whenEmptied(Runnable task) {
        pulse.whenEmptied(
                () -> {
                    inBackground(() -> terminateAgain(Scripts.UPSERT));
                    inBackground(task);
                });
    }

    /** Whether other nodes' changes are heard. */
    public boolean isHearing() {
        return pushes.isHearing();
    }

    @Override
    public void close() {
        pulse.close();
        redis.close();
    }
}
