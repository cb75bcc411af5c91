package dev.heddle.core.rounds;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * One exchange with a server that asks its client while it works, for a client that cannot be asked
 * but comes back: in between, the exchange is parked. Thread-safe; takes no lock.
 */
final class RoundedExchange implements Sink {
    private static final int MOST_QUESTIONS = 100;
    private static final int MOST_TOLD = 100;
    private static final String UNDECLARED =
            "the client has not declared that it can be asked this";

    private sealed interface State {
        /** A request of the client is open. {@code number} rounds have ended before. */
        record Answering(Round round, int number) implements State {}

        /**
         * A request of the client is open, and is about to end with these questions and those that
         * come with them.
         */
        record Gathering(Round round, int number, List<Question> asked) implements State {
            Gathering with(Question question) {
                var more = new ArrayList<>(asked);
                more.add(question);
                return new Gathering(round, number, List.copyOf(more));
            }

            Gathering without(Json id) {
                var left = asked.stream().filter(one -> !one.id().equals(id)).toList();
                return new Gathering(round, number, left);
            }
        }

        /**
         * The client is to come back.
         *
         * @param asked what it was asked
         * @param later what it is to be asked next
         * @param told what it is to be told before anything else
         * @param ending what it is to be told when it comes
         */
        record Parked(
                int number,
                Map<String, Question> asked,
                List<Question> later,
                List<Spliced> told,
                Optional<Reply> ending,
                Alarms.Alarm patience)
                implements State {
            Parked later(Question question) {
                var more = new ArrayList<>(later);
                more.add(question);
                return new Parked(number, asked, List.copyOf(more), told, ending, patience);
            }

            Parked telling(Spliced message) {
                if (told.size() >= MOST_TOLD) {
                    return this;
                }
                var more = new ArrayList<>(told);
                more.add(message);
                return new Parked(number, asked, later, List.copyOf(more), ending, patience);
            }

            Parked without(Json id) {
                var left = new LinkedHashMap<>(asked);
                left.values().removeIf(question -> question.id().equals(id));
                var waiting = later.stream().filter(one -> !one.id().equals(id)).toList();
                return new Parked(number, left, waiting, told, ending, patience);
            }

            Parked ending(Reply reply) {
                return new Parked(number, asked, later, told, Optional.of(reply), patience);
            }
        }

        record Ended() implements State {}
    }

    private final String name;
    private final ParkedExchanges parked;
    private final Consumer<Optional<Reply>> over;
    private final AtomicReference<State> state;
    private final boolean alone;
    private volatile Running running = Running.NONE;

    RoundedExchange(
            String name, ParkedExchanges parked, Round first, Consumer<Optional<Reply>> over) {
        this.over = over;
        this.name = name;
        this.parked = parked;
        this.alone = first.sink().isAlone();
        this.state = new AtomicReference<>(new State.Answering(first, 0));
    }

    /** To be run once, when the state has become ended: with a reply, or without one. */
    private void end(Optional<Reply> reply) {
        parked.forget(this);
        over.accept(reply);
    }

    String name() {
        return name;
    }

    /** Is about {@code call}. To be called once, as soon as it has begun. */
    void runs(Running call) {
        running = call;
        if (state.get() instanceof State.Ended) {
            call.cancel();
        }
    }

    /** The client has gone away without waiting for the end of {@code round}. */
    void left(Round round) {
        while (true) {
            var now = state.get();
            if (open(now).filter(round::equals).isEmpty()) {
                return;
            }
            if (state.compareAndSet(now, new State.Ended())) {
                end(Optional.empty());
                running.cancel();
                return;
            }
        }
    }

    /** The client's request that is open, if one is. */
    private static Optional<Round> open(State now) {
        return switch (now) {
            case State.Answering(var round, _) -> Optional.of(round);
            case State.Gathering(var round, _, _) -> Optional.of(round);
            case State.Parked _, State.Ended _ -> Optional.empty();
        };
    }

    @Override
    public boolean question(Question question) {
        while (true) {
            var now = state.get();
            switch (now) {
                case State.Ended _ -> {
                    return false;
                }
                case State.Parked waits when waits.later().size() >= MOST_QUESTIONS -> {
                    return false;
                }
                case State.Parked waits -> {
                    if (state.compareAndSet(now, waits.later(question))) {
                        return true;
                    }
                }
                case State.Gathering some when some.asked().size() >= MOST_QUESTIONS -> {
                    return false;
                }
                case State.Gathering some when !some.round().mayAsk(question) -> {
                    question.refuse(UNDECLARED);
                    return true;
                }
                case State.Gathering some -> {
                    if (state.compareAndSet(now, some.with(question))) {
                        return true;
                    }
                }
                case State.Answering(var round, int number) -> {
                    if (!round.mayAsk(question)) {
                        question.refuse(UNDECLARED);
                        return true;
                    }
                    if (!parked.hasRoom(this)) {
                        return false;
                    }
                    var first = new State.Gathering(round, number, List.of(question));
                    if (state.compareAndSet(now, first)) {
                        parked.soon(this::askGathered);
                        return true;
                    }
                }
            }
        }
    }

    /** Asks what has come in the last moment, unless that was withdrawn meanwhile. */
    private void askGathered() {
        while (state.get() instanceof State.Gathering some) {
            boolean done =
                    some.asked().isEmpty()
                            ? state.compareAndSet(
                                    some, new State.Answering(some.round(), some.number()))
                            : ask(some, some.round(), some.number() + 1, some.asked(), List.of());
            if (done) {
                return;
            }
        }
    }

