package dev.heddle.core.session;

import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/**
 * The questions of backends that wait for the client's answer.
 *
 * <p>The client knows each by an id of ours, since two backends may use the same one; the id is the
 * question's progress token too. Thread-safe; takes no lock.
 */
final class Questions {

    /** One that waits. */
    private record Pending(Question asked, Conversation from, Runnable whenAnswered) {}

    private final Ids ids;
    private final Map<Json, Pending> pending = new ConcurrentHashMap<>();

    Questions(Ids ids) {
        this.ids = ids;
    }

    /** The question as the client gets it. {@code whenAnswered} runs once, whatever the answer. */
    Question open(Question asked, Conversation from, Runnable whenAnswered) {
        var id = Json.of(ids.next());
        pending.put(id, new Pending(asked, from, whenAnswered));
        return new Question(asked.message().id(id).progressToken(id), answer -> close(id, answer));
    }

    /** Hands the client's answer to the backend that asked. An unknown one is ignored. */
    void answer(Envelope response) {
        close(response.id(), Spliced.of(response));
    }

    private void close(Json id, Spliced answer) {
        var question = pending.remove(id);
        if (question != null) {
            question.whenAnswered().run();
            question.asked().answer().accept(answer.id(question.asked().request().id()));
        }
    }

    /**
     * Takes back a question that its backend wants no answer to any more: the notice for the
     * client, if any.
     */
    Optional<Spliced> withdraw(Conversation from, Envelope cancellation) {
        var theirs = cancellation.requestId().orElse(Json.NULL);
        return idsFrom(from, question -> question.asked().request().id().equals(theirs)).stream()
                .filter(this::drop)
                .findAny()
                .map(id -> Spliced.of(cancellation).requestId(id));
    }

    private List<Json> idsFrom(Conversation from, Predicate<Pending> which) {
        return pending.entrySet().stream()
                .filter(entry -> entry.getValue().from() == from && which.test(entry.getValue()))
                .map(Map.Entry::getKey)
                .toList();
    }

    private boolean drop(Json id) {
        var question = pending.remove(id);
        if (question != null) {
            question.whenAnswered().run();
        }
        return question != null;
    }

    /** Hands the client's progress on a question to the backend that asked. */
    void progress(Envelope notification) {
        var question = pending.get(notification.progress().orElse(Json.NULL));
        if (question != null) {
            var token = question.asked().request().progressToken();
            token.ifPresent(
                    theirs ->
                            question.from().notifyOpen(Spliced.of(notification).progress(theirs)));
        }
    }

    /** Answers every question with an error. */
    void closeAll(String why) {
        for (var id : pending.keySet()) {
            close(id, Spliced.of(JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, why)));
        }
    }

    /** Drops the questions of a conversation that has ended: nobody is there to be answered. */
    void forget(Conversation from) {
        idsFrom(from, _ -> true).forEach(this::drop);
    }
}
