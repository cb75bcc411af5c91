package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Flow;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.EventLog;
import dev.heddle.core.session.EventStream;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.util.function.Supplier;

/**
 * Puts what comes back for a request into the answer of its POST: one JSON text if that comes soon
 * and is all there is, else a stream of events, which outlives the connection (MCP 2025-11-25,
 * Streamable HTTP, Sending Messages). Thread-safe.
 */
final class PostSink implements Sink {
    private final Json id;
    private final HttpReply reply;
    private final boolean takesEvents;
    private final Supplier<EventLog> log;
    private final Revision revision;
    private volatile @Nullable EventStream stream; // once it has begun; set under this
    private boolean answered; // guarded by this

    /**
     * @param takesEvents whether the client accepts a stream
     * @param log where the stream is remembered
     * @param revision of the client
     */
    PostSink(
            Json id,
            HttpReply reply,
            boolean takesEvents,
            Supplier<EventLog> log,
            Revision revision) {
        this.id = id;
        this.reply = reply;
        this.takesEvents = takesEvents;
        this.log = log;
        this.revision = revision;
    }

    /** Begins the stream if there is nothing to answer with for long. */
    void begin() {
        begun();
    }

    /** The stream, which begins if it can and has not yet; else null. */
    private synchronized @Nullable EventStream begun() {
        if (stream == null && takesEvents && !answered && reply.isOpen()) {
            var opened = log.get().openAnswer();
            if (revision.hasPriming()) {
                reply.begin(opened.beginning());
            } else {
                reply.begin();
            }
            var taker = new ReplyTaker(reply);
            opened.resume(opened.beginning(), taker);
            reply.whenOver(() -> opened.lost(taker));
            stream = opened;
        }
        return stream;
    }

    /**
     * A client that is too slow for a backend that cannot be stopped loses progress and log
     * messages, never its reply, nor the end of a question.
     */
    @Override
    public void notification(Spliced message) {
        boolean needed = message.envelope().method().equals(Method.CANCELLED);
        var events = needed || !isCrowded() ? begun() : null;
        if (events != null) {
            events.send(message);
        }
    }

    private boolean isCrowded() {
        var events = stream;
        return events == null
                ? reply.isCrowded()
                : events.taker().map(EventStream.Taker::isCrowded).orElse(false);
    }

    @Override
    public boolean isReady() {
        var events = stream;
        return events == null
                ? reply.isWritable()
                : events.taker().map(EventStream.Taker::isReady).orElse(true);
    }

    @Override
    public void whenReady(Runnable task) {
        var events = stream;
        if (events == null) {
            reply.whenWritable(task);
        } else {
            events.taker().ifPresentOrElse(taker -> taker.whenReady(task), task);
        }
    }

    /** What a client that is away may want to hear later cannot flow. */
    @Override
    public boolean takesFlow() {
        var events = stream;
        return events == null || events.taker().filter(new ReplyTaker(reply)::equals).isPresent();
    }

    @Override
    public boolean question(Question question) {
        var events = begun();
        return events != null && events.ask(question);
    }

    @Override
    public void reply(Reply ending) {
        EventStream events;
        synchronized (this) {
            answered = true;
            events = stream;
        }
        switch (ending) {
            case Reply.Response(var message) -> {
                if (events == null) {
                    reply.last(200, message);
                } else {
                    events.last(kept(message, events));
                }
            }
            case Reply.Flowing(var flow) -> flow(flow, events);
            case Reply.Failed(var fault) -> fail(fault, events);
        }
    }

    /** What a client that is away can be told when it comes back. */
    private Spliced kept(Spliced message, EventStream events) {
        return events.taker().isPresent() || message.length() <= EventLog.LARGEST
                ? message
                : tooLarge();
    }

    private Spliced tooLarge() {
        var why = "the result was too large to be kept; the request has been carried out";
        return Spliced.of(JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, why));
    }

    private void fail(Fault fault, @Nullable EventStream events) {
        boolean cancelled = fault instanceof Fault.Cancelled;
        if (events != null && cancelled) {
            events.end();
        } else if (events != null) {
            events.last(Spliced.of(FaultForms.error(id, fault)));
        } else if (cancelled && takesEvents) {
            reply.end();
        } else if (cancelled) {
            reply.empty(202);
        } else {
            reply.fault(id, fault);
        }
    }

    private void flow(Flow flow, @Nullable EventStream events) {
        var parts = new Parts(flow, events);
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
                events.last(tooLarge());
            }
        }
    }
}