    /**
     * Ends {@code round} with questions, after it has been told {@code told}. Returns whether
     * {@code now} was the state.
     */
    private boolean ask(
            State now, Round round, int number, List<Question> questions, List<Spliced> told) {
        var asked = new LinkedHashMap<String, Question>();
        questions.forEach(one -> asked.put("q" + number + "-" + (asked.size() + 1), one));
        var patience = parked.expire(() -> expired(number));
        var waits =
                new State.Parked(number, asked, List.of(), List.of(), Optional.empty(), patience);
        if (!state.compareAndSet(now, waits)) {
            patience.cancel();
            return false;
        }
        parked.remember(this);
        told.forEach(round.sink()::notification);
        round.ask(asked, new Ticket(name, number));
        return true;
    }

    private void expired(int number) {
        var now = state.get();
        if (now instanceof State.Parked waits && waits.number() == number) {
            if (state.compareAndSet(now, new State.Ended())) {
                end(Optional.empty());
                running.cancel();
                refuse(waits);
            } else {
                expired(number);
            }
        }
    }

    private static void refuse(State.Parked waits) {
        var all = new ArrayList<>(waits.asked().values());
        all.addAll(waits.later());
        all.forEach(question -> question.refuse("the client did not come back"));
    }

    /**
     * Goes on in {@code round}.
     *
     * @return whether {@code number} was the round that is waited for
     */
    boolean resume(int number, Map<String, Json> answers, Round round) {
        while (true) {
            var now = state.get();
            if (!(now instanceof State.Parked waits) || waits.number() != number) {
                return false;
            }
            if (goOn(waits, answers, round)) {
                waits.patience().cancel();
                return true;
            }
        }
    }

    private boolean goOn(State.Parked waits, Map<String, Json> answers, Round round) {
        if (waits.ending().isPresent()) {
            if (!state.compareAndSet(waits, new State.Ended())) {
                return false;
            }
            end(waits.ending());
            waits.told().forEach(round.sink()::notification);
            round.end(waits.ending().get());
            return true;
        }
        var open = new ArrayList<Question>();
        waits.asked()
                .forEach(
                        (key, question) -> {
                            if (!answers.containsKey(key)) {
                                open.add(question);
                            }
                        });
        open.addAll(waits.later());
        var undeclared = open.stream().filter(question -> !round.mayAsk(question)).toList();
        open.removeAll(undeclared);
        boolean done =
                open.isEmpty()
                        ? state.compareAndSet(waits, new State.Answering(round, waits.number()))
                        : ask(waits, round, waits.number() + 1, open, waits.told());
        if (done) {
            undeclared.forEach(question -> question.refuse(UNDECLARED));
            if (open.isEmpty()) {
                waits.told().forEach(round.sink()::notification);
            }
            waits.asked()
                    .forEach(
                            (key, question) ->
                                    Optional.ofNullable(answers.get(key))
                                            .ifPresent(answer -> answer(question, answer)));
        }
        return done;
    }

    private static void answer(Question question, Json result) {
        question.answer().accept(Spliced.of(JsonRpc.result(question.id(), result)));
    }

    @Override
    public void notification(Spliced message) {
        if (message.envelope().method().equals(Method.CANCELLED)) {
            withdraw(message.envelope().requestId().orElse(Json.NULL), message);
        } else {
            var before =
                    state.getAndUpdate(
                            now ->
                                    now instanceof State.Parked waits
                                            ? waits.telling(message)
                                            : now);
            open(before).ifPresent(round -> round.sink().notification(message));
        }
    }

    /** The server wants no answer any more to the question {@code id}. */
    private void withdraw(Json asWritten, Spliced message) {
        var id = Envelope.parse(message.bytes()).requestId().orElse(asWritten);
        state.updateAndGet(
                now ->
                        switch (now) {
                            case State.Parked waits -> waits.without(id);
                            case State.Gathering some -> some.without(id);
                            case State.Answering _, State.Ended _ -> now;
                        });
    }

    @Override
    public boolean isReady() {
        return open(state.get()).map(round -> round.sink().isReady()).orElse(true);
    }

    @Override
    public void whenReady(Runnable task) {
        open(state.get()).ifPresentOrElse(round -> round.sink().whenReady(task), task);
    }

    @Override
    public Optional<LogLevel> logLevel() {
        return open(state.get()).flatMap(round -> round.sink().logLevel());
    }

    @Override
    public boolean isAlone() {
        return alone;
    }

    @Override
    public boolean takesFlow(int held) {
        return open(state.get()).filter(round -> round.sink().takesFlow(held)).isPresent();
    }

    @Override
    public void reply(Reply reply) {
        while (true) {
            var now = state.get();
            switch (now) {
                case State.Answering _, State.Gathering _ -> {
                    if (state.compareAndSet(now, new State.Ended())) {
                        end(Optional.of(reply));
                        open(now).orElseThrow().end(reply);
                        return;
                    }
                }
                case State.Parked waits -> {
                    if (state.compareAndSet(now, waits.ending(held(reply)))) {
                        return;
                    }
                }
                case State.Ended _ -> {
                    held(reply);
                    return;
                }
            }
        }
    }

    /** A reply that can be told later. */
    private static Reply held(Reply reply) {
        if (reply instanceof Reply.Flowing(var flow)) {
            flow.abort();
            return new Reply.Failed(new Fault.Cancelled());
        }
        return reply;
    }
}
