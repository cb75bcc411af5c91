package dev.heddle.redis;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.Metadata;
import dev.heddle.core.session.SessionStorage;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

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

    private static final String TOLD = "told";
    private static final Map<String, String> TERMINATED = Map.of(Metadata.TERMINATED, "true");

    private final String channel;
    private final RecordForm form;
    private final Duration timeToLive;
    private final InstantSource clock;
    private final Pushes pushes;
    private final Redis redis;
    private final Records records;
    private final DueList due;
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
        this.channel = Records.channel(prefix);
        this.form = vault.<RecordForm>map(RecordForm.Sealed::new).orElseGet(RecordForm.Plain::new);
        this.timeToLive = timeToLive;
        this.clock = clock;
        this.pushes = new Pushes(alarms, patience);
        this.content = new Content(alarms);
        this.terminations = new Terminations(alarms);
        this.redis = new Redis(options, pushes, channel);
        this.records = new Records(redis, form, prefix, timeToLive);
        this.due = new DueList(redis, records, clock, prefix);
        this.events = new RedisEventStorage(redis, form, prefix, pushes.node(), pushes::isHearing);
        this.pulse = new Pulse(redis, pushes, content, alarms, prefix, channel);
        pulse.whenEmptied(() -> inBackground(this::terminateLost));
        pushes.whenHeard(this::heard);
        heard();
        pulse.begin();
    }

    /** What was done while nothing was heard may not have lasted. */
    private void heard() {
        inBackground(
                () -> {
                    pulse.check();
                    terminateAgain();
                });
    }

    /** Of two connections, one may be back before the other. */
    private void inBackground(Runnable task) {
        Thread.ofVirtual().name("heddle-redis").start(() -> redis.insist(task));
    }

    /** Those that the store has lost it is to know again. */
    private void terminateLost() {
        for (var name : terminations.lately()) {
            if (records.upsert(name, TERMINATED, pushes.changed(name))) {
                due.expect(name, DueList.CLAIM);
            }
        }
    }

    private void terminateAgain() {
        for (var name : terminations.lately()) {
            if (records.change(name, Changes.set(TERMINATED), pushes.changed(name)) > 0) {
                due.expect(name, DueList.CLAIM);
            }
        }
    }

    private void tell(String what) {
        try {
            redis.ask().publish(channel, what);
        } catch (Fault.StorageUnavailable away) {
            log.debug("nobody is told: {}", away.getMessage());
        }
    }

    @Override
    public boolean create(String id, Map<String, String> record) {
        due.expect(form.names(id).getFirst(), timeToLive);
        return records.create(id, record);
    }

    @Override
    public Optional<Map<String, String>> load(String id) {
        return records.load(id).map(RedisSessionStorage::withoutVersion);
    }

    private static Map<String, String> withoutVersion(Map<String, String> record) {
        var fields = new HashMap<>(record);
        fields.remove(Metadata.VERSION);
        return fields;
    }

    @Override
    public boolean touch(String id) {
        return touch(List.of(id)).isEmpty();
    }

    @Override
    public Set<String> touch(Collection<String> ids) {
        return records.touch(ids, clock.millis());
    }

    @Override
    public boolean update(String id, Changes changes) {
        if (Metadata.isTerminated(changes.set())) {
            form.names(id).forEach(terminations::remember); // even if the store has lost it
        }
        for (var name : form.names(id)) {
            var told = changes.quiet() ? "" : pushes.changed(name);
            long version = records.change(name, changes, told);
            if (version > 0) {
                pushes.noteVersion(name, version);
                if (Metadata.isTerminated(changes.set())) {
                    due.expect(name, DueList.CLAIM);
                }
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean upsert(String id, Map<String, String> record) {
        var name = form.names(id).getFirst();
        due.expect(name, timeToLive);
        return records.upsert(name, record, pushes.changed(name));
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
        records.delete(name);
        due.forget(name);
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
        var follower =
                pushes.follow(names, listener, (name, text) -> form.opened(name, TOLD, text));
        return new Followed(id, follower, records, content, pulse::check, this::create);
    }

    @Override
    public boolean tell(String id, String message) {
        var name = form.names(id).getFirst();
        tell(pushes.told(name, form.sealed(name, TOLD, message)));
        return pushes.isHearing();
    }

    @Override
    public List<Leftover> claimLeftovers() {
        return due.claim();
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
                    inBackground(this::terminateLost);
                    inBackground(task);
                });
    }

    @Override
    public boolean isHearing() {
        return pushes.isHearing();
    }

    @Override
    public void close() {
        pulse.close();
        redis.close();
    }
}
