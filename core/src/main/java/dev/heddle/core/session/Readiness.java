package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.session.Metadata.Noted;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;

/**
 * Which backends a session opens by itself, and when: as it begins, when its client goes on, when
 * somebody wants to see all that there is, and when others are configured. Thread-safe.
 */
final class Readiness {
    private final boolean implicit;
    private final Shared shared;
    private final Conversations conversations;
    private final SurfaceKeeper surfaces;
    private final Offers offers;
    private final Predicate<Conversation> elsewhere;
    private final ReentrantLock rebasing =
            new ReentrantLock(); // orders replacements of the backends
    private volatile boolean ready; // whether the client has heard that the session has begun
    private volatile boolean whole; // whether all that is offered is to be shown
    private volatile boolean restored; // what has not been opened elsewhere need not be here
    private volatile Set<BackendId> late = Set.of();
    private volatile Runnable settling = () -> {};

    /**
     * @param elsewhere whether another process holds a conversation, which cannot move here
     */
    Readiness(
            SessionType type,
            Shared shared,
            Conversations conversations,
            SurfaceKeeper surfaces,
            Offers offers,
            Predicate<Conversation> elsewhere) {
        this.implicit = type == SessionType.IMPLICIT;
        this.ready = type == SessionType.EMBEDDED;
        this.whole = !implicit;
        this.shared = shared;
        this.conversations = conversations;
        this.surfaces = surfaces;
        this.offers = offers;
        this.elsewhere = elsewhere;
    }

    /**
     * Shows what is known of {@code backends} and opens, in the background, those of which nothing
     * is known.
     *
     * @param noted what is known of the conversations with them, if the session is restored
     * @param slow backends that have let others wait in vain, and are not waited for
     */
    void begin(Iterable<Backend> backends, Map<BackendId, Noted> noted, Set<BackendId> slow) {
        restored = !noted.isEmpty();
        conversations.replace(backends, noted);
        surfaces.show(backends);
        if (!restored) {
            surfaces.tellChanges();
        }
        late = slow;
        if (whole) {
            offers.beginColdStart(awaited(), false);
        }
        openInBackground();
    }

    private List<BackendId> awaited() {
        return conversations.all().stream()
                .map(conversation -> conversation.backend().id())
                .filter(backend -> !late.contains(backend))
                .toList();
    }

    /** Runs {@code task}, which may block, for whoever wants to see all that is offered. */
    void whenWanted(Runnable task) {
        settling = task;
    }

    /**
     * Waits for the backends of which nothing was known at the beginning, at most for {@code
     * patience}. Returns those of which nothing is known still.
     */
    Set<BackendId> awaitColdStart(Duration patience) {
        return offers.awaitColdStart(patience);
    }

    /** The backends that the session cannot use now, or of which nothing is known. */
    List<BackendId> unavailable() {
        return conversations.all().stream()
                .map(conversation -> conversation.backend().id())
                .filter(
                        backend ->
                                !surfaces.knows(backend)
                                        || !shared.health().health(backend).state().usable())
                .toList();
    }

    /**
     * The client has the answer to its initialize and goes on: from now on, all conversations are
     * opened in the background that are not opened on demand.
     */
    void clientIsReady() {
        ready = true;
        openInBackground();
    }

    /** Whoever asks for something has the answer too, even if it has not said so. */
    void noteReady() {
        if (!ready) {
            clientIsReady();
        }
    }

    /** As of {@link MultiSession#isSettled}. */
    boolean isSettled() {
        return whole && offers.isColdStartOver();
    }

    /** As of {@link MultiSession#settle}. */
    void settle() {
        if (beginsWhole()) {
            openInBackground();
        }
        if (!isSettled()) {
            settling.run();
        }
    }

    /** Whoever finds the session whole finds too what it waits for. */
    private boolean beginsWhole() {
        rebasing.lock();
        try {
            boolean begins = !whole;
            if (begins) {
                offers.beginColdStart(awaited(), true);
                whole = true;
            }
            return begins;
        } finally {
            rebasing.unlock();
        }
    }

    /**
     * Goes on with the newest {@code backends}. Returns the conversations with those that are gone
     * or changed, for the caller to close.
     */
    List<Conversation> replace(Supplier<Collection<Backend>> backends) {
        rebasing.lock();
        try {
            var newest = backends.get();
            var dropped = conversations.replace(newest, Map.of());
            surfaces.show(newest);
            return dropped;
        } finally {
            rebasing.unlock();
        }
    }

    /** A session whose client has not asked for all that there is opens what it needs. */
    void openInBackground() {
        if (whole) {
            conversations.all().stream().filter(this::isToOpen).forEach(conversations::prepare);
        }
    }

    private boolean isToOpen(Conversation conversation) {
        var backend = conversation.backend();
        boolean knows = surfaces.knows(backend.id());
        boolean differs = surfaces.mayDiffer(backend.id());
        boolean onDemand =
                backend.target().lazy() && (shared.watches().isPresent() || knows) && !differs;
        boolean early = knows && (implicit ? !differs : !ready);
        boolean left = restored && !conversation.isNoted();
        return !onDemand
                && !early
                && !left
                && !elsewhere.test(conversation)
                && shared.health().health(backend.id()).state().usable();
    }
}
