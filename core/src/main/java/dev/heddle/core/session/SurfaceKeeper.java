package dev.heddle.core.session;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.core.aggregation.Part;
import dev.heddle.core.aggregation.Surface;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.protocol.Method;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Keeps one session's surface true: what its client sees, given what each backend offers to it.
 *
 * <p>Until a backend has told this session itself what it offers, the session sees what others see.
 * Thread-safe.
 */
final class SurfaceKeeper {

    /**
     * One backend's share.
     *
     * @param key under which others like this client see it
     * @param own whether the backend has told this session itself
     */
    private record Share(CatalogKey key, Optional<Catalog> catalog, boolean own) {}

    private final Shared shared;
    private final ClientProfile profile;
    private final Consumer<String> listChanged;
    private final ReentrantLock lock =
            new ReentrantLock(); // guards shares, and orders replacements of surface
    private final Map<BackendId, Share> shares = new LinkedHashMap<>();
    private boolean shown; // guarded by lock
    private volatile Surface surface = Surface.EMPTY;

    /**
     * @param listChanged takes the method that tells the client of a changed list; must not block
     */
    SurfaceKeeper(Shared shared, ClientProfile profile, Consumer<String> listChanged) {
        this.shared = shared;
        this.profile = profile;
        this.listChanged = listChanged;
    }

    Surface surface() {
        return surface;
    }

    /** Shows the offers of {@code backends}, in that order, as far as they are known. */
    void show(Iterable<Backend> backends) {
        change(
                () -> {
                    var before = Map.copyOf(shares);
                    shares.clear();
                    for (var backend : backends) {
                        var key = CatalogKey.of(backend, profile);
                        var known = before.get(backend.id());
                        boolean same = known != null && known.key().equals(key);
                        shares.put(
                                backend.id(),
                                same
                                        ? known
                                        : new Share(key, shared.catalogs().nearest(key), false));
                    }
                    return true;
                });
    }

    /** Whether anything is known of what {@code backend} offers. */
    boolean knows(BackendId backend) {
        lock.lock();
        try {
            var share = shares.get(backend);
            return share != null && share.catalog().isPresent();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Shows what {@code backend} has just offered to this session, whatever it offers to others.
     */
    void offered(BackendId backend, Catalog catalog) {
        change(
                () -> {
                    var share = shares.get(backend);
                    if (share != null) {
                        var interned = shared.catalogs().remember(share.key(), catalog);
                        shares.put(backend, new Share(share.key(), Optional.of(interned), true));
                    }
                    return share != null;
                });
    }

    /**
     * Shows what a backend offers to others now, as far as that says what it offers to this
     * session.
     *
     * @return whether this session knows what it has to know; if not, it has to ask the backend
     */
    boolean published(CatalogKey key, Optional<Catalog> before, Catalog catalog) {
        return change(() -> adopt(key, before, catalog)) || !mustAsk(key);
    }

    private boolean adopt(CatalogKey key, Optional<Catalog> before, Catalog catalog) {
        var share = shares.get(key.backend());
        if (share == null || !applies(key, before, share)) {
            return false;
        }
        shares.put(key.backend(), new Share(share.key(), Optional.of(catalog), share.own()));
        return true;
    }

    /** Whether a session with {@code share} sees what those see to whom {@code key} applies. */
    private boolean applies(CatalogKey key, Optional<Catalog> before, Share share) {
        if (key.equals(share.key())) {
            return !share.own()
                    || before.map(Catalog::digest).equals(share.catalog().map(Catalog::digest));
        }
        return !share.own()
                && key.place().equals(share.key().place())
                && shared.catalogs().known(share.key()).isEmpty();
    }

    /** Whether nobody else will tell what a change under {@code key} means for this session. */
    private boolean mustAsk(CatalogKey key) {
        lock.lock();
        try {
            var share = shares.get(key.backend());
            return share != null
                    && key.place().equals(share.key().place())
                    && (key.equals(share.key()) || !isWatched(share.key()));
        } finally {
            lock.unlock();
        }
    }

    private boolean isWatched(CatalogKey key) {
        return shared.watches().filter(watches -> watches.covers(key)).isPresent();
    }

    /** Shows or hides the offers of a backend whose health has changed. */
    void healthChanged() {
        change(() -> true);
    }

    private boolean change(BooleanSupplier edit) {
        boolean edited;
        List<String> changed;
        lock.lock();
        try {
            edited = edit.getAsBoolean();
            changed = edited ? replaceSurface() : List.of();
        } finally {
            lock.unlock();
        }
        changed.forEach(listChanged);
        return edited;
    }

    private List<String> replaceSurface() {
        var parts = new ArrayList<Part>();
        shares.forEach(
                (id, share) ->
                        share.catalog()
                                .ifPresent(
                                        catalog ->
                                                parts.add(
                                                        new Part(
                                                                id,
                                                                catalog,
                                                                shared.health()
                                                                        .health(id)
                                                                        .state()
                                                                        .usable()))));
        var before = surface;
        var next = shared.aggregator().aggregate(parts).following(before);
        surface = next;
        if (!shown) {
            shown = true;
            return List.of();
        }
        var changed = new ArrayList<String>();
        compare(before, next, Surface::tools, Method.TOOLS_CHANGED, changed);
        compare(before, next, Surface::resources, Method.RESOURCES_CHANGED, changed);
        compare(before, next, Surface::templates, Method.RESOURCES_CHANGED, changed);
        compare(before, next, Surface::prompts, Method.PROMPTS_CHANGED, changed);
        return changed.stream().distinct().toList();
    }

    private static void compare(
            Surface before,
            Surface next,
            Function<Surface, Listing> list,
            String method,
            List<String> changed) {
        if (!list.apply(before).digest().equals(list.apply(next).digest())) {
            changed.add(method);
        }
    }
}
