package dev.heddle.core.tasks;

import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;

import java.util.function.Consumer;

/**
 * Takes what one backend says of tasks; what cannot be read is a failure of that backend.
 *
 * @param backend its name
 */
record TaskReading(String backend) {

    /**
     * For a request whose result goes to {@code result}, and whatever else to {@code otherwise}.
     */
    ResultSink sink(Consumer<Json> result, Consumer<Reply> otherwise) {
        return new ResultSink(given -> read(() -> result.accept(given), otherwise), otherwise);
    }

    /** Runs what reads a message of the backend. */
    void read(Runnable reading, Consumer<Reply> otherwise) {
        try {
            reading.run();
        } catch (MalformedJson e) {
            otherwise.accept(
                    new Reply.Failed(
                            new Fault.BackendFailed(
                                    backend,
                                    Reason.GARBAGE,
                                    "sent a task with " + e.getMessage(),
                                    true)));
        }
    }
}
