package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.core.tasks.Tasks;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Function;

/**
 * What a session does about its backends: about what they send outside calls, and about their
 * comings and goings. Thread-safe.
 */
final class SessionEvents implements ConversationHost {
    private static final Logger log = LoggerFactory.getLogger(SessionEvents.class);

    private static final int MANY_TASKS = 1000;

    private final SessionRecord record;
    private final Home home;
    private final Revision usual;
    private final Shared shared;
    private final SurfaceKeeper surfaces;
    private final Offers offers;
    private final StandingStream standing;
    private final Questions questions;
    private final Tasks tasks;
    private final AtomicBoolean ended = new AtomicBoolean();
    private final SparseMap<Conversation, Optional<LogLevel>> told = new SparseMap<>();
    private final BoundedMap<Long, Json> progressing = new BoundedMap<>(MANY_TASKS);
    private volatile Optional<LogLevel> level = Optional.empty();
    private volatile Optional<Conversations> conversations = Optional.empty();
    private volatile boolean strangers;
    private volatile Function<Conversation, Optional<ForwardedCall>> onlyCall =
            _ -> Optional.empty();

    /**
     * @param usual the revision of a conversation of which no other is noted
     */
    SessionEvents(
            SessionRecord record,
            Home home,
            Revision usual,
            Shared shared,
            SurfaceKeeper surfaces,
            Offers offers,
            StandingStream standing,
            Questions questions,
            Tasks tasks) {
        this.record = record;
        this.home = home;
        this.usual = usual;
        this.shared = shared;
        this.surfaces = surfaces;
        this.offers = offers;
        this.standing = standing;
        this.questions = questions;
        this.tasks = tasks;
    }

    /** Is about {@code all} from now on. */
    void begin(Conversations all) {
        conversations = Optional.of(all);
    }

    /**
     * Is told from now on which call is the only one at a backend, if there is one.
     *
     * @param ofStrangers whether calls may be those of clients that have nothing to do with each
     *     other
     */
    void calls(Function<Conversation, Optional<ForwardedCall>> only, boolean ofStrangers) {
        onlyCall = only;
        strangers = ofStrangers;
    }

    /** Opens nothing from now on. */
    void end() {
        ended.set(true);
    }

    /** Leaves out log messages below {@code wanted} from now on. */
    void level(LogLevel wanted) {
        level = Optional.of(wanted);
    }

    /** Notes which log messages the client wants, so that it need not say so again. */
    void noteLevel(LogLevel wanted, Runnable then) {
        var changes = Changes.set(Map.of(Metadata.LOG_LEVEL, wanted.word()));
        record.noteThen(changes, shared.virtual(), then);
    }

    Optional<LogLevel> level() {
        return level;
    }

    boolean wantsLog(Envelope message) {
        var wanted = level;
        var given = message.level().flatMap(LogLevel::of);
        return wanted.isEmpty() || given.isEmpty() || given.get().compareTo(wanted.get()) >= 0;
    }

    /** The revision of a conversation of which no other is noted. */
    Revision usual() {
        return usual;
    }

    private Conversations all() {
        return conversations.orElseThrow();
    }

    @Override
    public boolean claim(Conversation conversation) {
        return isCurrent(conversation) && home.claim();
    }

    @Override
    public Noted noted(Conversation conversation) {
        return isCurrent(conversation)
                ? record.noted(conversation.backend().id(), usual)
                : Noted.NOTHING;
    }

    @Override
    public Optional<SessionRecord.Note> note(
            Conversation conversation, Connected connected, long opened, long last) {
        return isCurrent(conversation)
                ? record.note(
                        conversation.backend().id(),
                        connected,
                        opened,
                        last,
                        conversation.backend().target().isBound())
                : Optional.of(SessionRecord.Note.NONE);
    }

    @Override
    public void opening(Conversation conversation, Connected connected, boolean again) {
        told.put(conversation, level);
        all().restore(conversation, connected, level);
        if (again) {
            all().subscriptions().at(conversation).forEach(standing::resourceUpdated);
        }
    }

    /** What has changed while the conversation was opening is told now. */
    @Override
    public void opened(Conversation conversation) {
        all().applyListening();
        var wanted = level;
        if (!wanted.equals(told.remove(conversation))) {
            wanted.ifPresent(changed -> all().setLevel(conversation, changed));
        }
    }

    @Override
    public void failed(Conversation conversation) {
        offers.failed(conversation.backend().id());
        openAgainIfWanted(conversation);
    }

    @Override
    public void ended(Conversation conversation) {
        questions.forget(conversation);
        openAgainIfWanted(conversation);
    }

    /**
     * A conversation without which the client would miss something is opened again without waiting
     * for a call.
     */
    private void openAgainIfWanted(Conversation conversation) {
        if (isWanted(conversation)) {
            conversation.prepareLater(() -> isWanted(conversation));
        }
    }

