package dev.heddle.core.exchange;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;

/**
 * A map that is empty most of the time, and then takes hardly any room: every session has several.
 * Thread-safe; what it shows of several entries is how they were at one moment.
 */
public final class SparseMap<K, V> {
    private @Nullable K onlyKey; // of the one entry, guarded by this
    private @Nullable V onlyValue;
    private @Nullable Map<K, V> several; // if there are more than one, guarded by this

    /** Whether there is no entry. */
    public synchronized boolean isEmpty() {
        return size() == 0;
    }

    public synchronized int size() {
        return several != null ? several.size() : onlyKey != null ? 1 : 0;
    }

    public synchronized @Nullable V get(K key) {
        return several != null ? several.get(key) : key.equals(onlyKey) ? onlyValue : null;
    }

    /** Sets a value, and returns the one before. */
    public synchronized @Nullable V put(K key, V value) {
        if (several != null) {
            return several.put(key, value);
        }
        var before = key.equals(onlyKey) ? onlyValue : null;
        if (onlyKey == null || before != null) {
            onlyKey = key;
            onlyValue = value;
        } else {
            several = new HashMap<>();
            several.put(onlyKey, requireValue());
            several.put(key, value);
            onlyKey = null;
            onlyValue = null;
        }
        return before;
    }

    private V requireValue() {
        if (onlyValue == null) {
            throw new IllegalStateException("a key without a value");
        }
        return onlyValue;
    }

    /** Sets a value unless there is one, which is then returned. */
    public synchronized @Nullable V putIfAbsent(K key, V value) {
        var before = get(key);
        return before == null ? put(key, value) : before;
    }

    public synchronized @Nullable V remove(K key) {
        if (several != null) {
            var before = several.remove(key);
            if (several.isEmpty()) {
                several = null;
            }
            return before;
        }
        if (!key.equals(onlyKey)) {
            return null;
        }
        var before = onlyValue;
        onlyKey = null;
        onlyValue = null;
        return before;
    }

    /** Removes the entry if its value is {@code value}. */
    public synchronized boolean remove(K key, V value) {
        boolean there = value.equals(get(key));
        if (there) {
            remove(key);
        }
        return there;
    }

    /** Sets another value if there is the value {@code before}. */
    public synchronized boolean replace(K key, V before, V after) {
        boolean there = before.equals(get(key));
        if (there) {
            put(key, after);
        }
        return there;
    }

    /** The values as they are now. */
    public synchronized List<V> values() {
        return several != null
                ? List.copyOf(several.values())
                : onlyValue != null ? List.of(onlyValue) : List.of();
    }

    /** The keys as they are now. */
    public synchronized List<K> keys() {
        return several != null
                ? List.copyOf(several.keySet())
                : onlyKey != null ? List.of(onlyKey) : List.of();
    }

    /** Hands on the entries as they are now, without holding anybody up. */
    public void forEach(BiConsumer<? super K, ? super V> taker) {
        List<Map.Entry<K, V>> entries;
        synchronized (this) {
            entries = entries();
        }
        entries.forEach(entry -> taker.accept(entry.getKey(), entry.getValue()));
    }

    private List<Map.Entry<K, V>> entries() {
        var all = new ArrayList<Map.Entry<K, V>>(size());
        if (several != null) {
            several.forEach((key, value) -> all.add(Map.entry(key, value)));
        } else if (onlyKey != null) {
            all.add(Map.entry(onlyKey, requireValue()));
        }
        return all;
    }
}
