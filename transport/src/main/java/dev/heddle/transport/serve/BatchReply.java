package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Question;
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
        for (var one : all.subList(0, all.size() - 1)) {
            events.send(PostStream.kept(one.id(), Spliced.of(one)));
        }
        PostStream.last(events, all.getLast().id(), Spliced.of(all.getLast()));
    }
}
