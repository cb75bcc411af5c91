package dev.heddle.core.session;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Spliced;

/**
 * A client's sink that hears of a reply only if the backend knows what was asked for; else another
 * one is asked.
 */
final class ProbeSink implements Sink {
    private final Sink client;
    private final Runnable askNext;

    ProbeSink(Sink client, Runnable askNext) {
        this.client = client;
        this.askNext = askNext;
    }

    @Override
    public void notification(Spliced message) {
        client.notification(message);
    }

    @Override
    public boolean question(Question question) {
        return client.question(question);
    }

    @Override
    public void reply(Reply reply) {
        if (saysUnknown(reply)) {
            askNext.run();
        } else {
            client.reply(reply);
        }
    }

    private static boolean saysUnknown(Reply reply) {
        return switch (reply) {
            case Reply.Response(var message) -> {
                long code = message.envelope().errorCode();
                yield code == ErrorCode.RESOURCE_NOT_FOUND
                        || code == ErrorCode.INVALID_PARAMS
                        || code == ErrorCode.METHOD_NOT_FOUND;
            }
            case Reply.Failed(Fault.BackendFailed failed) -> !failed.mayHaveRun();
            case Reply.Failed _ -> false;
        };
    }
}
