package dev.heddle.transport.serve;

import dev.heddle.core.events.Taker;
import dev.heddle.protocol.Spliced;

/**
 * Carries a stream of events in the answer to an HTTP request.
 *
 * @param primes whether the client is told where the stream begins
 */
record ReplyTaker(HttpReply reply, boolean primes) implements Taker {
    @Override
    public void beginning(String id) {
        if (primes) {
            reply.begin(id);
        }
    }

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
    public void leave() {
        reply.endForNow();
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
