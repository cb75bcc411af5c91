package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage.Changes;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/**
 * How one session learns what its backends offer to it, which may be more than they offer to
 * others, and how it goes on from what it has learned in other processes. Thread-safe.
 */
final class Offers {
    private static final Logger log = LoggerFactory.getLogger(Offers.class);

    /** How long a request waits for what has been learned elsewhere to be learned here. */
    static final Duration PATIENCE = Duration.ofSeconds(2);

    /** So many digits of a digest are noted. */
    private static final int BRIEF = 8;

    /** That a backend is being asked what it offers, and who waits for that. */
    private static final class Asking {
        private final CompletableFuture<Void> over = new CompletableFuture<>();
    }

    private final SessionRecord record;
    private final Shared shared;
    private final SurfaceKeeper surfaces;

    /** The digest of what each backend has listed, as the session's record has it. */
    private final SparseMap<BackendId, String> noted = new SparseMap<>();

    /** The backends that have offered something elsewhere which they are asked for here. */
    private final AtomicReference<Map<BackendId, Asking>> asked = new AtomicReference<>(Map.of());

    /** The backends that have said here that they offer something else now. */
    private final SparseMap<BackendId, Boolean> told = new SparseMap<>();

    private volatile boolean ended;
    private volatile ColdStart coldStart = ColdStart.OVER;

    Offers(SessionRecord record, Shared shared, SurfaceKeeper surfaces) {
        this.record = record;
        this.shared = shared;
        this.surfaces = surfaces;
    }

    /**
     * Waits from now on for those of {@code backends} of which nothing is known and nothing bad
     * either.
     *
     * @param implicit whether the session's clients may hear of no change, so that those are waited
     *     for too that may offer them more than others
     */
    void beginColdStart(List<BackendId> backends, boolean implicit) {
        var waiting = new ColdStart(backends);
        coldStart = waiting; // first, so that nothing that is told from now on is missed
        backends.stream()
                .filter(backend -> !isAwaited(backend, implicit))
                .forEach(waiting::settled);
    }

    private boolean isAwaited(BackendId backend, boolean implicit) {
        return shared.health().health(backend).failures() == 0
                && (!surfaces.knows(backend) || (implicit && surfaces.mayDiffer(backend)));
    }

    /** Waits as long as {@link #beginColdStart} says. Returns those that have not settled. */
    Set<BackendId> awaitColdStart(Duration patience) {
        var late = coldStart.await(patience);
        coldStart = ColdStart.OVER;
        return late;
    }

    boolean isColdStartOver() {
        return coldStart.equals(ColdStart.OVER);
    }

    /** {@code backend} has said what it offers, to whomever, or has failed to. */
    void settled(BackendId backend) {
        coldStart.settled(backend);
    }

    /** {@code backend} cannot be asked now. */
    void failed(BackendId backend) {
        settled(backend);
        answered(backend, asked.get().get(backend));
    }

    private void answered(BackendId backend, @Nullable Asking waiting) {
        if (waiting != null) {
            asked.updateAndGet(
                    now -> waiting.equals(now.get(backend)) ? without(now, backend) : now);
            waiting.over.complete(null);
        }
    }

    /** Whether what {@code backend} offers to this session need not be asked for. */
    boolean knows(BackendId backend) {
        return surfaces.knows(backend) && !asked.get().containsKey(backend);
    }

    /**
     * Asks a backend, blocking, what it offers, and shows that.
     *
     * @param current whether the conversation is still the session's
     * @param untouched as of {@link ConversationHost#readCatalog}
     */
    void read(
            Conversation conversation,
            Connected connected,
            Predicate<Conversation> current,
            BooleanSupplier untouched) {
        var backend = conversation.backend();
        var waiting = asked.get().get(backend.id());
        try {
            var introduction =
                    connected.introduction().isUnknown()
                            ? surfaces.introduction(backend.id()).orElse(connected.introduction())
                            : connected.introduction();
            var catalog = shared.reader().read(backend, connected.session(), introduction);
            if (current.test(conversation)) {
                if (isOwnNews(backend.id(), connected, waiting)) {
                    note(conversation, catalog);
                }
                surfaces.offered(backend.id(), catalog, untouched.getAsBoolean());
            }
        } catch (Fault failed) {
            noted.remove(backend.id()); // so that it is asked again when there is something new
            throw failed;
        } finally {
            settled(backend.id());
            answered(backend.id(), waiting);
        }
    }