    private boolean isCurrent(Conversation conversation) {
        return all().find(conversation.backend().id()).filter(conversation::equals).isPresent();
    }

    private boolean isWanted(Conversation conversation) {
        var backend = conversation.backend();
        boolean current = isCurrent(conversation);
        boolean unheard =
                all().subscriptions().isAt(conversation)
                        || (!backend.target().lazy()
                                && (standing.isOpen() || !surfaces.knows(backend.id())));
        return !ended.get()
                && current
                && !isHeldElsewhere(conversation)
                && unheard
                && shared.health().health(backend.id()).state().usable();
    }

    /** Whether another process holds the conversation, which cannot move here. */
    boolean isHeldElsewhere(Conversation conversation) {
        return conversation.backend().target().isBound() && home.elsewhere().isPresent();
    }

    @Override
    public boolean knows(Conversation conversation) {
        return offers.knows(conversation.backend().id());
    }

    @Override
    public Optional<Json> tool(Conversation conversation, String name) {
        return surfaces.tool(conversation.backend().id(), name);
    }

    @Override
    public void readCatalog(
            Conversation conversation, Connected connected, BooleanSupplier untouched) {
        try {
            offers.read(conversation, connected, this::isCurrent, untouched);
        } catch (Fault fault) {
            if (!ended.get()) {
                log.warn("cannot read what a backend offers: {}", fault.getMessage());
            }
        }
    }

    @Override
    public void notification(Conversation conversation, Envelope message) {
        switch (message.method()) {
            case Method.TOOLS_CHANGED, Method.RESOURCES_CHANGED, Method.PROMPTS_CHANGED ->
                    offers.changed(conversation);
            case Method.RESOURCE_UPDATED ->
                    message.uri()
                            .ifPresent(uri -> standing.resourceUpdated(uri, Spliced.of(message)));
            case Method.CANCELLED -> questions.withdraw(conversation, message);
            case Method.PROGRESS -> progress(message);
            case Method.TASK_CHANGED ->
                    standing.named(tasks.named(Spliced.of(message), conversation.backend().id()));
            case Method.LOG_MESSAGE -> {
                if (wantsLog(message)) {
                    logged(conversation, message);
                }
            }
            default -> standing.tell(tasks.named(Spliced.of(message), conversation.backend().id()));
        }
    }

    /** A call that has become a task may tell of progress after its reply; other calls may not. */
    private void progress(Envelope message) {
        progressToken(message.progress().orElse(Json.NULL))
                .ifPresent(token -> standing.tell(Spliced.of(message).progress(token)));
    }

    /** The client's progress token of a call that has become a task, by the backend's own. */
    Optional<Json> progressToken(Json token) {
        return progressing.get(token.integer().orElse(-1));
    }

    /**
     * The call that a backend knows as {@code id} has become a task, and tells of its progress
     * under the client's {@code token}.
     */
    void progresses(long id, Json token) {
        progressing.put(id, token.detached());
    }

    /**
     * Some transports do not say to which call a message belongs; if there is one only, they do.
     */
    private void logged(Conversation conversation, Envelope message) {
        if (standing.notification(Spliced.of(message))) {
            return;
        }
        onlyCall.apply(conversation)
                .filter(call -> !strangers || call.exchange().sink().isAlone())
                .ifPresentOrElse(
                        call -> call.exchange().sink().notification(Spliced.of(message)),
                        () -> standing.tell(Spliced.of(message)));
    }

    /** What may have been updated is told to have been. */
    @Override
    public void missed(Conversation conversation) {
        all().subscriptions().at(conversation).forEach(standing::resourceUpdated);
    }

    @Override
    public void question(Conversation conversation, Question question) {
        boolean ofTask =
                question.request()
                        .params()
                        .filter(params -> params.contains(MetaKey.RELATED_TASK))
                        .isPresent();
        boolean ofSession = standing.canAsk();
        (ofTask || ofSession ? Optional.<ForwardedCall>empty() : onlyCall.apply(conversation))
                .ifPresentOrElse(
                        call -> questions.askOnly(question, call),
                        () ->
                                questions.ask(
                                        tasks.named(question, conversation.backend().id()),
                                        conversation));
    }

    /**
     * Notes in the session's record which backends it has; blocks.
     *
     * @param dropped the conversations that are no more
     */
    void noteBackends(List<Conversation> dropped) {
        var ids = all().all().stream().map(conversation -> conversation.backend().id()).toList();
        var gone = new HashSet<String>();
        dropped.forEach(one -> gone.addAll(Metadata.backendSessionFields(one.backend().id())));
        record.note(new Changes(Map.of(Metadata.BACKEND_IDS, Metadata.backendIds(ids)), gone));
    }
}
