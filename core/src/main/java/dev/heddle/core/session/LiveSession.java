package dev.heddle.core.session;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.events.EventLog;
import dev.heddle.core.events.Sharing;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A session that runs in this process, over the conversations with its backends. Checks no caller:
 * that is a decorator's task.
 *
 * <p>Calls own no socket and wait for no lock; each keeps the surface that it started with.
 * Thread-safe.
 */
final class LiveSession implements MultiSession {
    /** How long calls in flight may go on after the session's end. */
    static final Duration GRACE = Duration.ofSeconds(10);

    /** How long what has been said may take to go out when the session leaves. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    /** The streams of an implicit session are those of many clients. */
    private static final int MANY_STREAMS = 10_000;

    /** So are its calls. */
    private static final int MANY_CALLS = 10_000;

    /**
     * The limits of one session.
     *
     * @param openings how many conversations may be opening at the same time
     * @param streams how many streams its client may hold open
     * @param inFlight how many calls may be at backends at the same time
     */
    record Options(int openings, int streams, int inFlight) {}

    private final String id;
    private final SessionType type;
    private final Conversation.Client client;
    private final Shared shared;
    private final int streams;
    private final Instant created;
    private final SessionRecord record;
    private final Elsewhere elsewhere;
    private final Home home;
    private final AdmissionQueue admission = new AdmissionQueue();
    private final Questions questions;
    private final StandingStream standing;
    private final SurfaceKeeper surfaces;
    private final Offers offers;
    private final Conversations conversations;
    private final Readiness readiness;
    private final Tasks tasks;
    private final Moving moving;
    private final SessionEvents events;
    private final Calls calls;
    private final ClientMessages messages;
    private final Dispatch dispatch;
    private final AtomicBoolean closing = new AtomicBoolean();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicReference<@Nullable EventLog> log = new AtomicReference<>();
    private volatile long updated;
    private volatile Runnable leaving = () -> {}; // how it takes leave of its backends
    private volatile Runnable afterClose = () -> {};

    LiveSession(
            String id,
            SessionType type,
            Conversation.Client client,
            Shared shared,
            Options options,
            Instant created) {
        this.id = id;
        this.type = type;
        this.client = client;
        this.shared = shared;
        this.streams = type == SessionType.IMPLICIT ? MANY_STREAMS : options.streams();
        this.created = created;
        this.updated = shared.clock().millis();
        this.record = new SessionRecord(id, shared.storage());
        this.elsewhere = new Elsewhere(record);
        this.home = new Home(record, shared.self());
        this.standing =
                new StandingStream(shared.alarms(), type == SessionType.IMPLICIT, elsewhere);
        this.questions =
                new Questions(
                        shared.ids(),
                        shared.alarms(),
                        standing,
                        record.isShared() ? record.node() : "");
        this.surfaces = new SurfaceKeeper(shared, client.profile(), this::listChanged);
        this.offers = new Offers(record, shared, surfaces);
        this.tasks =
                new Tasks(
                        shared.tasks(),
                        IdentityBinding.of(client.opener()).format()
                                + (type == SessionType.IMPLICIT ? "" : '\0' + id),
                        client.profile(),
                        this::isHereOnly,
                        type == SessionType.IMPLICIT
                                ? Tasks.Notes.NONE
                                : new TaskNotes(record, shared.virtual()),
                        shared.clock()::millis);
        this.events =
                new SessionEvents(
                        record,
                        home,
                        client.profile().revision(),
                        shared,
                        surfaces,
                        offers,
                        standing,
                        questions,
                        tasks);
        this.conversations =
                new Conversations(
                        client,
                        shared,
                        options.openings(),
                        events,
                        elsewhere,
                        new Subscriptions(record, elsewhere, shared.virtual()),
                        standing::isAwaited);
        events.begin(conversations);
        this.readiness =
                new Readiness(
                        type, shared, conversations, surfaces, offers, events::isHeldElsewhere);
        this.moving =
                new Moving(
                        record,
                        shared,
                        surfaces,
                        standing,
                        events,
                        offers,
                        conversations,
                        tasks,
                        elsewhere,
                        home);
        this.calls =
                new Calls(
                        shared,
                        conversations,
                        new Calls.Ways(events, questions),
                        type == SessionType.IMPLICIT ? MANY_CALLS : options.inFlight(),
                        client.profile().revision(),
                        this::used);
        this.messages =
                new ClientMessages(record, elsewhere, home, conversations, questions, calls);
        this.dispatch = new Dispatch(surfaces, conversations, tasks, calls, events, this::used);
        events.calls(
                calls::onlyAt,
                type == SessionType.IMPLICIT
                        && IdentityBinding.of(client.opener())
                                instanceof IdentityBinding.Unauthenticated);
    }

    /** Each process has its own conversations for clients without sessions. */
    private boolean isHereOnly(BackendId backend) {
        return type == SessionType.IMPLICIT
                && surfaces.introduction(backend)
                        .filter(known -> known.revision().hasSessions())
                        .isPresent();
    }

