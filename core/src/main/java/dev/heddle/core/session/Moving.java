package dev.heddle.core.session;

import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.RepeatedTask;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.core.tasks.Tasks;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What one session notes so that it can go on in another process, and how it goes on from what
 * another one has noted. Thread-safe.
 */
final class Moving {
    /** How soon it is tried again to note what could not be noted. */
    static final Duration AGAIN = Duration.ofSeconds(5);

    private static final int TIMES = 10;

    private final SessionRecord record;
    private final Shared shared;
    private final SurfaceKeeper surfaces;
    private final StandingStream standing;
    private final SessionEvents events;
    private final Offers offers;
    private final Conversations conversations;
    private final Tasks tasks;
    private final Elsewhere elsewhere;
    private final Home home;
    private final @Nullable RepeatedTask noting; // which lists have been shown
    private final AtomicBoolean late = new AtomicBoolean(); // something has yet to be noted
    private volatile boolean unheard; // among it who listens
    private volatile boolean ended;

    Moving(
            SessionRecord record,
            Shared shared,
            SurfaceKeeper surfaces,
            StandingStream standing,
            SessionEvents events,
            Offers offers,
            Conversations conversations,
            Tasks tasks,
            Elsewhere elsewhere,
            Home home) {
        this.record = record;
        this.shared = shared;
        this.surfaces = surfaces;
        this.standing = standing;
        this.events = events;
        this.offers = offers;
        this.conversations = conversations;
        this.tasks = tasks;
        this.elsewhere = elsewhere;
        this.home = home;
        record.whenLate(this::catchUpSoon);
        this.noting =
                record.isShared() ? new RepeatedTask(shared.virtual(), this::noteShown) : null;
    }

    /** What only other processes need to know. */
    Map<String, String> metadata(Instant created) {
        if (!record.isShared()) {
            return Map.of();
        }
        var metadata = new HashMap<>(SessionRecord.shown(surfaces.shown()));
        metadata.putAll(offers.metadata());
        metadata.putAll(home.metadata());
        metadata.putAll(listening());
        tasks.made().forEach(task -> metadata.put(Metadata.field(task), task.name()));
        metadata.put(Metadata.CREATED, Long.toString(created.toEpochMilli()));
        return metadata;
    }

    /** Who listens. */
    private Map<String, String> listening() {
        if (standing.isShared()) {
            return Map.of();
        } else if (standing.isAwaited() && elsewhere.isHere()) {
            return record.listening();
        }
        var other = elsewhere.listener();
        return other.isEmpty() ? Map.of() : Map.of(Metadata.LISTENER, other);
    }

    /** The client has been told that a list is another one now. Never blocks. */
    void shown() {
        if (noting != null) {
            noting.soon();
        }
    }

    private void noteShown() {
        record.note(Changes.set(SessionRecord.shown(surfaces.shown())).quietly());
    }

    /** Goes on from what is noted. May block. */
    void catchUp(Map<String, String> noted) {
        var known = record.settled(noted);
        for (var conversation : conversations.all()) {
            var backend = conversation.backend().id();
            conversation.catchUp(Metadata.noted(known, backend, events.usual()));
        }
        offers.catchUp(known, conversations);
        Metadata.level(known).ifPresent(this::level);
        conversations.subscriptions().catchUp(Metadata.subscriptions(known), conversations.all());
        tasks.join(Metadata.tasks(known));
        elsewhere.listens(record.listener(known));
        standing.handOver();
        if (home.catchUp(known)) {
            conversations.giveAwayBound();
        }
    }

    /** Whoever has set it may not know of what is open here. */
    private void level(LogLevel wanted) {
        if (events.level().filter(wanted::equals).isEmpty()) {
            events.level(wanted);
            conversations.setLevelHere(wanted);
        }
    }

    /**
     * The process with the client's newest stream is the one that listens for the session. What was
     * updated before it did may have been missed.
     */
    void listenHere() {
        if (record.isShared() && !standing.isShared()) {
            elsewhere.comes();
            shared.virtual()
                    .execute(
                            () -> {
                                note(Changes.set(record.listening()));
                                if (elsewhere.listens("")) {
                                    conversations
                                            .subscriptions()
                                            .all()
                                            .forEach(standing::resourceUpdated);
                                }
                                conversations.applyListening();
                            });
        }
    }

    /** A process whose client does not come back leaves the listening to others. */
    void listenNoMore() {
        if (record.isShared() && !standing.isAwaited() && !elsewhere.isListening()) {
            shared.virtual().execute(() -> note(record.listeningNoMore()));
        }
    }

    /** Notes who listens, once the store can be asked. */
    private void note(Changes listening) {
        unheard = !record.tryNote(listening);
    }

    /** The session has ended here. */
    void end() {
        ended = true;
    }

    private void catchUpSoon() {
        if (record.isShared() && !ended && !late.getAndSet(true)) {
            shared.alarms().after(AGAIN, () -> shared.virtual().execute(this::catchUpLate));
        }
    }

    /** Notes what could not be noted, and goes on from what others have noted. */
    private void catchUpLate() {
        late.set(false);
        if (ended) {
            return;
        }
        try {
            catchUpNewest();
        } catch (Fault.StorageUnavailable away) {
            catchUpSoon();
            return;
        }
        conversations.applyListening();
        if (unheard && standing.isOpen()) {
            listenHere();
        } else if (unheard && standing.isAwaited()) {
            note(record.listeningFirst()); // the client may be elsewhere by now
        } else if (unheard) {
            listenNoMore();
        }
    }

    /** Whoever was overtaken while catching up does so again. */
    private void catchUpNewest() {
        var before = Optional.<Map<String, String>>empty();
        var now = record.load();
        for (int i = 0; i < TIMES && now.isPresent() && !now.equals(before); i++) {
            catchUp(now.get());
            before = now;
            now = record.load();
        }
    }
}
