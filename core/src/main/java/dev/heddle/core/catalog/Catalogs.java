package dev.heddle.core.catalog;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Interner;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * The last known catalog of every backend, for every kind of client that has been seen: what
 * watches have published, and what sessions have learned when they began. The two are kept apart,
 * since only the first says what has changed for everybody. Thread-safe.
 */
public final class Catalogs {

    /** Hears of each published catalog that replaces a different one, or none. Must not block. */
    @FunctionalInterface
    public interface Listener {
        void changed(CatalogKey key, Optional<Catalog> before, Catalog after);
    }

    private static final int MAX_KINDS = 64;

    private record Known(Catalog catalog, long order) {}

    private final Map<CatalogKey, Known> published = new ConcurrentHashMap<>();
    private final Map<CatalogKey, Known> learned = new ConcurrentHashMap<>();
    private final Interner<CatalogKey> keys = new Interner<>();
    private final AtomicLong orders = new AtomicLong();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    /** Under which key a client of this kind finds what {@code backend} offers it. */
    public CatalogKey key(Backend backend, ClientProfile profile) {
        return keys.intern(CatalogKey.of(backend, profile));
    }

    /** What a watch has published last for exactly this kind of client. */
    public Optional<Catalog> published(CatalogKey key) {
        return Optional.ofNullable(published.get(key)).map(Known::catalog);
    }

    /** Whether exactly this kind of client has been told what the backend offers. */
    public boolean knows(CatalogKey key) {
        return published.containsKey(key) || learned.containsKey(key);
    }

    /**
     * What is known best of what this kind of client is offered: what was published for it, if that
     * is {@code fresh}; else the newest of what one of its own has learned and what was published
     * for anybody at the same place; else what anybody there has learned.
     */
    public Optional<Catalog> nearest(CatalogKey key, boolean fresh) {
        var own = published.get(key);
        if (fresh && own != null) {
            return Optional.of(own.catalog());
        }
        var mine = Optional.ofNullable(learned.get(key)).stream();
        return newest(Stream.concat(mine, at(key, published)))
                .or(() -> newest(at(key, learned)))
                .map(Known::catalog);
    }

    private static Stream<Known> at(CatalogKey like, Map<CatalogKey, Known> known) {
        return known.entrySet().stream()
                .filter(entry -> entry.getKey().backend().equals(like.backend()))
                .filter(entry -> entry.getKey().place().equals(like.place()))
                .map(Map.Entry::getValue);
    }

    private static Optional<Known> newest(Stream<Known> known) {
        return known.max(Comparator.comparingLong(Known::order));
    }

    /** What is known at the same place whose lists have a digest that begins so. */
    public Optional<Catalog> find(CatalogKey key, String lists) {
        return Stream.concat(at(key, published), at(key, learned))
                .map(Known::catalog)
                .filter(catalog -> catalog.lists().startsWith(lists))
                .findAny();
    }

    /** The one shared instance of a catalog's content. */
    public Catalog interned(Catalog catalog) {
        return Stream.of(published, learned)
                .flatMap(known -> known.values().stream())
                .map(Known::catalog)
                .filter(other -> other.digest().equals(catalog.digest()))
                .findAny()
                .orElse(catalog);
    }

    /**
     * Remembers what a backend offers to sessions of this kind when they begin. Returns the one
     * shared instance of that content.
     */
    public Catalog learn(CatalogKey key, Catalog catalog) {
        return remember(learned, key, catalog);
    }

    private Catalog remember(Map<CatalogKey, Known> known, CatalogKey key, Catalog catalog) {
        var shared = interned(catalog);
        known.put(key, new Known(shared, orders.incrementAndGet()));
        forgetOldest(known, key);
        return shared;
    }

    /**
     * Kinds of clients are what clients say they are, and so must not be remembered without end.
     */
    private static void forgetOldest(Map<CatalogKey, Known> known, CatalogKey like) {
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
        published.keySet().removeIf(key -> !configured.contains(key.backend()));
        learned.keySet().removeIf(key -> !configured.contains(key.backend()));
    }

    /**
     * Remembers what a backend offers to everybody of this kind, and tells the listeners if that is
     * something else than what was published before.
     */
    public void publish(CatalogKey key, Catalog catalog) {
        var before = published(key);
        var shared = remember(published, key, catalog);
        if (before.isEmpty() || !before.get().digest().equals(shared.digest())) {
            listeners.forEach(listener -> listener.changed(key, before, shared));
        }
    }

    public void subscribe(Listener listener) {
        listeners.add(listener);
    }
}
