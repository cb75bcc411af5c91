package dev.heddle.core.rounds;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;

import java.util.Map;

/** One request of a client in an exchange of several: the way back to it. */
public interface Round {
    /** Where notifications and the reply go. */
    Sink sink();

    /** Whether the client has said that it can be asked this. */
    default boolean mayAsk(Question question) {
        return true;
    }

    /**
     * Ends the round with questions, whose answers the client's next request brings.
     *
     * @param asked the questions by the keys under which the answers come
     * @param ticket names the exchange and its next round
     */
    void ask(Map<String, Question> asked, Ticket ticket);

    /** Ends the round with the reply to all of it. */
    default void end(Reply reply) {
        sink().reply(reply);
    }
}
