package dev.heddle.core.exchange;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import java.util.function.Consumer;

/**
 * A request that a server makes to its client: sampling, elicitation, roots, ping.
 *
 * @param message the request with the id under which the next hop knows it
 * @param answer takes the one response, whose id is that of {@code message}
 */
public record Question(Spliced message, Consumer<Spliced> answer) {

    /** Answers with an error, since nobody here can be asked. */
    public void refuse(String why) {
        var request = message.envelope();
        answer.accept(Spliced.of(JsonRpc.error(request.id(), ErrorCode.METHOD_NOT_FOUND, why)));
    }

    /** The request as the server wrote it. */
    public Envelope request() {
        return message.envelope();
    }
}
