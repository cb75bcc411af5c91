package dev.heddle.core.session;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The questions of backends that wait for the client's answer, each on the way where it belongs: a
 * call's own, or else the standing stream.
 *
 * <p>The client knows each by an id of ours, since two backends may use the same one; the id is the
 * question's progress token too. Thread-safe; takes no lock.
 */
final class Questions {
    /** As long as a person may take to answer. */
    static final Duration PATIENCE = Duration.ofMinutes(10);

    private static final int MAX_OPEN = 1000;
    private static final char BETWEEN = '-';

    /**
     * One that waits.
     *
     * @param call for which the backend asked, as far as is known
     * @param guessed whether it is known only that there was no other call
     * @param way on which the client was asked; the standing stream if empty
     * @param patience goes when it has waited too long
     */
    private record Pending(
            Question asked,
            Conversation from,
            Optional<ForwardedCall> call,
            boolean guessed,
            Optional<Sink> way,
            Alarm patience) {
        Pending onStandingStream() {
            return new Pending(asked, from, call, guessed, Optional.empty(), patience);
        }

        Pending withoutCall() {
            return new Pending(asked, from, Optional.empty(), false, Optional.empty(), patience);
        }
    }

    private final Ids ids;
    private final Alarms alarms;
    private final StandingStream standing;
    private final String node;
    private final SparseMap<Json, Pending> pending = new SparseMap<>();

    /**
     * @param node what this process is called among those that hold the session; empty if no other
     *     does
     */
    Questions(Ids ids, Alarms alarms, StandingStream standing, String node) {
        this.node = node;
        this.ids = ids;
        this.alarms = alarms;
        this.standing = standing;
    }

    /** Asks the client what a backend asks outside calls, or refuses for it. */
    void ask(Question asked, Conversation from) {
        open(asked, from, Optional.empty(), false)
                .ifPresent(id -> standing.question(forClient(id, asked)));
    }

    /** Asks the client what a backend asks for {@code call}, or refuses for it. */
    void ask(Question asked, ForwardedCall call) {
        ask(asked, call, false);
    }

    /** The same, where it is known only that there is no other call. */
    void askOnly(Question asked, ForwardedCall call) {
        ask(asked, call, true);
    }

    private void ask(Question asked, ForwardedCall call, boolean guessed) {
        open(asked, call.conversation(), Optional.of(call), guessed)
                .ifPresent(
                        id -> {
                            var sink = call.exchange().sink();
                            if (!sink.question(forClient(id, asked))) {
                                moveToStandingStream(id, asked);
                            }
                        });
    }

    private Optional<Json> open(
            Question asked, Conversation from, Optional<ForwardedCall> call, boolean guessed) {
        if (pending.size() >= MAX_OPEN) {
            asked.refuse("too many questions are open already");
            return Optional.empty();
        }
        var id = freshId();
        var patience = alarms.after(PATIENCE, () -> giveUp(id));
        var way = call.map(one -> one.exchange().sink());
        pending.put(id, new Pending(asked, from, call, guessed, way, patience));
        return Optional.of(id);
    }

    private Json freshId() {
        long number = ids.next();
        return node.isEmpty() ? Json.of(number) : Json.of(node + BETWEEN + number);
    }

    /** The process that has asked the question {@code id}, if that says so. */
    static Optional<String> asker(Json id) {
        var text = id.isString() ? id.text() : "";
        int end = text.lastIndexOf(BETWEEN);
        return end < 1 ? Optional.empty() : Optional.of(text.substring(0, end));
    }

    /** The backend is told that there is no answer, and the client that none is wanted any more. */
    private void giveUp(Json id) {
        var question = pending.get(id);
        if (question != null) {
            var why = "the client did not answer within " + PATIENCE.toMinutes() + " minutes";
            refuse(id, why);
            tell(question, id, why);
        }
    }

    private Question forClient(Json id, Question asked) {
        return new Question(
                asked.message().id(id).progressToken(id),
                answer -> close(id, answer),
                () -> moveToStandingStream(id, asked));
    }

