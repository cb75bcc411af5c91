package dev.heddle.transport.serve;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.events.EventStream;
import dev.heddle.core.events.Resumable;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.protocol.Json;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a client's GET opens: the stream for what belongs to no call, or the rest of one whose
 * connection the client has lost or left (MCP 2025-11-25, Streamable HTTP, Resumability and
 * Redelivery). Thread-safe; never blocks.
 */
final class StreamRequests {
    private final AtomicInteger open = new AtomicInteger();

    /** How many are open for what belongs to no call. */
    int open() {
        return open.get();
    }

    /** Begins a stream for what belongs to no call. */
    void listen(MultiSession session, Identity caller, HttpReply reply) {
        var stream = session.events(caller).openStanding();
        try {
            attach(session, caller, stream, reply);
        } catch (Fault refused) {
            stream.end();
            throw refused;
        }
        reply.begin();
        var taker = new ReplyTaker(reply, session.profile().revision().hasPriming());
        stream.begin(taker);
        reply.whenOver(() -> stream.lost(taker));
    }

    /** Uses {@code stream} for what belongs to no call. */
    private void attach(
            MultiSession session, Identity caller, EventStream stream, HttpReply reply) {
        var attachment = session.attach(caller, new GetStream(stream));
        open.incrementAndGet();
        reply.whenOver(
                () -> {
                    open.decrementAndGet();
                    attachment.detach();
                });
    }

    /** Goes on with a stream whose connection the client has lost or left. */
    void resume(MultiSession session, Identity caller, String last, HttpReply reply) {
        var events = session.events(caller);
        if (events.mayBeElsewhere(last)) {
            Guarded.blocking(
                    Json.NULL,
                    reply,
                    () -> resume(session, caller, last, events.fetch(last), reply));
        } else {
            resume(session, caller, last, events.find(last), reply);
        }
    }

    private void resume(
            MultiSession session,
            Identity caller,
            String last,
            Optional<? extends Resumable> known,
            HttpReply reply) {
        var stream = known.filter(one -> one.canResume(last));
        boolean standing = EventLog.isOfStanding(last);
        if (stream.isEmpty() && standing) {
            listen(session, caller, reply); // what it missed is forgotten, what comes is not
        } else if (stream.isEmpty()) {
            reply.invalid(
                    400,
                    "found Last-Event-ID '"
                            + last
                            + "' (expected: the id of an event whose successors are known still)");
        } else if (stream.get().isOverAt(last)) {
            reply.empty(204); // by which a client of events knows that it need not come again
        } else {
            if (standing && stream.get() instanceof EventStream own) {
                attach(session, caller, own, reply);
            }
            goOn(stream.get(), last, reply);
        }
    }

    private static void goOn(Resumable stream, String last, HttpReply reply) {
        reply.begin();
        var taker = new ReplyTaker(reply, false);
        stream.resume(last, taker);
        reply.whenOver(() -> stream.lost(taker));
    }
}
