package dev.heddle.core.exchange;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * Takes the reply to a request that the gateway makes for its own sake, of which nothing else
 * matters.
 */
public final class ResultSink implements Sink {
    private final Consumer<Json> result;
    private final Consumer<Reply> otherwise;

    /**
     * @param result takes the result, if there is one
     * @param otherwise takes what has come instead
     */
    public ResultSink(Consumer<Json> result, Consumer<Reply> otherwise) {
        this.result = result;
        this.otherwise = otherwise;
    }

    /** For a request whose result does not matter either. */
    public static ResultSink ignoring() {
        return new ResultSink(_ -> {}, _ -> {});
    }

    @Override
    public void notification(Spliced message) {}

    @Override
    public boolean question(Question question) {
        return false;
    }

    @Override
    public void reply(Reply reply) {
        var found =
                reply instanceof Reply.Response(var message)
                        ? message.envelope().result()
                        : Optional.<Json>empty();
        found.ifPresentOrElse(result, () -> otherwise.accept(reply));
    }
}
