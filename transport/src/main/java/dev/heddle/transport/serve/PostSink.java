package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

/**
 * Puts what comes back for a request into the answer of its POST: one JSON text if that is all
 * there is, else a stream of events (MCP 2025-11-25, Streamable HTTP, Sending Messages).
 */
final class PostSink implements Sink {
    private final Json id;
    private final HttpReply reply;
    private final boolean takesEvents;

    /**
     * @param takesEvents whether the client accepts a stream
     */
    PostSink(Json id, HttpReply reply, boolean takesEvents) {
        this.id = id;
        this.reply = reply;
        this.takesEvents = takesEvents;
    }

    /**
     * A client that is too slow for a backend that cannot be stopped loses progress and log
     * messages, never its reply, nor the end of a question.
     */
    @Override
    public void notification(Spliced message) {
        boolean needed = message.envelope().method().equals(Method.CANCELLED);
        if (takesEvents && (needed || !reply.isCrowded())) {
            reply.event(message);
        }
    }

    @Override
    public boolean isReady() {
        return reply.isWritable();
    }

    @Override
    public void whenReady(Runnable task) {
        reply.whenWritable(task);
    }

    @Override
    public boolean takesFlow() {
        return true;
    }

    /** Puts the parts of a response into the answer. */
    private final class Parts implements Flow.Taker {
        @Override
        public void part(byte[] bytes, int offset, int length) {
            reply.part(bytes, offset, length);
        }

        @Override
        public void end() {
            reply.endParts();
        }

        @Override
        public void broken() {
            reply.breakOff();
        }
    }

    @Override
    public boolean question(Question question) {
        if (!takesEvents || !reply.takesEvents()) {
            return false;
        }
        reply.event(question.message());
        reply.whenOver(question.wayLost());
        return true;
    }

    @Override
    public void reply(Reply ending) {
        switch (ending) {
            case Reply.Response(var message) -> reply.last(200, message);
            case Reply.Flowing(var flow) -> {
                reply.beginParts();
                reply.whenOver(flow::abort);
                flow.begin(id, new Parts());
            }
            case Reply.Failed(Fault.Cancelled _) -> {
                if (takesEvents) {
                    reply.end();
                } else {
                    reply.empty(202);
                }
            }
            case Reply.Failed(var fault) -> reply.fault(id, fault);
        }
    }
}
