package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** One session's conversations, one for each of its backends. Thread-safe. */
final class Conversations {
    /** How long a call waits until its backend has taken a log level. */
    private static final Duration LEVEL_PATIENCE = Duration.ofSeconds(1);

    /** Hears only that there is a reply. */
    private record Told(Runnable then) implements Sink {
        @Override
        public void notification(Spliced message) {}

        @Override
        public boolean question(Question question) {
            return false;
        }

        @Override
        public void reply(Reply reply) {
            then.run();
        }
    }

    private final Conversation.Client client;
    private final Shared shared;
    private final Openings openings;
    private final ConversationHost host;
    private final Elsewhere elsewhere;
    private final Subscriptions subscriptions;
    private final BooleanSupplier clientListens;
    private final ReentrantLock listening =
            new ReentrantLock(); // orders what backends are told about listening
    private volatile List<Conversation> all = List.of();

    /**
     * @param openings how many may be opening in the background at the same time
     * @param clientListens whether what is said outside calls would reach the client here
     */
    Conversations(
            Conversation.Client client,
            Shared shared,
            int openings,
            ConversationHost host,
            Elsewhere elsewhere,
            Subscriptions subscriptions,
            BooleanSupplier clientListens) {
        this.client = client;
        this.shared = shared;
        this.openings = new Openings(openings);
        this.host = host;
        this.elsewhere = elsewhere;
        this.subscriptions = subscriptions;
        this.clientListens = clientListens;
    }

    /**
     * Goes on with {@code backends}. Returns the conversations with those that are gone or changed,
     * for the caller to close.
     */
    List<Conversation> replace(Iterable<Backend> backends, Map<BackendId, Noted> noted) {
        var before = all;
        var next = new ArrayList<Conversation>();
        for (var backend : backends) {
            var hint = noted.getOrDefault(backend.id(), Noted.NOTHING);
            next.add(
                    find(backend.id())
                            .filter(known -> known.backend().equals(backend))
                            .orElseGet(() -> begin(backend, hint)));
        }
        all = List.copyOf(next);
        var dropped = new ArrayList<>(before);
        dropped.removeAll(next);
        dropped.forEach(one -> subscriptions.carry(one, find(one.backend().id())));
        return dropped;
    }

    private Conversation begin(Backend backend, Noted hint) {
        shared.watches().ifPresent(watches -> watches.attend(backend, client.profile()));
        return new Conversation(backend, client, shared, host, hint);
    }

    /** Opens {@code conversation} in the background, if it is not open. */
    void prepare(Conversation conversation) {
        openings.add(conversation);
    }

    Optional<Conversation> find(BackendId backend) {
        for (var conversation : all) {
            if (conversation.backend().id().equals(backend)) {
                return Optional.of(conversation);
            }
        }
        return Optional.empty();
    }

    List<Conversation> all() {
        return all;
    }

    /** Of which resources the client wants to hear, and where. */
    Subscriptions subscriptions() {
        return subscriptions;
    }

    /**
     * What the backends call the conversations that are open; empty text where they have no name.
     */
    Map<BackendId, String> openIds() {
        var ids = new LinkedHashMap<BackendId, String>();
        for (var conversation : all) {
            conversation
                    .open()
                    .map(connected -> connected.session().sessionId().orElse(""))
                    .ifPresent(name -> ids.put(conversation.backend().id(), name));
        }
        return ids;
    }

    Map<String, String> metadata(ClientProfile profile) {
        var metadata = new LinkedHashMap<String, String>();
        metadata.put(
                Metadata.BACKEND_IDS,
                Metadata.backendIds(all.stream().map(one -> one.backend().id()).toList()));
        metadata.put(Metadata.PROFILE, Metadata.profile(profile));
        metadata.putAll(subscriptions.metadata());
        for (var conversation : all) {
            metadata.putAll(conversation.metadata());
        }
        return metadata;
    }

    /**
     * Tells every backend that keeps a log which messages the client wants, those too whose
     * conversations other processes have opened.
     */
    void setLevel(LogLevel level) {
        for (var conversation : all()) {
            conversation.whereverOpen(connected -> setLevel(connected, level));
        }
    }

    /** Tells those whose conversations are open here. */
    void setLevelHere(LogLevel level) {
        all().forEach(conversation -> setLevel(conversation, level));
    }

    /** Tells one backend, if it is open. */
    void setLevel(Conversation conversation, LogLevel level) {
        conversation.open().ifPresent(connected -> setLevel(connected, level));
    }

    /** Tells one backend, if it is open, and goes on when it has heard it, or after a while. */
    void setLevel(Conversation conversation, LogLevel level, Runnable then) {
        var gone = new AtomicBoolean();
        Runnable once =
                () -> {
                    if (gone.compareAndSet(false, true)) {
                        then.run();
                    }
                };
        var connected = conversation.open().filter(Conversations::keepsLog);
        if (connected.isEmpty()) {
            once.run();
            return;
        }
        var patience = shared.alarms().after(LEVEL_PATIENCE, once);
        tell(
                connected.get(),
                level,
                () -> {
                    patience.cancel();
                    once.run();
                });
    }