    /** Tells the client that a list is another one now. Must not block. */
    private void listChanged(String method) {
        if (standing.listChanged(method)) {
            moving.shown();
        }
    }

    /** Tells of the lists that are others now than those that another process has shown last. */
    void compareShown(Map<String, String> known) {
        offers.whenCaughtUp(
                () -> {
                    surfaces.tellChanges();
                    surfaces.changed(known).forEach(this::listChanged);
                });
    }

    private void used() {
        updated = shared.clock().millis();
    }

    /** Runs {@code task} when the session has been closed. */
    void whenClosed(Runnable task) {
        afterClose = task;
    }

    /** As of {@link Readiness#begin}. */
    void begin(Iterable<Backend> backends, Map<BackendId, Noted> noted, Set<BackendId> slow) {
        readiness.begin(backends, noted, slow);
        shared.observer().sessionOpened();
    }

    /** Knows only what there is to be ended. */
    void beginToEnd(Iterable<Backend> backends, Map<BackendId, Noted> noted) {
        conversations.replace(backends, noted);
        shared.observer().sessionOpened();
    }

    /** What it opens by itself, and when. */
    Readiness readiness() {
        return readiness;
    }

    /** As of {@link Readiness#awaitColdStart}. */
    Set<BackendId> awaitColdStart(Duration patience) {
        var late = readiness.awaitColdStart(patience);
        standing.forgetKept(); // the client has not seen what has changed by now
        return late;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public SessionType type() {
        return type;
    }

    @Override
    public ClientProfile profile() {
        return client.profile();
    }

    @Override
    public Instant created() {
        return created;
    }

    @Override
    public Instant updated() {
        return Instant.ofEpochMilli(updated);
    }

    @Override
    public Map<String, String> metadata() {
        var metadata = conversations.metadata(client.profile());
        events.level().ifPresent(level -> metadata.put(Metadata.LOG_LEVEL, level.word()));
        metadata.putAll(moving.metadata(created));
        return metadata;
    }

    @Override
    public Listing tools() {
        return surfaces.surface().tools();
    }

    @Override
    public Listing resources() {
        return surfaces.surface().resources();
    }

    @Override
    public Listing prompts() {
        return surfaces.surface().prompts();
    }

    @Override
    public Optional<String> instructions() {
        return surfaces.surface().instructions();
    }

    @Override
    public Json capabilities() {
        return Capabilities.of(surfaces.introductions(), client.profile().revision());
    }

    @Override
    public List<String> tasks() {
        return tasks.made().stream().map(Tasks.Made::name).toList();
    }

    @Override
    public Map<BackendId, String> backendSessions() {
        return conversations.openIds();
    }

    @Override
    public void authorize(Identity caller) {}

    @Override
    public Running exchange(Identity caller, Exchange exchange) {
        var pass = admission.tryAdmit();
        if (pass.isEmpty()) {
            exchange.sink().reply(new Reply.Failed(shared.closed()));
            return Running.NONE;
        }
        readiness.noteReady();
        if (!offers.isCatchingUp() || !dispatch.dependsOnOffers(exchange.request())) {
            return dispatch.carryOut(exchange, pass.get());
        }
        var later = new Postponed();
        offers.whenCaughtUp(() -> later.begin(dispatch.carryOut(exchange, pass.get())));
        return later;
    }

    @Override
    public boolean isUnheard() {
        return conversations.isUnheard();
    }

    @Override
    public boolean isSettled() {
        return readiness.isSettled();
    }

    @Override
    public void settle() {
        readiness.settle();
    }

    @Override
    public Optional<String> home(Envelope request) {
        return home.elsewhere().filter(_ -> !dispatch.staysHere(request));
    }

    @Override
    public void missed(String process) {
        home.missed(process);
    }

    @Override
    public boolean isHome() {
        return home.isHere();
    }

    @Override
    public boolean knowsWay(Envelope request) {
        return dispatch.knowsWay(request);
    }

    @Override
    public boolean leadsToStateless(Envelope request) {
        return dispatch.leadsToStateless(request);
    }

    @Override
    public void notice(Identity caller, Envelope notification) {
        used();
        switch (notification.method()) {
            case Method.INITIALIZED -> readiness.clientIsReady();
            case Method.TASK_STATUS -> {} // of a task of the client's own, which is asked after
            default -> messages.notice(notification);
        }
    }

    @Override
    public Optional<Fault> answer(Identity caller, Envelope response) {
        used();
        return messages.answer(response);
    }

    private boolean isOwnQuestion(Envelope message) {
        return message.isRequest()
                && Questions.asker(message.id()).filter(record.node()::equals).isPresent();
    }

    @Override
    public void relayed(String text) {
        switch (Relayed.of(text)) {
            case Relayed.FromClient(var message) -> messages.relayed(message);
            case Relayed.ToClient(var message) when isOwnQuestion(message) ->
                    questions.unasked(message.id()); // which has come back to be asked here
            case Relayed.ToClient(var message) when isForComing(message) -> {}
            case Relayed.ToClient(var message) -> standing.relayed(message);
            case Relayed.Asked(var question) -> standing.taken(question);
            case Relayed.Unasked(var question) -> questions.unasked(question);
            case Relayed.OfStream(var news) ->
                    Optional.ofNullable(log.get()).ifPresent(known -> known.hear(news));
        }
    }

    /** Whether the client's stream, which is about to go on here, has taken the message. */
    private boolean isForComing(Envelope message) {
        var known = log.get();
        return known != null
                && !message.isRequest()
                && !standing.isAwaited()
                && known.takes(Spliced.of(message));
    }

    @Override
    public Attachment attach(Identity caller, ClientStream stream) {
        if (admission.isClosed()) {
            throw shared.closed();
        }
        used();
        readiness.noteReady();
        if (standing.attach(stream, streams)) {
            moving.shown();
        }
        conversations.applyListening();
        moving.listenHere();
        if (admission.isClosed()) {
            standing.close();
        }
        return () -> {
            standing.detach(
                    stream,
                    () -> {
                        conversations.applyListening();
                        moving.listenNoMore();
                    });
            conversations.applyListening();
        };
    }

    @Override
    public void watchTask(Identity caller, String name, boolean wanted, Consumer<Boolean> told) {
        try {
            var task = tasks.of(name);
            conversations
                    .find(task.backend())
                    .ifPresentOrElse(
                            conversation -> conversation.watch(task.id(), wanted, told),
                            () -> told.accept(false));
        } catch (Fault unknown) {
            told.accept(false);
        }
    }

    /** Made when it is needed first, since most sessions never have a stream. */
    @Override
    public EventLog events(Identity caller) {
        var known = log.get();
        if (known != null) {
            return known;
        }
        log.compareAndSet(null, new EventLog(shared.alarms(), sharing()));
        return Objects.requireNonNull(log.get());
    }

    private Optional<Sharing> sharing() {
        return type == SessionType.IMPLICIT
                ? Optional.empty()
                : record.sharing(elsewhere, shared.virtual());
    }

    @Override
    public boolean active() {
        return admission.isBusy() || standing.isOpen();
    }

    /**
     * Goes on with the newest {@code backends}: those that stay the same keep their conversations.
     */
    void rebase(Supplier<Collection<Backend>> backends) {
        var dropped = readiness.replace(backends);
        if (closing.get()) {
            leaving.run();
        } else {
            offers.forget(dropped.stream().map(one -> one.backend().id()).toList());
            events.noteBackends(dropped);
            readiness.openInBackground();
        }
        dropped.forEach(
                conversation ->
                        shared.virtual().execute(() -> conversation.close(dropped(conversation))));
    }

    private static Fault dropped(Conversation conversation) {
        return Fault.BackendFailed.notSent(
                conversation.backend().id().value(),
                Fault.BackendFailed.Reason.CLOSED,
                "is not configured any more, or in another way");
    }

    void catalogPublished(CatalogKey key, Optional<Catalog> before, Catalog catalog) {
        conversations
                .find(key.backend())
                .ifPresent(conversation -> published(conversation, key, before, catalog));
        offers.settled(key.backend());
    }

    private void published(
            Conversation conversation, CatalogKey key, Optional<Catalog> before, Catalog catalog) {
        boolean open = conversation.open().isPresent();
        boolean canAsk = open || conversation.isNoted();
        boolean knows = surfaces.published(key, before, catalog, canAsk);
        if (knows || standing.isOpen()) {
            conversation.readCatalogAgainIfReading();
        } else if (open || !canAsk) {
            conversation.readCatalogSoon();
        } else {
            offers.ask(conversation, conversations);
        }
    }

    void probeFailed(BackendId backend) {
        offers.settled(backend);
    }

    /** Joins a backend that has become usable, or hides one that has stopped being so. */
    void healthChanged() {
        surfaces.healthChanged();
        readiness.openInBackground();
    }

    @Override
    public void refuse() {
        admission.close();
        offers.end();
    }

    @Override
    public void hangUp() {
        refuse();
        standing.hangUp();
    }

    @Override
    public void close() {
        end(false, conversations::close);
    }

    @Override
    public void catchUp(Map<String, String> known) {
        moving.catchUp(known);
        conversations.applyListening();
    }

    @Override
    public void leave() {
        end(true, conversations::leave);
    }

    /**
     * @param goesOn whether it may go on in another process
     */
    private void end(boolean goesOn, Runnable goodbye) {
        if (!closing.compareAndSet(false, true)) {
            awaitClosed();
            return;
        }
        leaving = goodbye;
        events.end();
        moving.end();
        admission.close();
        questions.closeAll("the session has ended");
        var grace = shared.alarms().after(GRACE, calls::cancelAll);
        admission.closeAndDrain();
        grace.cancel();
        calls.close();
        var events = Optional.ofNullable(log.get());
        events.filter(_ -> goesOn).ifPresent(streams -> streams.leave(LAST_WORDS));
        standing.close();
        events.ifPresent(EventLog::close);
        shared.goodbyes().say(goodbye);
        if (goesOn) {
            home.leave();
        }
        shared.observer().sessionClosed();
        afterClose.run();
        closed.countDown();
    }

    private void awaitClosed() {
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