    /** Asks again when the way to the client has been lost before the answer came. */
    private void moveToStandingStream(Json id, Question asked) {
        var question = pending.get(id);
        if (question != null && pending.replace(id, question, question.onStandingStream())) {
            standing.question(forClient(id, asked));
        }
    }

    /** The question that the client knows as {@code id} has not reached it; it is asked again. */
    void unasked(Json id) {
        var question = pending.get(id);
        if (question != null) {
            moveToStandingStream(id, question.asked());
        }
    }

    /** Whether somebody is thinking about a question of {@code from}. */
    boolean isOpen(Conversation from) {
        return pending.values().stream().anyMatch(question -> question.from() == from);
    }

    /** Hands the client's answer to the backend that asked. Returns whether it is known here. */
    boolean answer(Envelope response) {
        return close(response.id(), Spliced.of(response));
    }

    private boolean close(Json id, Spliced answer) {
        var question = take(id);
        question.ifPresent(
                closed -> closed.asked().answer().accept(answer.id(closed.asked().request().id())));
        return question.isPresent();
    }

    private Optional<Pending> take(Json id) {
        var question = Optional.ofNullable(pending.remove(id));
        question.ifPresent(
                closed -> {
                    closed.patience().cancel();
                    closed.from().attention().questionClosed();
                });
        return question;
    }

    /** Takes back a question that its backend wants no answer to any more. */
    void withdraw(Conversation from, Envelope cancellation) {
        var theirs = cancellation.requestId().orElse(Json.NULL);
        var asked =
                ids(
                        question ->
                                question.from() == from
                                        && question.asked().request().id().equals(theirs));
        for (var id : asked) {
            take(id).ifPresent(
                            question -> tell(question, id, Spliced.of(cancellation).requestId(id)));
        }
    }

    /** Tells the client that nobody waits for its answer any more. */
    private void tell(Pending question, Json id, Spliced notice) {
        question.way()
                .ifPresentOrElse(
                        sink -> sink.notification(notice), () -> standing.withdraw(id, notice));
    }

    private void tell(Pending question, Json id, String why) {
        var params = Json.object(members -> members.put("requestId", id).put("reason", why));
        tell(question, id, Spliced.of(JsonRpc.notification(Method.CANCELLED, params)));
    }

    private List<Json> ids(Predicate<Pending> which) {
        var ids = new ArrayList<Json>();
        pending.forEach(
                (id, question) -> {
                    if (which.test(question)) {
                        ids.add(id);
                    }
                });
        return ids;
    }

    /** Hands the client's progress on a question to the backend that asked, likewise. */
    boolean progress(Envelope notification) {
        var question = pending.get(notification.progress().orElse(Json.NULL));
        if (question != null) {
            var token = question.asked().request().progressToken();
            token.ifPresent(
                    theirs ->
                            question.from().notifyOpen(Spliced.of(notification).progress(theirs)));
        }
        return question != null;
    }

    /** Answers every question with an error. */
    void closeAll(String why) {
        ids(_ -> true).forEach(id -> refuse(id, why));
    }

    /**
     * Takes back the questions of a call that has ended, and answers the backend with an error:
     * nobody will answer them. One that may not have been the call's stays, if its client can
     * answer it on its own.
     */
    void closeOf(ForwardedCall call) {
        if (pending.isEmpty()) {
            return;
        }
        for (var id : ids(question -> question.call().filter(call::equals).isPresent())) {
            var question = pending.get(id);
            if (question != null && !(question.guessed() && goesOn(id, question))) {
                var why = "the call has ended";
                refuse(id, why);
                tell(question, id, why);
            }
        }
    }

    private boolean goesOn(Json id, Pending question) {
        return !standing.isShared() && pending.replace(id, question, question.withoutCall());
    }

    private void refuse(Json id, String why) {
        close(id, Spliced.of(JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, why)));
    }

    /**
     * Takes back what a conversation that has ended asked outside calls: nobody is there to be
     * answered. Its calls end by themselves, and what they asked ends with them.
     */
    void forget(Conversation from) {
        for (var id : ids(question -> question.from() == from && question.call().isEmpty())) {
            take(id).ifPresent(question -> tell(question, id, "the server has gone"));
        }
    }
}