    private void setLevel(Connected connected, LogLevel level) {
        if (keepsLog(connected)) {
            tell(connected, level, () -> {});
        }
    }

    private static boolean keepsLog(Connected connected) {
        return connected.introduction().offers("logging");
    }

    private void tell(Connected connected, LogLevel level, Runnable then) {
        var params = Json.object(members -> members.put("level", level.word()));
        send(connected, Method.SET_LEVEL, params, then);
    }

    /**
     * Holds backend streams open that are needed, and no others. To be called whenever that may
     * have changed.
     */
    void applyListening() {
        listening.lock();
        try {
            boolean wanted = clientListens.getAsBoolean();
            for (var conversation : all()) {
                boolean needed = isNeeded(conversation, wanted);
                conversation.open().ifPresent(connected -> listen(connected, needed));
            }
        } finally {
            listening.unlock();
        }
    }

    private void listen(Connected connected, boolean needed) {
        if (elsewhere.isListening()) {
            connected.session().listenElsewhere();
        } else {
            connected.session().listen(needed);
        }
    }

    private boolean isNeeded(Conversation conversation, boolean wanted) {
        return !elsewhere.isListening() && (wanted || subscriptions.isAt(conversation));
    }

    /**
     * Tells the backends something, those too whose conversations other processes have opened.
     *
     * @param bound whether to tell those too whose conversations cannot move
     */
    void notifyAll(Spliced notification, boolean bound) {
        for (var conversation : all()) {
            if (bound || !conversation.backend().target().isBound()) {
                conversation.whereverOpen(connected -> connected.session().notify(notification));
            }
        }
    }

    /** Tells the backends whose conversations cannot move. */
    void notifyBound(Spliced notification) {
        all().stream()
                .filter(conversation -> conversation.backend().target().isBound())
                .forEach(conversation -> conversation.notifyOpen(notification));
    }

    /** Leaves what cannot move to the process that holds it now. */
    void giveAwayBound() {
        all().stream()
                .filter(conversation -> conversation.backend().target().isBound())
                .forEach(Conversation::giveAway);
    }

    /** Tells a backend session that has just been opened what the session's earlier ones knew. */
    void restore(Conversation conversation, Connected connected, Optional<LogLevel> level) {
        if (hearsOnlyHere()) {
            connected.session().hearQuestions();
        }
        connected.session().listen(isNeeded(conversation, clientListens.getAsBoolean()));
        for (var task : conversation.watched()) {
            connected.session().watchTask(task, _ -> {});
        }
        if (connected.isAdopted()) {
            return; // the backend knows the rest
        }
        level.ifPresent(wanted -> setLevel(connected, wanted));
        for (var uri : subscriptions.at(conversation)) {
            send(
                    connected,
                    Method.RESOURCES_SUBSCRIBE,
                    Json.object(params -> params.put("uri", uri)),
                    () -> {});
        }
    }

    /** A client without a session has no stream of its own that would say that it can be asked. */
    private boolean hearsOnlyHere() {
        var profile = client.profile();
        return !profile.revision().hasSessions() && profile.answersQuestions();
    }

    /**
     * The backend has been told to give a call up. When it answers a ping behind that, it has heard
     * so, and what it says then is about other calls.
     */
    void abandoned(Conversation conversation) {
        conversation
                .open()
                .filter(connected -> connected.introduction().revision().hasSessions())
                .ifPresent(
                        connected ->
                                send(
                                        connected,
                                        Method.PING,
                                        Json.EMPTY_OBJECT,
                                        conversation.attention().abandoned()));
    }

    private void send(Connected connected, String method, Json params, Runnable then) {
        long id = shared.ids().next();
        var request = Spliced.of(JsonRpc.request(Json.of(id), method, params));
        connected.session().send(id, request, new Told(then));
    }

    /** Ends all conversations, at the backends too. Blocks for a bounded time. */
    void close() {
        sideBySide(conversation -> conversation.close(new Fault.SessionClosed()));
    }

    /** Whether a backend has not heard that its conversation was closed. */
    boolean isUnheard() {
        return all().stream().anyMatch(Conversation::isUnheard);
    }

    /** Ends all conversations here; other processes may go on with those that they can adopt. */
    void leave() {
        sideBySide(conversation -> conversation.leave(shared.closed()));
    }

    private void sideBySide(Consumer<Conversation> goodbye) {
        var open = List.copyOf(all());
        var left = new CountDownLatch(open.size());
        for (var conversation : open) {
            shared.virtual()
                    .execute(
                            () -> {
                                try {
                                    goodbye.accept(conversation);
                                } finally {
                                    left.countDown();
                                }
                            });
        }
        try {
            left.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
