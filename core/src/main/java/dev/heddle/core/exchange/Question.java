package dev.heddle.core.exchange;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import java.util.function.Consumer;

/**
 * A request that a server makes to its client: sampling, elicitation, roots, ping.
 *
 * @param message the request with the id under which the next hop knows it
 * @param answer takes the one response, whose id is that of {@code message}
 * @param wayLost to be run when the way has ended on which the question was put to the client
 */
public record Question(Spliced message, Consumer<Spliced> answer, Runnable wayLost) {

    /** A question on a way that ends only with its server. */
    public Question(Spliced message, Consumer<Spliced> answer) {
        this(message, answer, () -> {});
    }

    /** Answers with an error, since nobody here can be asked. */
    public void refuse(String why) {
        answer.accept(Spliced.of(JsonRpc.error(id(), ErrorCode.METHOD_NOT_FOUND, why)));
    }

    /** The id under which the next hop knows it. */
    public Json id() {
        return Envelope.parse(message.bytes()).id();
    }

    /** The request as the server wrote it. */
    public Envelope request() {
        return message.envelope();
    }
}
