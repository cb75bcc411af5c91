package dev.heddle.transport.serve;

import dev.heddle.core.session.EventStream;
import dev.heddle.protocol.Spliced;

/** Carries a stream of events in the answer to an HTTP request. */
record ReplyTaker(HttpReply reply) implements EventStream.Taker {
    @Override
    public void event(String id, Spliced message) {
        reply.event(id, message);
    }

    @Override
    public void last(String id, Spliced message) {
        reply.lastEvent(id, message);
    }

    @Override
    public void end() {
        reply.end();
    }

    @Override
    public boolean isReady() {
        return reply.isWritable();
    }

    @Override
    public boolean isCrowded() {
        return reply.isCrowded();
    }

    @Override
    public void whenReady(Runnable task) {
        reply.whenWritable(task);
    }
}