    /**
     * What others have noted is not noted again, whatever it is here: a backend that lists
     * something else each time would have processes ask it in turns for ever.
     */
    private boolean isOwnNews(BackendId backend, Connected connected, @Nullable Asking waiting) {
        boolean toldHere = told.remove(backend) != null;
        return waiting == null || toldHere || !connected.introduction().isUnknown();
    }

    /** The backend itself has said, to this process, that it offers something else now. */
    void changed(Conversation conversation) {
        told.put(conversation.backend().id(), true);
        conversation.readCatalogSoon();
    }

    /** Notes it first, so that a client that hears of a change finds it in every process. */
    private void note(Conversation conversation, Catalog catalog) {
        if (!record.isShared() || conversation.backend().target().isBound()) {
            return;
        }
        var backend = conversation.backend().id();
        var before = noted.put(backend, catalog.lists());
        if (before == null || !catalog.lists().startsWith(before)) {
            var changes = Changes.set(Map.of(field(backend), brief(catalog.lists())));
            record.note(before == null ? changes.quietly() : changes);
        }
    }

    /** What is to be noted of what the backends have offered. */
    Map<String, String> metadata() {
        var fields = new LinkedHashMap<String, String>();
        noted.forEach((backend, digest) -> fields.put(field(backend), brief(digest)));
        return fields;
    }

    private static String field(BackendId backend) {
        return Metadata.BACKEND_CATALOG + backend;
    }

    private static String brief(String digest) {
        return digest.substring(0, Math.min(BRIEF, digest.length()));
    }

    /**
     * Shows what the backends of {@code conversations} have offered to this session in other
     * processes: at once if it is known, else when they have been asked.
     */
    void catchUp(Map<String, String> known, Conversations conversations) {
        for (var conversation : conversations.all()) {
            var backend = conversation.backend().id();
            var digest = known.getOrDefault(field(backend), "");
            boolean news = !digest.isEmpty() && !ended && isNews(backend, digest);
            if (news && !surfaces.show(backend, digest)) {
                ask(conversation, conversations);
            }
        }
    }

    private boolean isNews(BackendId backend, String digest) {
        var before = noted.get(backend);
        boolean news = before == null || !before.startsWith(digest);
        if (news) {
            noted.put(backend, digest);
        }
        return news;
    }

    /** Asks what the backend of {@code conversation} offers, in the background. */
    void ask(Conversation conversation, Conversations conversations) {
        var backend = conversation.backend().id();
        var waiting = new Asking();
        var before = asked.getAndUpdate(now -> with(now, backend, waiting)).get(backend);
        if (before != null) {
            waiting.over.thenRun(() -> before.over.complete(null));
        }
        shared.alarms().after(PATIENCE, () -> waiting.over.complete(null));
        if (conversation.open().isPresent()) {
            conversation.readCatalogSoon();
        } else {
            conversations.prepare(conversation);
        }
    }

    private static Map<BackendId, Asking> with(
            Map<BackendId, Asking> before, BackendId backend, Asking one) {
        var more = new HashMap<>(before);
        more.put(backend, one);
        return Map.copyOf(more);
    }

    private static Map<BackendId, Asking> without(
            Map<BackendId, Asking> before, BackendId backend) {
        var less = new HashMap<>(before);
        less.remove(backend);
        return Map.copyOf(less);
    }

    /** Whether backends are being asked what they have offered elsewhere. Takes no lock. */
    boolean isCatchingUp() {
        return !asked.get().isEmpty();
    }

    /** Runs {@code task} when they have been asked, or after a while: at once if there are none. */
    void whenCaughtUp(Runnable task) {
        var waiting =
                asked.get().values().stream()
                        .map(asking -> asking.over)
                        .toArray(CompletableFuture<?>[]::new);
        CompletableFuture.allOf(waiting)
                .thenRun(task)
                .exceptionally(
                        bug -> {
                            log.error("what waited for a backend's offers has failed", bug);
                            return null;
                        });
    }

    /** Asks nobody any more. */
    void end() {
        ended = true;
    }

    /** Forgets what {@code backends} have offered, which are not the session's any more. */
    void forget(Iterable<BackendId> backends) {
        backends.forEach(
                backend -> {
                    noted.remove(backend);
                    failed(backend);
                });
    }
}
