package dev.heddle.transport.serve;

import dev.heddle.core.events.EventStream;
import dev.heddle.core.events.Taker;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

/** A client's GET stream: carries what belongs to no call. */
final class GetStream implements ClientStream {
    private final EventStream stream;

    GetStream(EventStream stream) {
        this.stream = stream;
    }

    /**
     * A client that is too slow for them loses messages, except those without which it would be
     * wrong; one that is away finds them when it comes back.
     */
    @Override
    public void notification(Spliced message) {
        if (isNeeded(message.envelope().method())
                || (!stream.isCrowded() && stream.taker().map(Taker::isReady).orElse(true))) {
            stream.send(message);
        }
    }

    /** Whether a client would be wrong without such a notification. */
    static boolean isNeeded(String method) {
        return switch (method) {
            case Method.TOOLS_CHANGED, Method.RESOURCES_CHANGED, Method.PROMPTS_CHANGED -> true;
            case Method.RESOURCE_UPDATED, Method.CANCELLED -> true;
            default -> false;
        };
    }

    @Override
    public boolean question(Question question) {
        return stream.ask(question);
    }

    @Override
    public boolean continues(ClientStream earlier) {
        return earlier instanceof GetStream other && other.stream.equals(stream);
    }

    @Override
    public void ended() {
        stream.end();
    }
}
