package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.RepeatedTask;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.ConversationOpener.Opened;
import dev.heddle.core.session.ConversationState.Use;
import dev.heddle.core.session.Metadata.Noted;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One session's conversation with one backend, through all of its lives: opened when it is needed,
 * opened anew when the backend has lost it, closed with the session.
 *
 * <p>Only one thread opens at a time; the others wait for it without blocking. Thread-safe: the
 * whole state is one immutable value.
 */
final class Conversation {
    private static final Logger log = LoggerFactory.getLogger(Conversation.class);
    private static final Duration REST = Duration.ofSeconds(1);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final int MAX_DOUBLINGS = 5;

    private static final String AFRESH =
            "was begun afresh: the process that held it has ended, and with it what it remembered"
                    + " of this session";

    /** For whom the conversation is: who opened the session, and what the client said of itself. */
    record Client(Identity opener, ClientProfile profile) {}

    private final Backend backend;
    private final Client client;
    private final Shared shared;
    private final ConversationHost host;
    private final ConversationOpener opener;
    private final AtomicReference<ConversationState> state =
            new AtomicReference<>(new ConversationState.Idle(false));
    private final RepeatedTask reading;
    private final AtomicReference<List<BackendSession>> former = new AtomicReference<>(List.of());
    private final AtomicReference<Set<String>> watched = new AtomicReference<>(Set.of());
    private final AtomicInteger failures = new AtomicInteger();
    private final Attention attention;
    private volatile boolean unheard; // by the backend, that the conversation was closed

    /**
     * @param hint what is noted of the conversation already
     */
    Conversation(Backend backend, Client client, Shared shared, ConversationHost host, Noted hint) {
        this.backend = backend;
        this.client = client;
        this.shared = shared;
        this.host = host;
        this.opener = new ConversationOpener(this, client, shared, host, hint);
        this.reading = new RepeatedTask(shared.virtual(), this::readCatalog);
        this.attention = new Attention(shared.alarms());
    }

    /** What is to be made of it if the backend is silent, or speaks late. */
    Attention attention() {
        return attention;
    }

    Backend backend() {
        return backend;
    }

    /** The open backend session, if there is one now. */
    Optional<Connected> open() {
        return state.get() instanceof ConversationState.Open(var connected, _)
                ? Optional.of(connected)
                : Optional.empty();
    }

    /**
     * Whether the backend session that is open has not been told yet to send log messages from
     * {@code level} on. Whoever hears so is to tell it.
     */
    boolean raise(LogLevel level) {
        return state.get() instanceof ConversationState.Open(_, var use) && use.raise(level);
    }

    /**
     * Wants to be told of changes of one of the backend's tasks, or does not any more.
     *
     * @param told once whether that will be so
     */
    void watch(String task, boolean wanted, Consumer<Boolean> told) {
        if (!wanted) {
            watched.updateAndGet(before -> without(before, task));
            open().ifPresent(connected -> connected.session().unwatchTask(task));
            told.accept(true);
            return;
        }
        watched.updateAndGet(before -> with(before, task));
        use(
                ConversationWaiter.quiet(
                        session -> session.watchTask(task, told), () -> told.accept(false)));
    }

    /** The backend's tasks whose changes are to be told. */
    Set<String> watched() {
        return watched.get();
    }

    private static Set<String> with(Set<String> before, String task) {
        return Stream.concat(before.stream(), Stream.of(task))
                .collect(Collectors.toUnmodifiableSet());
    }

