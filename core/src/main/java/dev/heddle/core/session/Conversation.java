package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Adopted;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.RepeatedTask;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.identity.Identity;
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
    private static final int TRIES = 5;

    private static final String AFRESH =
            "was begun afresh: the process that held it has ended, and with it what it remembered"
                    + " of this session";

    /** How long a backend may take to hear that it is to give something up. */
    private static final Duration ABANDONED = Duration.ofSeconds(10);

    /** For whom the conversation is: who opened the session, and what the client said of itself. */
    record Client(Identity opener, ClientProfile profile) {}

    private sealed interface State {
        /** Not open. {@code before} says whether it has been. */
        record Idle(boolean before) implements State {}

        record OpeningNow(List<ConversationWaiter> waiters, boolean before) implements State {}

        record Open(Connected connected, Use use) implements State {}

        /** The last try failed; the next is not worth making before {@code until}. */
        record Resting(Fault why, long until, boolean before) implements State {}

        /** Nothing opens any more. */
        record Ended(Fault why, Consumer<BackendSession> goodbye) implements State {}
    }

    /**
     * Whether anything has been asked in a backend session that could have changed what it offers
     * there.
     */
    private static final class Use {
        private volatile boolean begun;
        private volatile Optional<LogLevel> level = Optional.empty();

        private boolean afresh; // guarded by this

        /**
         * @param afresh whether the next call is to hear that what was before is lost
         */
        Use(boolean begun, boolean afresh) {
            this.begun = begun;
            this.afresh = afresh;
        }

        /** Whether {@code waiter} is the one that is to hear that what was before is lost. */
        synchronized boolean loses(ConversationWaiter waiter) {
            boolean loses = afresh && waiter.isCall();
            afresh &= !loses;
            return loses;
        }

        void by(ConversationWaiter waiter) {
            if (waiter.isCall()) {
                begun = true;
            }
        }
    }

    private final Backend backend;
    private final Client client;
    private final Shared shared;
    private final ConversationHost host;
    private final AtomicReference<State> state = new AtomicReference<>(new State.Idle(false));
    private final RepeatedTask reading;
    private final AtomicReference<List<BackendSession>> former = new AtomicReference<>(List.of());
    private final AtomicReference<Set<String>> watched = new AtomicReference<>(Set.of());
    private final AtomicInteger failures = new AtomicInteger();
    private volatile Noted hint; // what the next opening need not ask for
    private volatile Noted last = Noted.NEVER; // opened or taken over here
    private volatile boolean afresh; // whether what another process has held is lost
    private volatile boolean kept; // whether the session's record names that
    private volatile long answeredAt;
    private volatile long quietFrom;

    /**
     * @param hint what is noted of the conversation already
     */
    Conversation(Backend backend, Client client, Shared shared, ConversationHost host, Noted hint) {
        this.backend = backend;
        this.client = client;
        this.shared = shared;
        this.host = host;
        this.hint = hint;
        this.reading = new RepeatedTask(shared.virtual(), this::readCatalog);
        this.answeredAt = shared.alarms().now();
        this.quietFrom = answeredAt;
    }

    /**
     * Notes that the backend may go on for a while with a call that nobody waits for any more.
     *
     * @return to be run when it has heard so
     */
    Runnable abandoned() {
        long until = shared.alarms().now() + ABANDONED.toNanos();
        quietFrom = until;
        return () -> {
            if (quietFrom == until) {
                quietFrom = shared.alarms().now();
            }
        };
    }

    /** Whether the backend may still speak of a call that nobody waits for any more. */
    boolean mayTellOfAbandoned() {
        return shared.alarms().now() - quietFrom < 0;
    }

    /** Notes that nobody thinks any more about a question of this backend. */
    void questionClosed() {
        answeredAt = shared.alarms().now();
    }

    /** When a question of this backend was closed last, as of {@link Alarms#now}. */
    long answeredAt() {
        return answeredAt;
    }

    Backend backend() {
        return backend;
    }

    /** The open backend session, if there is one now. */
    Optional<Connected> open() {
        return state.get() instanceof State.Open(var connected, _)
                ? Optional.of(connected)
                : Optional.empty();
    }

    /**
     * Whether the backend session that is open has not been told yet to send log messages from
     * {@code level} on. Whoever hears so is to tell it.
     */
    boolean raise(LogLevel level) {
        if (!(state.get() instanceof State.Open(_, var use))
                || use.level.filter(told -> told.compareTo(level) <= 0).isPresent()) {
            return false;
        }
        use.level = Optional.of(level);
        return true;
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
                new ConversationWaiter() {
                    @Override
                    public void ready(BackendSession session) {
                        session.watchTask(task, told);
                    }

                    @Override
                    public void failed(Fault why) {
                        told.accept(false);
                    }

                    @Override
                    public boolean isCall() {
                        return false;
                    }
                });
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
            case State.Idle _, State.Resting _ -> true;
            case State.OpeningNow _, State.Open _, State.Ended _ -> false;
        };
    }

    /** Opens the conversation if it is not open, and says when that has been done or has failed. */
    void prepare(Runnable done) {
        use(
                new ConversationWaiter() {
                    @Override
                    public void ready(BackendSession session) {
                        done.run();
                    }

                    @Override
                    public void failed(Fault why) {
                        done.run();
                    }

                    @Override
                    public boolean isCall() {
                        return false;
                    }
                });
    }

    /** Hands the open backend session to {@code waiter}, at once if it is open. Never blocks. */
    void use(ConversationWaiter waiter) {
        while (true) {
            var now = state.get();
            switch (now) {
                case State.Open(var connected, var use) -> {
                    hand(connected.session(), use, waiter);
                    return;
                }
                case State.Ended(var why, _) -> {
                    waiter.failed(why);
                    return;
                }
                case State.Resting(var why, var until, _)
                        when shared.alarms().now() - until < 0 -> {
                    waiter.failed(why);
                    return;
                }
                case State.OpeningNow(var waiters, var before) -> {
                    if (state.compareAndSet(
                            now, new State.OpeningNow(with(waiters, waiter), before))) {
                        return;
                    }
                }
                case State.Idle(var before) -> {
                    if (state.compareAndSet(now, new State.OpeningNow(List.of(waiter), before))) {
                        shared.virtual().execute(() -> openNow(before));
                        return;
                    }
                }
                case State.Resting(_, _, var before) -> {
                    if (state.compareAndSet(now, new State.OpeningNow(List.of(waiter), before))) {
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
            var connected = connect(events);
            events.session = Optional.of(connected.session());
            becomeOpen(connected, events, before);
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
        if (state.get() instanceof State.Ended) {
            log.debug("session ended before it could use a backend: {}", why.getMessage());
        } else {
            log.warn("session cannot use a backend: {}", why.getMessage());
        }
    }

    private Connected connect(Events events) {
        try (var _ = shared.openings().acquire(backend)) {
            var known = hint;
            hint = Noted.NOTHING;
            return isNewer(known) ? adopt(known, events) : openOrAdopt(events);
        }
    }

    /** Opens one unless another process has done so; of two that do at once, one wins. */
    private Connected openOrAdopt(Events events) {
        for (int i = 0; i < TRIES; i++) {
            requireHome();
            var noted = host.noted(this);
            if (isNewer(noted)) {
                return adopt(noted, events);
            }
            var fresh = connect(events, Optional.empty());
            boolean mine = last.equals(Noted.NEVER);
            if (isNoted(fresh, noted)) {
                afresh = backend.target().isBound() && mine && noted.opened() > 0;
                return fresh;
            }
            fresh.session().close();
        }
        throw Fault.BackendFailed.notSent(
                backend.id().value(), Reason.UNREACHABLE, "is opened by others all the time");
    }

    /** What cannot move is opened by one process only. */
    private void requireHome() {
        if (backend.target().isBound() && !host.claim(this)) {
            throw Fault.BackendFailed.notSent(
                    backend.id().value(), Reason.ELSEWHERE, "is held by another process");
        }
    }

    private boolean isNoted(Connected fresh, Noted before) {
        try {
            var outcome = host.note(this, fresh, before.opened(), last.opened());
            outcome.ifPresent(note -> use(note, fresh));
            return outcome.isPresent();
        } catch (RuntimeException | Error e) {
            fresh.session().close();
            throw e;
        }
    }

    private void use(SessionRecord.Note note, Connected connected) {
        last = Noted.of(note.number(), connected);
        kept = note.kept();
    }

    /** Whether it can be taken over, and is not known to be gone. */
    private boolean isNewer(Noted noted) {
        return noted.adopted().isPresent()
                && (noted.opened() > last.opened()
                        || (noted.opened() == last.opened() && !noted.isSame(last)));
    }

    private Connected adopt(Noted noted, Events events) {
        last = noted;
        kept = true;
        return connect(events, noted.adopted());
    }

    private Connected connect(Events events, Optional<Adopted> adopted) {
        return shared.connector()
                .connect(
                        backend,
                        new Opening(
                                client.opener(),
                                client.profile(),
                                events,
                                adopted,
                                false,
                                name -> host.tool(this, name)));
    }

    /** Leaves it to another process, which holds it now. */
    void giveAway() {
        last = Noted.NEVER;
        open().ifPresent(connected -> gone(connected.session()));
    }

    /** Whether it can be taken over without asking the backend. */
    boolean isNoted() {
        return hint.adopted().isPresent();
    }

    /** What is to be noted of the conversation, if it is open. */
    Map<String, String> metadata() {
        return open().map(
                        connected ->
                                Metadata.backendSession(backend.id(), connected, last.opened()))
                .orElse(Map.of());
    }

    /**
     * Takes over what another process has opened since, if it has; notes what could not be noted
     * earlier. May block.
     */
    void catchUp(Noted noted) {
        if (isNewer(noted)) {
            hint = noted;
            open().ifPresent(connected -> gone(connected.session()));
        } else if (noted.opened() < last.opened()) {
            open().ifPresent(connected -> noteLate(connected, noted.opened()));
        } else if (noted.adopted().isPresent() && noted.isSame(last)) {
            kept = true;
        }
    }

    private void noteLate(Connected connected, long before) {
        host.note(this, connected, before, before).ifPresent(note -> use(note, connected));
    }

    /**
     * A session may be lost while it is being opened, before as after it has become the open one.
     */
    private void becomeOpen(Connected connected, Events events, boolean again) {
        var session = connected.session();
        boolean asked = !connected.introduction().isUnknown();
        var use = new Use(!asked, afresh);
        afresh = false;
        shared.observer().backendSessionOpened(backend.id());
        host.opening(this, connected, again);
        if (events.lost) {
            release(session);
            throw Fault.BackendFailed.notSent(
                    backend.id().value(), Reason.DISCONNECTED, "ended right after it began");
        }
        var before =
                state.getAndUpdate(
                        now -> now instanceof State.Ended ? now : new State.Open(connected, use));
        switch (before) {
            case State.OpeningNow(var waiters, _) -> {
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
            case State.Ended(_, var goodbye) -> release(session, goodbye);
            case State.Idle _, State.Open _, State.Resting _ -> {}
        }
    }

    private void fail(Fault why, boolean again) {
        var resting = new State.Resting(why, shared.alarms().now() + REST.toNanos(), again);
        var before = state.getAndUpdate(now -> now instanceof State.Ended ? now : resting);
        if (before instanceof State.OpeningNow(var waiters, _)) {
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
        if (now instanceof State.Open(var open, _)
                && open.session().equals(session)
                && state.compareAndSet(now, new State.Idle(true))) {
            shared.observer().backendSessionClosed(backend.id());
            host.ended(this);
            former.updateAndGet(others -> with(others, session));
            boolean over = state.get() instanceof State.Ended; // closed before it could be found
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
            if (state.get() instanceof State.Open(var connected, var use)) {
                host.readCatalog(this, connected, () -> !use.begun);
            }
        } catch (RuntimeException bug) {
            log.error("what backend '{}' offers could not be read", backend.id(), bug);
        }
    }

    /** Asks once more if the backend is being asked just now: it may have said what is old. */
    void readCatalogAgainIfReading() {
        reading.againIfRunning();
    }

    /** Sends a notification if the conversation is open, here or at another process. */
    void notifyWherever(Spliced notification) {
        if (isNoted()) {
            prepare(() -> notifyOpen(notification));
        } else {
            notifyOpen(notification);
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
        endWhatIsNoted();
    }

    /** A conversation that was never taken over is so now, to be ended. */
    private void endWhatIsNoted() {
        var known = hint;
        hint = Noted.NOTHING;
        if (known.adopted().isPresent()) {
            try {
                connect(new Events(), known.adopted()).session().close();
            } catch (Fault.BackendFailed away) {
                log.debug("a backend is left to notice: {}", away.getMessage());
            }
        }
    }

    /** Ends the conversation here; another process may go on with it. Blocks; idempotent. */
    void leave(Fault why) {
        end(why, kept ? BackendSession::leave : BackendSession::close);
    }

    private void end(Fault why, Consumer<BackendSession> goodbye) {
        var before =
                state.getAndUpdate(
                        now -> now instanceof State.Ended ? now : new State.Ended(why, goodbye));
        if (!(before instanceof State.Ended)) {
            shared.watches().ifPresent(watches -> watches.leave(backend, client.profile()));
        }
        former.get().forEach(this::forget);
        switch (before) {
            case State.Open(var connected, _) -> release(connected.session(), goodbye);
            case State.OpeningNow(var waiters, _) -> waiters.forEach(waiter -> waiter.failed(why));
            case State.Idle _, State.Resting _, State.Ended _ -> {}
        }
    }

    private void release(BackendSession session) {
        release(session, BackendSession::close);
    }

    private void release(BackendSession session, Consumer<BackendSession> goodbye) {
        shared.observer().backendSessionClosed(backend.id());
        host.ended(this);
        goodbye.accept(session);
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
