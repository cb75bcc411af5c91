package dev.heddle.core.catalog;

import dev.heddle.core.backend.BackendId;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The last known catalog of every backend, for every kind of client that has been seen.
 * Thread-safe.
 */
public final class Catalogs {

    /** Hears of each catalog that replaces a different one, or none. Must not block. */
    @FunctionalInterface
    public interface Listener {
        void changed(CatalogKey key, Optional<Catalog> before, Catalog after);
    }

    private static final int MAX_KINDS = 64;

    private record Known(Catalog catalog, long order) {}

    private final Map<CatalogKey, Known> known = new ConcurrentHashMap<>();
    private final AtomicLong orders = new AtomicLong();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    /** The catalog for exactly this kind of client. */
    public Optional<Catalog> known(CatalogKey key) {
        return Optional.ofNullable(known.get(key)).map(Known::catalog);
    }

    /**
     * The catalog for this kind of client, or else the newest one for any other kind at the same
     * place.
     */
    public Optional<Catalog> nearest(CatalogKey key) {
        return known(key)
                .or(
                        () ->
                                known.entrySet().stream()
                                        .filter(
                                                entry ->
                                                        entry.getKey()
                                                                .backend()
                                                                .equals(key.backend()))
                                        .filter(entry -> entry.getKey().place().equals(key.place()))
                                        .map(Map.Entry::getValue)
                                        .max(Comparator.comparingLong(Known::order))
                                        .map(Known::catalog));
    }

    /** Remembers what a backend offers. Returns the one shared instance of that content. */
    public Catalog remember(CatalogKey key, Catalog catalog) {
        var shared =
                known.values().stream()
                        .map(Known::catalog)
                        .filter(other -> other.digest().equals(catalog.digest()))
                        .findAny()
                        .orElse(catalog);
        known.put(key, new Known(shared, orders.incrementAndGet()));
        forgetOldest(key);
        return shared;
    }

    /**
     * Kinds of clients are what clients say they are, and so must not be remembered without end.
     */
    private void forgetOldest(CatalogKey like) {
        var kinds =
                known.entrySet().stream()
                        .filter(entry -> entry.getKey().backend().equals(like.backend()))
                        .sorted(Comparator.comparingLong(entry -> -entry.getValue().order()))
                        .map(Map.Entry::getKey)
                        .toList();
        kinds.stream().skip(MAX_KINDS).forEach(known::remove);
    }

    /** Forgets the backends that are not in {@code configured}. */
    public void retain(Set<BackendId> configured) {
        known.keySet().removeIf(key -> !configured.contains(key.backend()));
    }

    /**
     * Remembers what a backend offers, and tells the listeners if that is something else than
     * before.
     */
    public void publish(CatalogKey key, Catalog catalog) {
        var before = known(key);
        var shared = remember(key, catalog);
        if (before.isEmpty() || !before.get().digest().equals(shared.digest())) {
            listeners.forEach(listener -> listener.changed(key, before, shared));
        }
    }

    public void subscribe(Listener listener) {
        listeners.add(listener);
    }
}