    private static Set<String> without(Set<String> before, String task) {
        return before.stream()
                .filter(one -> !one.equals(task))
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Whether it is neither open nor being opened. */
    boolean isIdle() {
        return switch (state.get()) {
            case ConversationState.Idle _, ConversationState.Resting _ -> true;
            case ConversationState.OpeningNow _,
                    ConversationState.Open _,
                    ConversationState.Ended _ ->
                    false;
        };
    }

    /** Opens the conversation if it is not open, and says when that has been done or has failed. */
    void prepare(Runnable done) {
        use(ConversationWaiter.quiet(_ -> done.run(), done));
    }

    /** Hands the open backend session to {@code waiter}, at once if it is open. Never blocks. */
    void use(ConversationWaiter waiter) {
        while (true) {
            var now = state.get();
            switch (now) {
                case ConversationState.Open(var connected, var use) -> {
                    hand(connected.session(), use, waiter);
                    return;
                }
                case ConversationState.Ended(var why, _) -> {
                    waiter.failed(why);
                    return;
                }
                case ConversationState.Resting(var why, var until, _)
                        when shared.alarms().now() - until < 0 -> {
                    waiter.failed(why);
                    return;
                }
                case ConversationState.OpeningNow(var waiters, var before) -> {
                    if (state.compareAndSet(
                            now, new ConversationState.OpeningNow(with(waiters, waiter), before))) {
                        return;
                    }
                }
                case ConversationState.Idle(var before) -> {
                    if (state.compareAndSet(
                            now, new ConversationState.OpeningNow(List.of(waiter), before))) {
                        shared.virtual().execute(() -> openNow(before));
                        return;
                    }
                }
                case ConversationState.Resting(_, _, var before) -> {
                    if (state.compareAndSet(
                            now, new ConversationState.OpeningNow(List.of(waiter), before))) {
                        shared.virtual().execute(() -> openNow(before));
                        return;
                    }
                }
            }
        }
    }

    private void hand(BackendSession session, Use use, ConversationWaiter waiter) {
        use.by(waiter);
        boolean lost = use.loses(waiter);
        if (lost && shared.lostState() == LostState.ERROR) {
            waiter.failed(
                    new Fault.BackendFailed(
                            backend.id().value(), Reason.STATE_LOST, AFRESH, false));
            return;
        }
        if (lost) {
            waiter.notice(lossOfState());
        }
        waiter.ready(session);
    }

    private Spliced lossOfState() {
        var params =
                Json.object(
                        members ->
                                members.put("level", LogLevel.WARNING.word())
                                        .put("logger", backend.id().value())
                                        .put("data", "backend '" + backend.id() + "' " + AFRESH));
        return Spliced.of(JsonRpc.notification(Method.LOG_MESSAGE, params));
    }

    private static <T> List<T> with(List<T> others, T one) {
        var more = new ArrayList<>(others);
        more.add(one);
        return List.copyOf(more);
    }

    /** Opens, blocking, and lets those who wait go on. */
    private void openNow(boolean before) {
        var events = new Events();
        try {
            var opened = opener.open(events);
            events.session = Optional.of(opened.connected().session());
            becomeOpen(opened, events, before);
        } catch (Fault.BackendFailed why) {
            log(why);
            fail(why.beforeSending(), before);
        } catch (RuntimeException | Error bug) {
            events.session.ifPresent(BackendSession::close);
            var why =
                    Fault.BackendFailed.notSent(
                            backend.id().value(), Reason.UNREACHABLE, "could not be opened");
            fail(why, before);
            throw bug;
        }
    }

    private void log(Fault why) {
        if (state.get() instanceof ConversationState.Ended) {
            log.debug("session ended before it could use a backend: {}", why.getMessage());
        } else {
            log.warn("session cannot use a backend: {}", why.getMessage());
        }
    }

    /** Leaves it to another process, which holds it now. */
    void giveAway() {
        opener.forget();
        open().ifPresent(connected -> gone(connected.session()));
    }

    /** Whether it can be taken over without asking the backend. */
    boolean isNoted() {
        return opener.isNoted();
    }

    /** What is to be noted of the conversation, if it is open. */
    Map<String, String> metadata() {
        return open().map(opener::metadata).orElse(Map.of());
    }

    /**
     * Takes over what another process has opened since, if it has; notes what could not be noted
     * earlier. May block.
     */
    void catchUp(Noted noted) {
        var open = open();
        if (opener.catchUp(noted, open)) {
            open.ifPresent(connected -> gone(connected.session()));
        }
    }

    /**
     * A session may be lost while it is being opened, before as after it has become the open one.
     */
    private void becomeOpen(Opened opened, Events events, boolean again) {
        var connected = opened.connected();
        var session = connected.session();
        boolean asked = !connected.introduction().isUnknown();
        var use = new Use(!asked, opened.afresh());
        shared.observer().backendSessionOpened(backend.id());
        host.opening(this, connected, again);
        if (events.lost) {
            release(session);
            throw Fault.BackendFailed.notSent(
                    backend.id().value(), Reason.DISCONNECTED, "ended right after it began");
        }
        var before =
                state.getAndUpdate(
                        now ->
                                now instanceof ConversationState.Ended
                                        ? now
                                        : new ConversationState.Open(connected, use));
        switch (before) {
            case ConversationState.OpeningNow(var waiters, _) -> {
                failures.set(0);
                waiters.forEach(waiter -> hand(session, use, waiter));
                host.opened(this);
                if (events.lost) {
                    gone(session);
                }
                if (asked || !host.knows(this)) {
                    readCatalogSoon();
                }
            }
            case ConversationState.Ended(_, var goodbye) -> release(session, goodbye);
            case ConversationState.Idle _,
                    ConversationState.Open _,
                    ConversationState.Resting _ -> {}
        }
    }

    private void fail(Fault why, boolean again) {
        var resting =
                new ConversationState.Resting(why, shared.alarms().now() + REST.toNanos(), again);
        var before =
                state.getAndUpdate(now -> now instanceof ConversationState.Ended ? now : resting);
        if (before instanceof ConversationState.OpeningNow(var waiters, _)) {
            waiters.forEach(waiter -> waiter.failed(why));
        }
        host.failed(this);
    }

    /**
     * Opens the conversation again after a pause, which grows with each failure, if it is still
     * wanted then.
     */
    void prepareLater(BooleanSupplier wanted) {
        int tries = Math.min(failures.getAndIncrement(), MAX_DOUBLINGS);
        var pause = FIRST_PAUSE.multipliedBy(1L << tries);
        shared.alarms()
                .after(
                        pause,
                        () -> {
                            if (wanted.getAsBoolean()) {
                                prepare(() -> {});
                            }
                        });
    }

    /**
     * Forgets {@code session}, which its backend has forgotten; the next use opens another. Calls
     * that are still running in it may end by themselves.
     */
    void gone(BackendSession session) {
        var now = state.get();
        if (now instanceof ConversationState.Open(var open, _)
                && open.session().equals(session)
                && state.compareAndSet(now, new ConversationState.Idle(true))) {
            shared.observer().backendSessionClosed(backend.id());
            host.ended(this);
            former.updateAndGet(others -> with(others, session));
            boolean over =
                    state.get()
                            instanceof ConversationState.Ended; // closed before it could be found
            shared.alarms()
                    .after(
                            over ? Duration.ZERO : lastCalls(),
                            () -> shared.virtual().execute(() -> forget(session)));
        }
    }

    private void forget(BackendSession session) {
        former.updateAndGet(
                others -> others.stream().filter(other -> !other.equals(session)).toList());
        session.close();
    }

    /** How long calls may go on in a session of which its backend says that it is gone. */
    private Duration lastCalls() {
        var silence = backend.limits().silence();
        return silence.isPositive() ? silence : Backend.Limits.DEFAULT.silence();
    }

    /**
     * Asks the backend what it offers, in the background; requests that come while it is asked are
     * one.
     */
    void readCatalogSoon() {
        reading.soon();
    }

    private void readCatalog() {
        try {
            if (state.get() instanceof ConversationState.Open(var connected, var use)) {
                host.readCatalog(this, connected, () -> !use.hasBegun());
            }
        } catch (RuntimeException bug) {
            log.error("what backend '{}' offers could not be read", backend.id(), bug);
        }
    }

    /** Asks once more if the backend is being asked just now: it may have said what is old. */
    void readCatalogAgainIfReading() {
        reading.againIfRunning();
    }

    /** Hands on what is open, here or at another process, or about to be. */
    void whereverOpen(Consumer<Connected> use) {
        boolean soon = isNoted() || state.get() instanceof ConversationState.OpeningNow;
        if (soon) {
            prepare(() -> open().ifPresent(use));
        } else {
            open().ifPresent(use);
        }
    }

    /** Sends a notification if the conversation is open; a backend that is not there needs none. */
    void notifyOpen(Spliced notification) {
        open().ifPresent(connected -> connected.session().notify(notification));
    }

    /**
     * Ends the conversation for good, at the backend too. Blocks for a bounded time; idempotent.
     *
     * @param why those who wait for it, or come later, get no answer
     */
    void close(Fault why) {
        end(why, BackendSession::close);
        unheard |= !opener.endNoted(new Events());
    }

    /** Whether the backend has not heard that the conversation was closed. */
    boolean isUnheard() {
        return unheard;
    }

    /** Ends the conversation here; another process may go on with it. Blocks; idempotent. */
    void leave(Fault why) {
        end(why, this::leave);
    }

    private void leave(BackendSession session) {
        if (opener.isKept()) {
            session.leave();
        } else {
            session.close();
        }
    }

    private void end(Fault why, Consumer<BackendSession> goodbye) {
        var before =
                state.getAndUpdate(
                        now ->
                                now instanceof ConversationState.Ended
                                        ? now
                                        : new ConversationState.Ended(why, goodbye));
        if (!(before instanceof ConversationState.Ended)) {
            shared.watches().ifPresent(watches -> watches.leave(backend, client.profile()));
        }
        former.get().forEach(this::forget);
        switch (before) {
            case ConversationState.Open(var connected, _) -> release(connected.session(), goodbye);
            case ConversationState.OpeningNow(var waiters, _) -> {
                unheard = true; // until it is open, and ended
                waiters.forEach(waiter -> waiter.failed(why));
            }
            case ConversationState.Idle _,
                    ConversationState.Resting _,
                    ConversationState.Ended _ -> {}
        }
    }

    private void release(BackendSession session) {
        release(session, BackendSession::close);
    }

    private void release(BackendSession session, Consumer<BackendSession> goodbye) {
        shared.observer().backendSessionClosed(backend.id());
        host.ended(this);
        goodbye.accept(session);
        unheard |= !session.hasHeardEnd();
    }

    /** Hands what comes outside calls to the host, with this conversation's name on it. */
    private final class Events implements BackendEvents {
        private volatile Optional<BackendSession> session = Optional.empty();
        private volatile boolean lost;

        @Override
        public void notification(Envelope message) {
            host.notification(Conversation.this, message);
        }

        @Override
        public void question(Question question) {
            host.question(Conversation.this, question);
        }

        @Override
        public void missed() {
            host.missed(Conversation.this);
        }

        @Override
        public void lost(Fault.BackendFailed why) {
            log.debug("session lost backend '{}': {}", backend.id(), why.getMessage());
            lost = true;
            session.ifPresent(Conversation.this::gone);
        }
    }
}
