package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.Optional;

/**
 * What a server without sessions wants to see again in the next round (MCP 2026-07-28, Multi
 * round-trip requests), with the name of that server: no other gets to see it, whatever is offered
 * by whom meanwhile.
 */
final class PinnedState {
    private static final String STATE = "requestState";
    private static final char BETWEEN = '~';

    private PinnedState() {}

    /** The backend that a request has to go to, if it goes on with an earlier one. */
    static Optional<BackendId> pinned(Envelope request) {
        return text(request)
                .map(
                        state -> {
                            int end = state.indexOf(BETWEEN);
                            try {
                                return new BackendId(state.substring(0, Math.max(end, 0)));
                            } catch (IllegalArgumentException foreign) {
                                throw unknown();
                            }
                        });
    }

    private static Optional<String> text(Envelope request) {
        return mayTakeRounds(request)
                ? request.param(STATE).filter(Json::isString).map(Json::text)
                : Optional.empty();
    }

    private static boolean mayTakeRounds(Envelope request) {
        return switch (request.method()) {
            case Method.TOOLS_CALL, Method.PROMPTS_GET, Method.RESOURCES_READ -> true;
            default -> false;
        };
    }

    private static Fault.InvalidParams unknown() {
        return new Fault.InvalidParams(
                "params.requestState: found one that leads nowhere (expected: the one of the last"
                        + " result)");
    }

    /**
     * {@code request} with its state as {@code backend} gave it.
     *
     * @throws Fault.InvalidParams if another one did
     */
    static Spliced atBackend(Spliced request, BackendId backend) {
        var pinned = pinned(request.envelope());
        if (pinned.isEmpty()) {
            return request;
        } else if (!pinned.get().equals(backend)) {
            throw new Fault.InvalidParams(
                    "params.requestState: found one of backend '"
                            + pinned.get()
                            + "', where this does not lead any more (expected: the request anew)");
        }
        var whole = Envelope.parse(request.bytes());
        var state = text(whole).orElseThrow().substring(backend.value().length() + 1);
        var params = whole.params().orElse(Json.EMPTY_OBJECT).with(STATE, Json.of(state));
        return Spliced.of(JsonRpc.request(whole.id(), whole.method(), params));
    }

    /** An exchange whose client gets to see the states of {@code backend} with its name. */
    static Exchange pinning(Exchange exchange, BackendId backend) {
        return mayTakeRounds(exchange.request())
                ? new Exchange(exchange.request(), new Pinning(exchange.sink(), backend))
                : exchange;
    }

    private static final class Pinning extends WrappedSink {
        private final BackendId backend;

        Pinning(Sink sink, BackendId backend) {
            super(sink);
            this.backend = backend;
        }

        @Override
        public void reply(Reply reply) {
            next().reply(reply instanceof Reply.Response(var message) ? pinned(message) : reply);
        }

        private Reply pinned(Spliced message) {
            try {
                var result = message.envelope().result();
                var state =
                        result.filter(given -> isUnfinished(given))
                                .flatMap(given -> given.text(STATE));
                if (state.isEmpty()) {
                    return new Reply.Response(message);
                }
                var pinned = Json.of(backend.value() + BETWEEN + state.get());
                var id = Envelope.parse(message.bytes()).id();
                return new Reply.Response(
                        Spliced.of(JsonRpc.result(id, result.get().with(STATE, pinned))));
            } catch (MalformedJson unreadable) {
                return new Reply.Response(message); // which its client is to find so itself
            }
        }

        private static boolean isUnfinished(Json result) {
            return result.text("resultType").filter("input_required"::equals).isPresent();
        }
    }
}
