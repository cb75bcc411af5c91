package dev.heddle.core.session;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.core.aggregation.Part;
import dev.heddle.core.aggregation.Surface;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
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
    private record Share(CatalogKey key, @Nullable Catalog catalog, boolean own) {
        BackendId backend() {
            return key.backend();
        }
    }

    /**
     * What is known of the backends, and what the client sees of it: never one without the other.
     */
    private record View(List<Share> shares, Surface surface) {
        @Nullable Share find(BackendId backend) {
            for (var share : shares) {
                if (share.backend().equals(backend)) {
                    return share;
                }
            }
            return null;
        }

        /** The shares with another one in the place of {@code share}. */
        List<Share> with(Share share, @Nullable Catalog catalog, boolean own) {
            var next = new ArrayList<>(shares);
            next.replaceAll(
                    old ->
                            old.backend().equals(share.backend())
                                    ? new Share(share.key(), catalog, own)
                                    : old);
            return List.copyOf(next);
        }
    }

    private static final int SHORT = 8;

    private final Shared shared;
    private final ClientProfile profile;
    private final Consumer<String> listChanged;
    private final ReentrantLock lock = new ReentrantLock(); // orders replacements of the view
    private boolean telling; // of changes, guarded by lock
    private volatile View view = new View(List.of(), Surface.EMPTY);

    /**
     * @param listChanged takes the method that tells the client of a changed list; must not block
     */
    SurfaceKeeper(Shared shared, ClientProfile profile, Consumer<String> listChanged) {
        this.shared = shared;
        this.profile = profile;
        this.listChanged = listChanged;
    }

    Surface surface() {
        return view.surface();
    }

    /** A digest of each list that is shown, by the method that tells of its change. */
    Map<String, String> shown() {
        var now = view.surface();
        return Map.of(
                Method.TOOLS_CHANGED, digest(now.tools()),
                Method.RESOURCES_CHANGED, digest(now.resources()) + digest(now.templates()),
                Method.PROMPTS_CHANGED, digest(now.prompts()));
    }

    /** The client is told of what changes from now on. */
    void tellChanges() {
        lock.lock();
        try {
            telling = true;
        } finally {
            lock.unlock();
        }
    }

    /** The methods that tell of the lists that are others than those in {@code record}. */
    List<String> changed(Map<String, String> record) {
        return shown().entrySet().stream()
                .filter(
                        shown -> {
                            var field = Metadata.SHOWN + shown.getKey();
                            return !record.getOrDefault(field, shown.getValue())
                                    .equals(shown.getValue());
                        })
                .map(Map.Entry::getKey)
                .toList();
    }

    private static String digest(Listing list) {
        return list.digest().substring(0, SHORT);
    }

    /** Shows the offers of {@code backends}, in that order, as far as they are known. */
    void show(Iterable<Backend> backends) {
        change(
                now -> {
                    var next = new ArrayList<Share>();
                    for (var backend : backends) {
                        var key = shared.catalogs().key(backend, profile);
                        var known = now.find(backend.id());
                        boolean same = known != null && known.key().equals(key);
                        next.add(same ? known : new Share(key, nearest(key), false));
                    }
                    return Optional.of(List.copyOf(next));
                });
    }

    /** How each backend has introduced itself; empty for one of which nothing is known. */
    List<Optional<Introduction>> introductions() {
        return view.shares().stream()
                .map(share -> Optional.ofNullable(share.catalog()).map(Catalog::introduction))
                .toList();
    }

    private @Nullable Share find(BackendId backend) {
        return view.find(backend);
    }

    /** Whether what {@code backend} offers is shown, as far as it is known. Takes no lock. */
    boolean knows(BackendId backend) {
        var share = find(backend);
        return share != null && share.catalog() != null;
    }

    /**
     * Shows what {@code backend} has just offered to this session, whatever it offers to others.
     *
     * @param first whether nothing can have happened in the conversation that others would not see
     */
    void offered(BackendId backend, Catalog catalog, boolean first) {
        change(
                now -> {
                    var share = now.find(backend);
                    if (share == null) {
                        return Optional.empty();
                    }
                    var interned =
                            first
                                    ? shared.catalogs().learn(share.key(), catalog)
                                    : shared.catalogs().interned(catalog);
                    return Optional.of(now.with(share, interned, true));
                });
    }

    /**
     * Shows what {@code backend} has offered to this session elsewhere, if that is known here by
     * the digest of its lists. Returns whether it is.
     */
    boolean show(BackendId backend, String digest) {
        var shown = new AtomicBoolean();
        change(
                now -> {
                    var share = now.find(backend);
                    if (share == null) {
                        return Optional.empty();
                    }
                    var catalog =
                            Optional.ofNullable(share.catalog())
                                    .filter(known -> known.lists().startsWith(digest))
                                    .or(() -> shared.catalogs().find(share.key(), digest));
                    shown.set(catalog.isPresent());
                    return catalog.map(known -> now.with(share, known, true));
                });
        return shown.get();
    }

    /**
     * Whether {@code backend} may offer more to clients that can do what this one can, and nobody
     * like it has asked yet.
     */
    boolean mayDiffer(BackendId backend) {
        var share = find(backend);
        return share != null
                && !profile.capabilities().members().isEmpty()
                && !shared.catalogs().knows(share.key());
    }

    /** What is known of a tool as its backend lists it. */
    Optional<Json> tool(BackendId backend, String name) {
        return Optional.ofNullable(find(backend))
                .map(Share::catalog)
                .flatMap(catalog -> catalog.tool(name));
    }

    /** What a backend said of itself, as far as this session knows. */
    Optional<Introduction> introduction(BackendId backend) {
        return Optional.ofNullable(find(backend)).map(Share::catalog).map(Catalog::introduction);
    }

    /**
     * Shows what a backend offers to others now, as far as that says what it offers to this
     * session.
     *
     * @param before what was published earlier under {@code key}
     * @param canAsk whether this session has a conversation in which it could ask the backend
     * @return whether this session knows what it has to know; if not, it has to ask
     */
    boolean published(CatalogKey key, Optional<Catalog> before, Catalog catalog, boolean canAsk) {
        var knows = new AtomicBoolean(true);
        change(
                now -> {
                    var share = now.find(key.backend());
                    if (share == null || !key.place().equals(share.key().place())) {
                        return Optional.empty();
                    }
                    if (!share.own() || !canAsk) {
                        return Optional.of(now.with(share, nearest(share.key()), false));
                    }
                    if (!key.equals(share.key())) {
                        knows.set(isWatched(share.key()));
                        return Optional.empty();
                    }
                    if (isSame(share.catalog(), before.orElse(null))) {
                        return Optional.of(now.with(share, catalog, true));
                    }
                    knows.set(isSame(share.catalog(), catalog));
                    return Optional.empty();
                });
        return knows.get();
    }

    private @Nullable Catalog nearest(CatalogKey key) {
        return shared.catalogs().nearest(key, isWatched(key)).orElse(null);
    }

    private static boolean isSame(@Nullable Catalog one, @Nullable Catalog other) {
        return digest(one).equals(digest(other));
    }

    private static Optional<?> digest(@Nullable Catalog catalog) {
        return Optional.ofNullable(catalog).map(Catalog::digest);
    }

    private boolean isWatched(CatalogKey key) {
        return shared.watches().filter(watches -> watches.covers(key)).isPresent();
    }

    /** Shows or hides the offers of a backend whose health has changed. */
    void healthChanged() {
        change(now -> Optional.of(now.shares()));
    }

    /** What is to be known instead of what is known now; empty if nothing has changed. */
    private interface Edit {
        Optional<List<Share>> apply(View now);
    }

    private void change(Edit edit) {
        List<String> changed;
        lock.lock();
        try {
            changed = edit.apply(view).map(this::replaceView).orElse(List.of());
        } finally {
            lock.unlock();
        }
        changed.forEach(listChanged);
    }

    /** Shows {@code shares}. Returns what tells the client of lists that have changed by it. */
    private List<String> replaceView(List<Share> shares) {
        var parts = new ArrayList<Part>();
        for (var share : shares) {
            var catalog = share.catalog();
            if (catalog != null) {
                var health = shared.health().health(share.backend());
                parts.add(new Part(share.backend(), catalog, health.state().usable()));
            }
        }
        var before = view.surface();
        var next = shared.aggregator().aggregate(parts, profile.revision()).following(before);
        view = new View(shares, next);
        if (!telling) {
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
