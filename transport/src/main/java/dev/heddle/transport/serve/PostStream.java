package dev.heddle.transport.serve;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.events.EventStream;
import dev.heddle.core.events.Taker;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * The stream of events in the answer to a POST, which begins when there is something to send before
 * the end, and outlives the connection (MCP 2025-11-25, Streamable HTTP, Sending Messages).
 * Thread-safe.
 */
final class PostStream {
    private final HttpReply reply;
    private final boolean takesEvents;
    private final Supplier<EventStream> opening;
    private final Revision revision;
    private volatile @Nullable EventStream stream; // once it has begun; set under this
    private boolean answered; // guarded by this

    /**
     * @param takesEvents whether the client accepts a stream
     * @param opening makes the stream
     * @param revision of the client
     */
    PostStream(
            HttpReply reply,
            boolean takesEvents,
            Supplier<EventStream> opening,
            Revision revision) {
        this.reply = reply;
        this.takesEvents = takesEvents;
        this.opening = opening;
        this.revision = revision;
    }

    /** Whether the client accepts a stream. */
    boolean takesEvents() {
        return takesEvents;
    }

    /** The stream, which begins if it can and has not yet; else null. */
    synchronized @Nullable EventStream begin() {
        if (stream == null && takesEvents && !answered && reply.isOpen()) {
            var opened = opening.get();
            reply.begin();
            var taker = carrier();
            opened.begin(taker);
            reply.whenOver(() -> opened.lost(taker));
            stream = opened;
        }
        return stream;
    }

    /** Begins no stream any more. Returns the one that has begun, if one has. */
    synchronized @Nullable EventStream answered() {
        answered = true;
        return stream;
    }

    /**
     * A client that is too slow for a backend that cannot be stopped loses progress and log
     * messages, never its reply, nor the end of a question.
     */
    void notification(Spliced message) {
        boolean needed = message.envelope().method().equals(Method.CANCELLED);
        var events = needed || !isCrowded() ? begin() : null;
        if (events != null) {
            events.send(message);
        }
    }

    private boolean isCrowded() {
        var events = stream;
        return events == null
                ? reply.isCrowded()
                : events.isCrowded() || events.taker().map(Taker::isCrowded).orElse(false);
    }

    boolean question(Question question) {
        var events = begin();
        return events != null && events.ask(question);
    }

    boolean isReady() {
        var events = stream;
        return events == null
                ? reply.isWritable()
                : !events.isBehind() && events.taker().map(Taker::isReady).orElse(true);
    }

    void whenReady(Runnable task) {
        var events = stream;
        if (events == null) {
            reply.whenWritable(task);
        } else if (events.isBehind()) {
            events.whenSent(task);
        } else {
            events.taker().ifPresentOrElse(taker -> taker.whenReady(task), task);
        }
    }

    boolean hasBegun() {
        return stream != null;
    }

    /** Whether all of the stream, which has begun, goes out on the connection of the POST. */
    boolean isCarried() {
        var events = stream;
        return events != null
                && events.isSent()
                && events.taker().filter(carrier()::equals).isPresent();
    }

    private Taker carrier() {
        return new ReplyTaker(reply, revision.hasPriming());
    }

    /** Ends {@code events} with the response to the request {@code id}. */
    static void last(EventStream events, Json id, Spliced response) {
        events.last(response, kept(id, response));
    }

    /** What a client that is away can be told when it comes back. */
    static Spliced kept(Json id, Spliced response) {
        return response.length() <= EventLog.LARGEST ? response : tooLarge(id);
    }

    /** What is said in place of a response that is not kept. */
    static Spliced tooLarge(Json id) {
        var why = "the result was too large to be kept; the request has been carried out";
        return Spliced.of(JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, why));
    }
}
