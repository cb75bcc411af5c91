package dev.heddle.redis;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.Metadata;
import dev.heddle.core.session.SessionStorage.Following;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Supplier;

/** A record that one session goes by, as far as it is known here. Thread-safe. */
final class Followed implements Following {
    private final String id;
    private final Pushes.Follower follower;
    private final Records records;
    private final Content content;
    private final Runnable check;
    private final BiConsumer<String, Map<String, String>> create;
    private volatile long losses;

    /**
     * @param check looks whether the store has lost what it held; blocks
     * @param create adds the record of that id, unless there is one; blocks
     */
    Followed(
            String id,
            Pushes.Follower follower,
            Records records,
            Content content,
            Runnable check,
            BiConsumer<String, Map<String, String>> create) {
        this.id = id;
        this.follower = follower;
        this.records = records;
        this.content = content;
        this.check = check;
        this.create = create;
        this.losses = content.losses();
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
        check.run();
        var known = ours.get();
        if (known.isPresent() && before != content.losses()) {
            return written(known.get());
        } else if (known.isEmpty() && content.isRecovering()) {
            throw new Fault.StorageUnavailable("what it kept is being written again");
        }
        return record;
    }

    private Optional<Map<String, String>> loadNoting() {
        var record = records.load(id);
        record.ifPresent(known -> follower.noteVersion(Metadata.version(known)));
        return record;
    }

    private Optional<Map<String, String>> written(Map<String, String> ours) {
        var record = new HashMap<>(ours);
        record.put(Metadata.VERSION, Long.toString(follower.newest()));
        create.accept(id, record);
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
