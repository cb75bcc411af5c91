package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A backend's GET stream, held open while it is wanted: opened anew when it ends, where it left off
 * (MCP 2025-11-25, Streamable HTTP, Listening for Messages and Resumability). Thread-safe: the
 * whole state is one immutable value.
 */
final class StandingGet {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);

    /** A stream that ends sooner is not worth being opened again at once. */
    private static final Duration LASTING = Duration.ofSeconds(10);

    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

    /** How long calls wait for the first stream, on which they may be asked something. */
    private static final Duration FIRST_STREAM = Duration.ofMillis(500);

    /** Whose stream it is, and who takes what it brings. */
    interface Owner {
        /** What asks for the stream, behind {@code position} if that is not empty. */
        Outgoing get(String position);

        void message(Envelope message);

        /** A stream stands, and what was said before it has not been heard. */
        void missed();

        /** The backend does not know the session any more. */
        void sessionGone();
    }

    private sealed interface State {
        /** Not wanted. */
        record Off() implements State {}

        /** Wanted, and open or being opened. */
        record On(Attempt attempt) implements State {}

        /** Wanted, and waiting for the next try. */
        record Pausing() implements State {}

        /** The backend has no such stream. */
        record NotOffered() implements State {}
    }

    /**
     * Where the stream has got to.
     *
     * @param turn another one whenever that counts no more
     */
    private record Place(int turn, String id) {}

    private final HttpPool pool;
    private final Alarms alarms;
    private final Owner owner;
    private final AtomicReference<State> state = new AtomicReference<>(new State.Off());
    private final AtomicReference<Place> place = new AtomicReference<>(new Place(0, ""));
    private volatile Duration pause = FIRST_PAUSE;
    private volatile Optional<Duration> asked = Optional.empty();
    private volatile boolean offered;
    private volatile boolean late; // what was said before the next stream has not been heard
    private final CompletableFuture<Boolean> settled = new CompletableFuture<>();

    /**
     * @param late whether others may have listened before
     */
    StandingGet(HttpPool pool, Alarms alarms, Owner owner, boolean late) {
        this.late = late;
        this.pool = pool;
        this.alarms = alarms;
        this.owner = owner;
    }

    /** Opens the stream, or closes it. Idempotent. */
    void want(boolean wanted) {
        if (wanted) {
            var attempt = new Attempt();
            var before =
                    state.getAndUpdate(
                            now -> now instanceof State.Off ? new State.On(attempt) : now);
            if (before instanceof State.Off) {
                attempt.begin();
                if (!settled.isDone()) {
                    alarms.after(FIRST_STREAM, () -> settled.complete(false));
                }
            }
        } else {
            var before =
                    state.getAndUpdate(
                            now -> now instanceof State.NotOffered ? now : new State.Off());
            if (before instanceof State.On(var attempt)) {
                attempt.abort();
            }
            if (offered && !hasPosition()) {
                late = true;
            }
        }
    }

    /** The next stream does not begin where the last one left off. */
    void forgetPosition() {
        late = true;
        place.updateAndGet(now -> new Place(now.turn() + 1, ""));
    }

    private boolean hasPosition() {
        return !place.get().id().isEmpty();
    }

    /**
     * Runs {@code task} when the backend has answered for the first time whether there is such a
     * stream, or has let that wait: a backend that asks something on it would not find it before.
     */
    void whenSettled(Runnable task) {
        if (settled.isDone()) {
            task.run();
        } else {
            settled.thenRun(task);
        }
    }

    private void openAgain() {
        var attempt = new Attempt();
        var before =
                state.getAndUpdate(
                        now -> now instanceof State.Pausing ? new State.On(attempt) : now);
        if (before instanceof State.Pausing) {
            attempt.begin();
        }
    }

    /** One opening of the stream. */
    private final class Attempt implements MessageStream.Receiver {
        private final long began = alarms.now();
        private final int turn = place.get().turn();
        private volatile HttpPool.Sent sent = () -> {};

        void begin() {
            sent = pool.send(owner.get(place.get().id()), new MessageStream(this));
            if (!isCurrent()) {
                abort();
            }
        }

        void abort() {
            sent.abort();
        }

        private boolean isCurrent() {
            return state.get() instanceof State.On(var attempt) && attempt == this;
        }

        private void become(State next) {
            state.updateAndGet(
                    now -> now instanceof State.On(var attempt) && attempt == this ? next : now);
        }

        @Override
        public void accepted(ResponseHead head) {
            settled.complete(true);
            if (head.isEventStream()) {
                offered = true;
                if (late && isCurrent()) {
                    late = false;
                    owner.missed();
                }
            } else {
                become(new State.NotOffered());
                abort();
            }
        }

        @Override
        public void message(Envelope message) {
            pause = FIRST_PAUSE;
            if (isCurrent()) {
                owner.message(message);
            }
        }

        @Override
        public void position(String eventId) {
            place.updateAndGet(now -> now.turn() == turn ? new Place(turn, eventId) : now);
        }

        @Override
        public void retry(long millis) {
            asked = Optional.of(Duration.ofMillis(Math.min(millis, LONGEST_PAUSE.toMillis())));
        }

        @Override
        public void complete() {
            pauseThenOpen();
        }

        @Override
        public void broken(Throwable why, boolean mayHaveArrived) {
            pauseThenOpen();
        }

        @Override
        public void garbage(String what) {
            abort();
            pauseThenOpen();
        }

        private void pauseThenOpen() {
            settled.complete(false);
            if (alarms.now() - began > LASTING.toNanos()) {
                pause = FIRST_PAUSE;
            }
            if (isCurrent()) {
                become(new State.Pausing());
                var wait = asked.orElse(pause);
                pause =
                        pause.multipliedBy(2).compareTo(LONGEST_PAUSE) > 0
                                ? LONGEST_PAUSE
                                : pause.multipliedBy(2);
                alarms.after(wait, StandingGet.this::openAgain);
            }
        }

        @Override
        public void refused(ResponseHead head, String body) {
            settled.complete(false);
            int status = head.status();
            if (status == 409) {
                pause = FIRST_PAUSE; // another stream of the session is still open there
            }
            if (status == 409 || status == 429 || status >= 500) {
                pauseThenOpen(); // or the backend is not well
                return;
            }
            boolean gone =
                    offered
                            && isCurrent()
                            && HttpOutcome.status("", status, body, true).reason()
                                    == Reason.SESSION_GONE;
            if (!gone && isCurrent() && hasPosition()) {
                forgetPosition(); // what came behind it is forgotten there, what comes is not
                pauseThenOpen();
                return;
            }
            become(new State.NotOffered());
            if (gone) {
                owner.sessionGone();
            }
        }
    }
}
