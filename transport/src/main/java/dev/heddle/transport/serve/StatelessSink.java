package dev.heddle.transport.serve;

import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.function.Function;

/**
 * Puts what comes back for a request of a client without sessions into the answer of its POST: one
 * JSON text if that is all there is, else a stream of events (MCP 2026-07-28, Streamable HTTP).
 */
final class StatelessSink implements Sink {
    private final Envelope request;
    private final Answer reply;
    private final boolean takesEvents;
    private final boolean alone;
    private final Optional<LogLevel> level;
    private final Function<Envelope, Spliced> form;

    /**
     * @param alone whether no other client has a share in the session
     * @param level the least of log messages that the request wants, or none of them
     * @param form puts a response into the form that clients without sessions expect
     */
    StatelessSink(
            Envelope request,
            Answer reply,
            boolean takesEvents,
            boolean alone,
            Optional<LogLevel> level,
            Function<Envelope, Spliced> form) {
        this.request = request;
        this.reply = reply;
        this.takesEvents = takesEvents;
        this.alone = alone;
        this.level = level;
        this.form = form;
    }

    @Override
    public boolean isAlone() {
        return alone;
    }

    @Override
    public void notification(Spliced message) {
        if (takesEvents && wants(message.envelope()) && !reply.isCrowded()) {
            reply.event(inThisRound(message));
        }
    }

    /** The token may be that of an earlier round. */
    private Spliced inThisRound(Spliced message) {
        return message.envelope().method().equals(Method.PROGRESS)
                ? request.progressToken().map(message::progress).orElse(message)
                : message;
    }

    private boolean wants(Envelope message) {
        return switch (message.method()) {
            case Method.PROGRESS -> request.progressToken().isPresent();
            case Method.LOG_MESSAGE -> {
                var given = message.level().flatMap(LogLevel::of);
                yield level.isPresent()
                        && given.filter(one -> one.compareTo(level.get()) >= 0).isPresent();
            }
            case Method.CANCELLED,
                    Method.ELICITATION_COMPLETE,
                    Method.TASK_STATUS,
                    Method.TASK_CHANGED ->
                    false;
            default -> true; // of an extension, and about this request
        };
    }

    @Override
    public Optional<LogLevel> logLevel() {
        return level;
    }

    @Override
    public boolean isReady() {
        return reply.isWritable();
    }

    @Override
    public void whenReady(Runnable task) {
        reply.whenWritable(task);
    }

    /** Such a client is asked in a result, or not at all. */
    @Override
    public boolean question(Question question) {
        return false;
    }

    private Spliced formed(Envelope response) {
        try {
            return form.apply(response);
        } catch (MalformedJson e) {
            var why = "the server answered with " + e.getMessage();
            return Spliced.of(JsonRpc.error(response.id(), ErrorCode.INTERNAL_ERROR, why));
        }
    }

    @Override
    public void reply(Reply ending) {
        switch (ending) {
            case Reply.Response(var message) -> {
                var formed = formed(Envelope.parse(message.id(request.id()).bytes()));
                reply.last(StatelessForms.status(formed.envelope()), formed);
            }
            case Reply.Flowing(var flow) -> flow.abort();
            case Reply.Failed(Fault.Cancelled _) -> reply.end();
            case Reply.Failed(var fault) -> StatelessForms.refuse(reply, request.id(), fault);
        }
    }
}
