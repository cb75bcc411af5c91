package dev.heddle.core.exchange;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets equal values that are kept for long be one object. Forgets all of them when there are too
 * many, which costs nothing but room. Thread-safe.
 */
public final class Interner<T> {
    private static final int MOST = 1024;

    private final Map<T, T> known = new ConcurrentHashMap<>();

    /** The object that stands for all that equal {@code value}. */
    public T intern(T value) {
        var first = known.get(value);
        if (first != null) {
            return first;
        }
        if (known.size() >= MOST) {
            known.clear();
        }
        var other = known.putIfAbsent(value, value);
        return other == null ? value : other;
    }
}
