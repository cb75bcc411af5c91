package dev.heddle.core.session;

import dev.heddle.core.exchange.Interner;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Keeps session records in this process. Takes no lock across operations; thread-safe. */
public final class LocalSessionStorage implements SessionStorage {
    private final Duration timeToLive;
    private final InstantSource clock;
    private final Map<String, Kept> records = new ConcurrentHashMap<>();
    private final Interner<String> texts = new Interner<>();

    private record Kept(Map<String, String> fields, Instant until) {
        /** A session that was terminated is kept no longer than it would have been. */
        Kept until(Instant now, Duration timeToLive) {
            return Metadata.isTerminated(fields) ? this : new Kept(fields, now.plus(timeToLive));
        }
    }

    public LocalSessionStorage(Duration timeToLive, InstantSource clock) {
        this.timeToLive = timeToLive;
        this.clock = clock;
    }

    @Override
    public boolean create(String id, Map<String, String> record) {
        var done = new boolean[1];
        records.compute(
                id,
                (_, kept) -> {
                    done[0] = kept == null || isOver(kept);
                    return done[0] ? keep(record) : kept;
                });
        return done[0];
    }

    @Override
    public Optional<Map<String, String>> load(String id) {
        return Optional.ofNullable(records.get(id)).filter(kept -> !isOver(kept)).map(Kept::fields);
    }

    @Override
    public boolean touch(String id) {
        var kept =
                records.computeIfPresent(
                        id,
                        (_, now) -> isOver(now) ? null : now.until(clock.instant(), timeToLive));
        return kept != null && !Metadata.isTerminated(kept.fields());
    }

    @Override
    public boolean update(String id, Changes changes) {
        var done = new boolean[1];
        records.computeIfPresent(
                id,
                (_, kept) -> {
                    if (isOver(kept)) {
                        return null;
                    }
                    if (Metadata.isTerminated(kept.fields())
                            || !isAsExpected(kept.fields(), changes)) {
                        return kept;
                    }
                    done[0] = true;
                    var fields = new HashMap<>(kept.fields());
                    fields.keySet().removeAll(changes.remove());
                    fields.putAll(changes.set());
                    return keep(fields);
                });
        return done[0];
    }

    private static boolean isAsExpected(Map<String, String> fields, Changes changes) {
        return changes.expected().entrySet().stream()
                .allMatch(
                        field -> fields.getOrDefault(field.getKey(), "").equals(field.getValue()));
    }

    @Override
    public boolean upsert(String id, Map<String, String> record) {
        var done = new boolean[1];
        records.compute(
                id,
                (_, kept) -> {
                    boolean fresh = kept == null || isOver(kept);
                    if (!fresh && Metadata.isTerminated(kept.fields())) {
                        return kept;
                    }
                    done[0] = true;
                    var fields =
                            fresh ? new HashMap<String, String>() : new HashMap<>(kept.fields());
                    fields.putAll(record);
                    return keep(fields);
                });
        return done[0];
    }

    @Override
    public void delete(String id) {
        records.remove(id);
    }

    /** Removes a record that is as expected. Returns whether it was. */
    boolean delete(String id, Map<String, String> expected) {
        var kept = records.get(id);
        return kept != null && kept.fields().equals(expected) && records.remove(id, kept);
    }

    /** The ids of all records, expired ones included until the next sweep. */
    Set<String> ids() {
        return Set.copyOf(records.keySet());
    }

    /** Forgets the records that have expired. Takes its time. */
    @Override
    public void sweep() {
        Stroll.through(
                records.entrySet(),
                record -> {
                    if (isOver(record.getValue())) {
                        records.remove(record.getKey(), record.getValue());
                    }
                });
    }

    /** How many records are kept, expired ones included until the next sweep. */
    public int size() {
        return records.size();
    }

    /** Whether many sessions have the same value there. */
    private static boolean isCommon(String key) {
        return key.equals(Metadata.BACKEND_IDS) || key.equals(Metadata.PROFILE);
    }

    private boolean isOver(Kept kept) {
        return !clock.instant().isBefore(kept.until());
    }

    private Kept keep(Map<String, String> fields) {
        var own = new HashMap<String, String>();
        fields.forEach(
                (key, value) ->
                        own.put(texts.intern(key), isCommon(key) ? texts.intern(value) : value));
        return new Kept(Map.copyOf(own), clock.instant().plus(timeToLive));
    }
}
