package dev.heddle.testkit;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A sink, or a client's stream, that keeps what it gets. */
public final class RecordingSink implements Sink {
    private static final long PATIENCE = 10;

    private final BlockingQueue<Reply> replies = new LinkedBlockingQueue<>();
    private final BlockingQueue<Envelope> notifications = new LinkedBlockingQueue<>();
    private final BlockingQueue<Question> questions = new LinkedBlockingQueue<>();
    private final List<String> order = new CopyOnWriteArrayList<>();
    private volatile boolean takesQuestions = true;
    private volatile boolean ended;

    /** One that no question can be put to. */
    public RecordingSink refusingQuestions() {
        takesQuestions = false;
        return this;
    }

    @Override
    public void notification(Spliced message) {
        order.add(message.envelope().method());
        notifications.add(Envelope.parse(message.bytes()));
    }

    @Override
    public boolean question(Question question) {
        if (takesQuestions) {
            order.add("question");
            questions.add(question);
        }
        return takesQuestions;
    }

    @Override
    public void reply(Reply reply) {
        order.add("reply");
        replies.add(reply);
    }

    @Override
    public void ended() {
        ended = true;
    }

    public boolean isEnded() {
        return ended;
    }

    /** What came, in its order: methods, {@code question} and {@code reply}. */
    public List<String> order() {
        return order;
    }

    public Envelope nextNotification() {
        return take(notifications);
    }

    public Question nextQuestion() {
        return take(questions);
    }

    public boolean isQuiet() {
        return replies.isEmpty() && notifications.isEmpty() && questions.isEmpty();
    }

    public Reply nextReply() {
        return take(replies);
    }

    public boolean hasReply() {
        return !replies.isEmpty();
    }

    /** The response, a result or an error. */
    public Envelope response() {
        return switch (nextReply()) {
            case Reply.Response(var message) -> Envelope.parse(message.bytes());
            case Reply.Failed(var fault) ->
                    throw new AssertionError("expected a response, but failed", fault);
        };
    }

    public Json result() {
        var response = response();
        return response.result()
                .orElseThrow(() -> new AssertionError("expected a result: " + response));
    }

    public Fault fault() {
        return switch (nextReply()) {
            case Reply.Failed(var fault) -> fault;
            case Reply.Response(var message) ->
                    throw new AssertionError("expected a failure: " + message);
        };
    }

    private static <T> T take(BlockingQueue<T> queue) {
        try {
            var next = queue.poll(PATIENCE, TimeUnit.SECONDS);
            if (next == null) {
                throw new AssertionError("nothing came within " + PATIENCE + " s");
            }
            return next;
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
