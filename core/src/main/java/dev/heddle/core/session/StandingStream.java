package dev.heddle.core.session;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The way to a client for what belongs to no call: its newest open stream, or the wait for one.
 *
 * <p>Each message travels on one stream only. While there is none, the notices that a client needs
 * in order not to be wrong (changed lists, updated resources) are kept, once each; a question waits
 * a little; the rest is dropped. Thread-safe: the whole state is one immutable value.
 */
final class StandingStream {
    /** How long a question waits for the client to open a stream. */
    static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Alarms alarms;
    private final boolean shared;
    private final Elsewhere elsewhere;
    private final RelayedQuestions relayed;
    private final AtomicReference<StandingState> state = new AtomicReference<>(StandingState.EMPTY);
    private volatile Alarm forgetting = () -> {};

    /**
     * @param shared whether the streams are those of several clients, each of which is told
     *     everything while it listens, and none of which can be asked
     * @param elsewhere where the client may listen instead
     */
    StandingStream(Alarms alarms, boolean shared, Elsewhere elsewhere) {
        this.alarms = alarms;
        this.shared = shared;
        this.elsewhere = elsewhere;
        this.relayed = new RelayedQuestions(alarms, elsewhere);
    }

    boolean isOpen() {
        return !state.get().streams().isEmpty();
    }

    /** Whether the client can be asked on a stream, here or elsewhere. */
    boolean canAsk() {
        return !shared && (isOpen() || elsewhere.hasClient());
    }

    /**
     * Uses {@code stream} from now on, beginning with what has been kept for it. If it is the last
     * one, to which the client has come back, that has been said on it in its turn. Returns whether
     * the client hears of changed lists by it.
     *
     * @param most how many may be open
     * @throws Fault.LimitReached if so many are
     */
    boolean attach(ClientStream stream, int most) {
        var before =
                state.getAndUpdate(now -> now.streams().size() < most ? now.with(stream) : now);
        if (before.streams().size() >= most) {
            throw new Fault.LimitReached(
                    "the session has " + most + " open streams already", Duration.ofSeconds(1));
        }
        if (before.away().filter(stream::continues).isEmpty()) {
            before.kept().values().forEach(stream::notification);
        }
        before.waiting().forEach(this::question);
        return before.kept().keySet().stream().anyMatch(key -> !StandingState.isUpdate(key));
    }

    /** Whether it is that of several clients, none of which can be asked on it. */
    boolean isShared() {
        return shared;
    }

    /** Ends those open streams on which nothing else travels. */
    void hangUp() {
        for (var stream : state.get().streams()) {
            if (!stream.carriesCalls()) {
                state.updateAndGet(now -> now.without(stream, false));
                stream.ended();
            }
        }
    }

    /** Ends every open stream. */
    void close() {
        state.getAndSet(StandingState.EMPTY).streams().forEach(ClientStream::ended);
        forgetting.cancel(); // which would keep a session that is over until then
    }

    /**
     * Does not use {@code stream} any more. For a while what comes is still said on it, for its
     * client may come back to it.
     *
     * @param forgotten run when that is over
     */
    void detach(ClientStream stream, Runnable forgotten) {
        state.updateAndGet(now -> now.without(stream, !shared));
        if (state.get().away().filter(stream::equals).isPresent()) {
            forgetting =
                    alarms.after(
                            EventLog.RETURN,
                            () -> {
                                state.updateAndGet(now -> now.withoutAway(stream));
                                forgotten.run();
                            });
        }
    }

    /** Whether the client listens, or may come back in a moment to hear what it has missed. */
    boolean isAwaited() {
        var now = state.get();
        return !now.streams().isEmpty() || now.away().isPresent();
    }

    /** Forgets the notices that are kept. */
    void forgetKept() {
        state.updateAndGet(StandingState::withoutKept);
    }

    /**
     * Says that a list is another one now. Returns whether the client hears of it without opening
     * another stream.
     */
    boolean listChanged(String method) {
        return keepOrSend(method, Spliced.of(JsonRpc.notification(method)));
    }

    /** Says that a resource has been updated, in the words of {@code notice}. */
    void resourceUpdated(String uri, Spliced notice) {
        if (elsewhere.hasClient()) {
            elsewhere.toClient(notice);
            return;
        }
        keepOrSend(StandingState.updated(uri), notice);
    }

