package dev.heddle.transport.serve;

import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

/** A client's GET stream: carries what belongs to no call. */
final class GetStream implements ClientStream {
    private final HttpReply reply;

    GetStream(HttpReply reply) {
        this.reply = reply;
    }

    @Override
    public void notification(Spliced message) {
        boolean expendable = message.envelope().method().equals(Method.LOG_MESSAGE);
        if (reply.isWritable() || !expendable) {
            reply.event(message, () -> {});
        }
    }

    @Override
    public boolean question(Question question) {
        if (!reply.isOpen()) {
            return false;
        }
        reply.event(question.message(), () -> question.refuse("the client has gone"));
        return true;
    }

    @Override
    public void ended() {
        reply.end();
    }
}
