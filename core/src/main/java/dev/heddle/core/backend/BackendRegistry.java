package dev.heddle.core.backend;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** The configured backends, as an immutable snapshot that a reload replaces. Thread-safe. */
public final class BackendRegistry {

    /** All backends at one moment, in the order of the configuration. */
    public record Snapshot(long version, Map<BackendId, Backend> backends) {
        public Optional<Backend> find(BackendId id) {
            return Optional.ofNullable(backends.get(id));
        }
    }

    /** A replacement of one snapshot by the next. */
    public record Change(Snapshot before, Snapshot after) {
        /** Whether {@code id} is the same backend before and after. */
        public boolean keeps(BackendId id) {
            return before.find(id).equals(after.find(id));
        }
    }

    private final ReentrantLock replacing =
            new ReentrantLock(); // orders changes, so that listeners hear them in turn
    private final List<Consumer<Change>> listeners = new CopyOnWriteArrayList<>();
    private volatile Snapshot snapshot;

    public BackendRegistry(List<Backend> backends) {
        this.snapshot = new Snapshot(1, byId(backends));
    }

    public Snapshot snapshot() {
        return snapshot;
    }

    /** Shows {@code backends} from now on, and tells the listeners, which must not block. */
    public void replace(List<Backend> backends) {
        replacing.lock();
        try {
            var before = snapshot;
            snapshot = new Snapshot(before.version() + 1, byId(backends));
            var change = new Change(before, snapshot);
            listeners.forEach(listener -> listener.accept(change));
        } finally {
            replacing.unlock();
        }
    }

    /** Tells {@code listener} of each replacement that comes. */
    public void subscribe(Consumer<Change> listener) {
        listeners.add(listener);
    }

    private static Map<BackendId, Backend> byId(List<Backend> backends) {
        var byId = new LinkedHashMap<BackendId, Backend>();
        for (var backend : backends) {
            if (byId.put(backend.id(), backend) != null) {
                throw new IllegalArgumentException(
                        "backend '" + backend.id() + "' occurs twice (expected: once)");
            }
        }
        return Collections.unmodifiableMap(byId);
    }
}
