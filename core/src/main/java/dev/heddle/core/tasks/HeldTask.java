package dev.heddle.core.tasks;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.rounds.InputRequest;
import dev.heddle.core.rounds.ParkedExchanges;
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
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What a task of a server with sessions wants to know and how it has ended, for a client that asks
 * after both: takes what comes back for {@code tasks/result} (MCP 2025-11-25, Tasks). Thread-safe:
 * the whole state is one immutable value.
 */
final class HeldTask implements Sink {
    private static final int MOST_QUESTIONS = 100;

    /** As long as a person may take to answer. */
    private static final Duration PATIENCE = ParkedExchanges.PATIENCE;

    /**
     * @param asked the questions that wait for answers, by keys that are used once
     * @param number how many there have been
     * @param asking whether the result has been asked for
     * @param waiting told once how the task has ended
     */
    private record State(
            Map<String, Question> asked,
            int number,
            boolean asking,
            List<Consumer<Reply>> waiting,
            Optional<Reply> outcome) {
        static final State BEGUN = new State(Map.of(), 0, false, List.of(), Optional.empty());

        /** A server that is asked for the result once more may ask once more too. */
        boolean takes(Question question) {
            return outcome.isEmpty() && (asked.size() < MOST_QUESTIONS || has(question.id()));
        }

        private boolean has(Json id) {
            return asked.values().stream().anyMatch(one -> one.id().equals(id));
        }

        State with(Question question) {
            if (!takes(question) || has(question.id())) {
                return this;
            }
            var more = new LinkedHashMap<>(asked);
            more.put("q" + (number + 1), question);
            return new State(more, number + 1, asking, waiting, outcome);
        }

        State without(Map<String, Question> answered) {
            var left = new LinkedHashMap<>(asked);
            left.keySet().removeAll(answered.keySet());
            return new State(left, number, asking, waiting, outcome);
        }

        State begun() {
            return new State(asked, number, true, waiting, outcome);
        }

        State waiting(Consumer<Reply> one) {
            var more = new ArrayList<>(waiting);
            more.add(one);
            return new State(asked, number, true, List.copyOf(more), outcome);
        }

        /** An end is kept for whoever asks next; what was no end is asked for anew. */
        State after(Reply reply) {
            boolean kept = reply instanceof Reply.Response;
            return new State(
                    asked, number, kept, List.of(), kept ? Optional.of(reply) : Optional.empty());
        }
    }

    private final Consumer<Sink> askForResult;
    private final Alarms alarms;
    private final Runnable forget;
    private final AtomicReference<State> state = new AtomicReference<>(State.BEGUN);

    /**
     * @param askForResult asks the server for the task's result
     * @param forget run when the task has ended and nobody has asked for a while
     */
    HeldTask(Consumer<Sink> askForResult, Alarms alarms, Runnable forget) {
        this.askForResult = askForResult;
        this.alarms = alarms;
        this.forget = forget;
    }

    /** Asks the server for the result, with which it begins to ask what it wants to know. */
    void ask() {
        var before = state.getAndUpdate(State::begun);
        if (!before.asking()) {
            askForResult.accept(this);
        }
    }

    /** Hands over how the task has ended, when that is known. */
    void outcome(Consumer<Reply> taker) {
        var before =
                state.getAndUpdate(now -> now.outcome().isPresent() ? now : now.waiting(taker));
        if (before.outcome().isPresent()) {
            taker.accept(before.outcome().get());
        } else if (!before.asking()) {
            askForResult.accept(this);
        }
    }

    /** What the task wants to know, by the keys under which the answers come back. */
    Json asked() {
        var asked = state.get().asked();
        return Json.object(
                all -> asked.forEach((key, question) -> all.put(key, InputRequest.of(question))));
    }

    @Override
    public boolean question(Question question) {
        boolean taken = state.getAndUpdate(now -> now.with(question)).takes(question);
        if (taken) {
            alarms.after(PATIENCE, () -> giveUp(question));
        }
        return taken;
    }

    private void giveUp(Question question) {
        take(one -> one.getValue().equals(question))
                .values()
                .forEach(
                        open ->
                                open.refuse(
                                        "the client did not answer within "
                                                + PATIENCE.toMinutes()
                                                + " minutes"));
    }

    /** Hands the client's answers on; those to nothing that is asked are ignored. */
    void answer(Map<String, Json> answers) {
        var taken = take(one -> answers.containsKey(one.getKey()));
        answers.forEach(
                (key, answer) -> {
                    var question = taken.get(key);
                    if (question != null) {
                        var response = JsonRpc.result(question.id(), answer);
                        question.answer().accept(Spliced.of(response));
                    }
                });
    }

    /** Takes back the question that the server knows as {@code id}. Returns whether there is it. */
    boolean withdraw(Json id) {
        return !take(one -> one.getValue().id().equals(id)).isEmpty();
    }

    /** Answers everything with an error: nobody will. */
    void refuse(String why) {
        take(_ -> true).values().forEach(question -> question.refuse(why));
    }

    private Map<String, Question> take(Predicate<Map.Entry<String, Question>> which) {
        while (true) {
            var now = state.get();
            var taken = new LinkedHashMap<String, Question>();
            now.asked().entrySet().stream()
                    .filter(which)
                    .forEach(one -> taken.put(one.getKey(), one.getValue()));
            if (taken.isEmpty() || state.compareAndSet(now, now.without(taken))) {
                return taken;
            }
        }
    }

    /** A task tells of no progress, but it may withdraw a question. */
    @Override
    public void notification(Spliced message) {
        if (message.envelope().method().equals(Method.CANCELLED)) {
            withdraw(message.envelope().requestId().orElse(Json.NULL));
        }
    }

    @Override
    public void reply(Reply reply) {
        var before = state.getAndUpdate(now -> now.after(reply));
        if (reply instanceof Reply.Response) {
            refuse("the task has ended");
            alarms.after(PATIENCE, forget);
        }
        before.waiting().forEach(taker -> taker.accept(reply));
    }
}
