package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.session.EventStream;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

/**
 * Puts what comes back for a batch into the answer of its POST: one JSON array if the responses are
 * all there is, else a stream in which each response is an event of its own. Thread-safe.
 */
record BatchReply(HttpReply reply, PostStream stream) implements Batch.Out {
    @Override
    public void event(Spliced message) {
        stream.notification(message);
    }

    @Override
    public boolean question(Question question) {
        return stream.question(question);
    }

    @Override
    public void end(Json responses) {
        var events = stream.answered();
        if (events == null) {
            reply.text(200, "application/json", responses.toString());
            return;
        }
        var all = responses.elements().stream().map(Batch::message).toList();
        all.subList(0, all.size() - 1).forEach(one -> events.send(kept(one, events)));
        events.last(kept(all.getLast(), events));
    }

    private Spliced kept(Envelope response, EventStream events) {
        return stream.kept(response.id(), Spliced.of(response), events);
    }
}
