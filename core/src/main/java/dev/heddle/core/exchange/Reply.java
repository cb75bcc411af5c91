package dev.heddle.core.exchange;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Spliced;

/** How an exchange ended. */
public sealed interface Reply {
    /** With a JSON-RPC response, a result or an error, that carries the request's id. */
    record Response(Spliced message) implements Reply {}

    /**
     * With one that has only begun to come. Only for a {@link Sink} that takes such: whoever gets
     * it begins it or aborts it.
     */
    record Flowing(Flow flow) implements Reply {}

    /** Without one. The front puts the fault into the form that its protocol has for it. */
    record Failed(Fault fault) implements Reply {}
}
