package dev.heddle.core.tasks;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Reply;
import dev.heddle.protocol.Json;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A task whose changes somebody wants to be told although its server need not tell them: it is
 * asked after until it has ended. Thread-safe.
 */
final class WatchedTask {
    private static final Duration AFTER_FAILURE = Duration.ofSeconds(5);

    private final BiConsumer<Consumer<Json>, Consumer<Reply>> ask;
    private final Consumer<Json> changed;
    private final Alarms alarms;
    private volatile Optional<Json> last = Optional.empty();
    private volatile boolean left;

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

    void look() {
        if (!left) {
            ask.accept(this::seen, this::unseen);
        }
    }

    private void seen(Json task) {
        if (left) {
            return;
        }
        var before = last;
        last = Optional.of(task.detached());
        if (!before.equals(last)) {
            changed.accept(task);
        }
        if (!TaskForms.isOver(TaskForms.status(task))) {
            alarms.after(TaskForms.pause(task), this::look);
        }
    }

    /** A task that its server does not know any more will not change. */
    private void unseen(Reply reply) {
        if (reply instanceof Reply.Failed) {
            alarms.after(AFTER_FAILURE, this::look);
        }
    }

    /** Nobody wants to be told any more. */
    void leave() {
        left = true;
    }
}
