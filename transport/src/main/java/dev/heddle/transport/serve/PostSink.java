package dev.heddle.transport.serve;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.events.EventStream;
import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

/**
 * Puts what comes back for a request into the answer of its POST: one JSON text if that comes soon
 * and is all there is, else a stream of events (MCP 2025-11-25, Streamable HTTP, Sending Messages).
 * Thread-safe.
 */
final class PostSink implements Sink {
    private final Json id;
    private final HttpReply reply;
    private final PostStream stream;
    private final Runnable onward;

    /**
     * @param onward run instead of an answer if another process holds what the request is for
     */
    PostSink(Json id, HttpReply reply, PostStream stream, Runnable onward) {
        this.id = id;
        this.onward = onward;
        this.reply = reply;
        this.stream = stream;
    }

    @Override
    public void notification(Spliced message) {
        stream.notification(message);
    }

    @Override
    public boolean isReady() {
        return stream.isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        stream.whenReady(task);
    }

    /** What a client may want to hear again later cannot flow. */
    @Override
    public boolean takesFlow(int held) {
        return !stream.hasBegun() || (held > EventLog.LARGEST && stream.isCarried());
    }

    @Override
    public boolean question(Question question) {
        return stream.question(question);
    }

    @Override
    public void reply(Reply ending) {
        var events = stream.answered();
        switch (ending) {
            case Reply.Response(var message) -> {
                if (events == null) {
                    reply.last(200, message);
                } else {
                    PostStream.last(events, id, message);
                }
            }
            case Reply.Flowing(var flow) -> flow(flow, events);
            case Reply.Failed(var fault) -> fail(fault, events);
        }
    }

    private void fail(Fault fault, @Nullable EventStream events) {
        boolean cancelled = fault instanceof Fault.Cancelled;
        if (events == null && isElsewhere(fault)) {
            onward.run();
        } else if (events != null && cancelled) {
            events.end();
        } else if (events != null) {
            PostStream.last(events, id, Spliced.of(FaultForms.error(id, fault)));
        } else if (cancelled && stream.takesEvents()) {
            reply.end();
        } else if (cancelled) {
            reply.empty(202);
        } else {
            reply.fault(id, fault);
        }
    }

    private static boolean isElsewhere(Fault fault) {
        return fault instanceof Fault.SessionMoved
                || (fault instanceof Fault.BackendFailed failed
                        && failed.reason() == Fault.BackendFailed.Reason.ELSEWHERE);
    }

    private void flow(Flow flow, @Nullable EventStream events) {
        var parts = new Parts(flow, events);
        if (events == null) {
            begin(flow, parts);
        } else {
            events.whenSent(() -> begin(flow, parts));
        }
    }

    private void begin(Flow flow, Parts parts) {
        reply.beginParts();
        reply.whenOver(parts::lost);
        flow.begin(id, parts);
    }

    /** Puts the parts of a response into the answer; they are not kept. */
    private final class Parts implements Flow.Taker {
        private final Flow flow;
        private final @Nullable EventStream events;
        private boolean over; // on the event loop

        Parts(Flow flow, @Nullable EventStream events) {
            this.flow = flow;
            this.events = events;
        }

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

        /** Whether all of it has gone out cannot be told from here, nor be made up for. */
        void lost() {
            flow.abort();
            if (events != null && !over) {
                over = true;
                PostStream.last(events, id, PostStream.tooLarge(id));
            }
        }
    }
}
