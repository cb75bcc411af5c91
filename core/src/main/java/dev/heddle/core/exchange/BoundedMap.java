package dev.heddle.core.exchange;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A map that forgets the eldest entry when there are too many. Thread-safe. */
public final class BoundedMap<K, V> {
    private final int most;
    private @Nullable Map<K, V> entries; // made for the first; guarded by this

    /**
     * @param most how many entries there may be
     */
    public BoundedMap(int most) {
        this.most = most;
    }

    /** Sets a value, as the newest. */
    public synchronized void put(K key, V value) {
        if (entries == null) {
            entries = new LinkedHashMap<>();
        }
        entries.remove(key);
        entries.put(key, value);
        if (entries.size() > most) {
            entries.remove(entries.keySet().iterator().next());
        }
    }

    public synchronized Optional<V> get(K key) {
        return entries == null ? Optional.empty() : Optional.ofNullable(entries.get(key));
    }

    public boolean contains(K key) {
        return get(key).isPresent();
    }

    /** Removes an entry, and returns its value. */
    public synchronized Optional<V> remove(K key) {
        return entries == null ? Optional.empty() : Optional.ofNullable(entries.remove(key));
    }

    /** Whether some key has the value {@code value}. */
    public synchronized boolean containsValue(V value) {
        return entries != null && entries.containsValue(value);
    }
}
