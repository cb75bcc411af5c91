package dev.heddle.core.tasks;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Reply;
import dev.heddle.protocol.Json;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A task whose changes somebody wants to be told although its server need not tell them: it is
 * asked after until it has ended, by one request at a time. Thread-safe: the whole state is one
 * immutable value.
 */
final class WatchedTask {
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);

    /**
     * @param last the state that was told last
     * @param asking whether the server is being asked
     * @param again whether it is to be asked once more when it has answered
     * @param turn counts how often it has been asked
     * @param over whether nothing more is to be told
     */
    private record State(
            Optional<Json> last, boolean asking, boolean again, int turn, boolean over) {
        static final State BEGUN = new State(Optional.empty(), false, false, 0, false);

        State asked() {
            return over
                    ? this
                    : asking
                            ? new State(last, true, true, turn, false)
                            : new State(last, true, false, turn + 1, false);
        }

        State seen(Json task, boolean ended) {
            return over ? this : new State(Optional.of(task), false, false, turn, ended);
        }

        State unseen(boolean ended) {
            return new State(last, false, false, turn, over || ended);
        }
    }

    private final BiConsumer<Consumer<Json>, Consumer<Reply>> ask;
    private final Consumer<Json> changed;
    private final Alarms alarms;
    private final AtomicReference<State> state = new AtomicReference<>(State.BEGUN);

    /**
     * @param ask asks for the task's state, and takes who is told it and who is told why not
     * @param changed told each state that differs from the one before
     */
    WatchedTask(
            BiConsumer<Consumer<Json>, Consumer<Reply>> ask,
            Consumer<Json> changed,
            Alarms alarms) {
        this.ask = ask;
        this.changed = changed;
        this.alarms = alarms;
    }

    /** Asks after the task now, or as soon as an answer that is awaited has come. */
    void look() {
        var before = state.getAndUpdate(State::asked);
        if (!before.over() && !before.asking()) {
            ask.accept(this::seen, this::unseen);
        }
    }

    private void lookAfter(Duration pause, int turn) {
        alarms.after(
                pause,
                () -> {
                    if (state.get().turn() == turn) {
                        look();
                    }
                });
    }

    private void seen(Json task) {
        var detached = task.detached();
        boolean ended = TaskForms.isOver(TaskForms.status(task));
        var before = state.getAndUpdate(now -> now.seen(detached, ended));
        if (before.over()) {
            return;
        }
        if (!before.last().equals(Optional.of(detached))) {
            changed.accept(detached);
        }
        if (before.again()) {
            look();
        } else if (!ended) {
            lookAfter(TaskForms.pause(task), before.turn());
        }
    }

    /** A task that its server does not know any more will not change. */
    private void unseen(Reply reply) {
        boolean failed = reply instanceof Reply.Failed;
        var before = state.getAndUpdate(now -> now.unseen(!failed));
        if (failed && !before.over()) {
            lookAfter(AFTER_FAILURE, before.turn());
        }
    }

    /** Nobody wants to be told any more. */
    void leave() {
        state.updateAndGet(now -> now.unseen(true));
    }
}