    /** Says that a resource may have been updated while nobody could hear of it. */
    void resourceUpdated(String uri) {
        var params = Json.object(members -> members.put("uri", uri));
        resourceUpdated(uri, Spliced.of(JsonRpc.notification(Method.RESOURCE_UPDATED, params)));
    }

    /** Returns whether it is on its way. */
    private boolean keepOrSend(String key, Spliced notice) {
        if (shared) {
            state.get().streams().forEach(stream -> stream.notification(notice));
            return true;
        }
        var before =
                state.getAndUpdate(
                        now -> now.newest().isPresent() ? now : now.keeping(key, notice));
        before.newest()
                .or(() -> before.keeps(key) ? Optional.empty() : before.away())
                .ifPresent(stream -> stream.notification(notice));
        return before.newest().or(before::away).isPresent();
    }

    /** Sends a notification that is not worth keeping. Returns whether there was a stream. */
    boolean notification(Spliced message) {
        if (shared) {
            return false; // it would be a guess whom it is meant for
        }
        if (elsewhere.hasClient()) {
            elsewhere.toClient(message);
            return true;
        }
        var stream = state.get().newest();
        stream.ifPresent(open -> open.notification(message));
        return stream.isPresent();
    }

    /** Sends a notification, or keeps it for a client that comes back to its last stream. */
    void tell(Spliced message) {
        if (!notification(message)) {
            state.get().away().ifPresent(stream -> stream.notification(message));
        }
    }

    /**
     * Says something that streams ask to be told by name. Of several clients' streams each is told,
     * and each knows what it has asked for.
     */
    void named(Spliced message) {
        if (shared) {
            state.get().streams().forEach(stream -> stream.notification(message));
        } else {
            tell(message);
        }
    }

    /** Asks the client, now or on the next stream that it opens soon, or else refuses for it. */
    void question(Question question) {
        if (shared) {
            question.refuse("the client can be asked in a call only");
            return;
        }
        if (elsewhere.hasClient()) {
            relayed.send(question);
            return;
        }
        var before =
                state.getAndUpdate(
                        now ->
                                now.newest().isPresent() || now.isFull()
                                        ? now
                                        : now.waiting(question));
        if (before.newest().isPresent()) {
            if (!before.newest().get().question(question)) {
                question.refuse("the client cannot be asked");
            }
        } else if (before.isFull()) {
            question.refuse("too many questions wait for the client already");
        } else {
            var patience = before.away().isPresent() ? EventLog.RETURN : PATIENCE;
            alarms.after(patience, () -> giveUp(question));
        }
    }

    /** Takes back the question called {@code id}: with {@code notice}, if it has been asked. */
    void withdraw(Json id, Spliced notice) {
        var before =
                state.getAndUpdate(now -> now.waitingFor(id).map(now::withoutWaiting).orElse(now));
        if (before.waitingFor(id).isEmpty()) {
            tell(notice);
        }
    }

    /**
     * Hands what waits for the client's next stream to the process where that is, if it is at
     * another one, which knows by itself which lists have changed.
     */
    void handOver() {
        if (shared || !elsewhere.hasClient()) {
            return;
        }
        var before = state.getAndUpdate(StandingState::withoutOthersNews);
        before.kept()
                .forEach(
                        (key, notice) -> {
                            if (StandingState.isUpdate(key)) {
                                elsewhere.toClient(notice);
                            }
                        });
        before.waiting().forEach(relayed::send);
    }

    /** The process where the client listens has taken the question {@code id}. */
    void taken(Json id) {
        relayed.taken(id);
    }

    /** Takes a message of another process for the client, if that listens here. */
    void relayed(Envelope message) {
        if (isAwaited() && elsewhere.isHere()) {
            if (message.isRequest()) {
                relayed.received(message).ifPresent(this::question);
            } else if (message.method().equals(Method.RESOURCE_UPDATED)) {
                message.uri().ifPresent(uri -> resourceUpdated(uri, Spliced.of(message)));
            } else {
                tell(Spliced.of(message));
            }
        }
    }

    private void giveUp(Question question) {
        var before = state.getAndUpdate(now -> now.withoutWaiting(question));
        if (before.waiting().stream().anyMatch(question::equals)) {
            question.refuse("the client has no open stream to be asked on");
        }
    }
}
