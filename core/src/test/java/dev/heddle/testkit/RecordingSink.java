package dev.heddle.testkit;

import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.nio.charset.StandardCharsets;
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
    private volatile boolean ready = true;
    private volatile boolean alone;

    /** One that no question can be put to. */
    public RecordingSink refusingQuestions() {
        takesQuestions = false;
        return this;
    }

    /** One whose exchange has its session for itself. */
    public RecordingSink alone() {
        alone = true;
        return this;
    }

    @Override
    public boolean isAlone() {
        return alone;
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

    /** Says whether the client reads. */
    public void reading(boolean reads) {
        ready = reads;
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    @Override
    public boolean takesFlow(int held) {
        return true;
    }

    @Override
    public void reply(Reply reply) {
        if (reply instanceof Reply.Flowing(var flow)) {
            order.add("flow");
            flow.begin(Json.of("the client's"), new Parts());
        } else {
            order.add("reply");
            replies.add(reply);
        }
    }

    private final class Parts implements Flow.Taker {
        @Override
        public void part(byte[] bytes, int offset, int length) {
            order.add(new String(bytes, offset, length, StandardCharsets.UTF_8));
        }

        @Override
        public void end() {
            order.add("end");
        }

        @Override
        public void broken() {
            order.add("broken");
        }
    }

    @Override
    public void ended() {
        ended = true;
    }

    public boolean isEnded() {
        return ended;
    }

    /**
     * What came, in its order: methods, {@code question}, {@code reply}; the parts of a flow
     * between {@code flow} and {@code end} or {@code broken}.
     */
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
            case Reply.Flowing _ -> throw new AssertionError("expected a whole response");
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
            case Reply.Flowing _ -> throw new AssertionError("expected a failure");
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
