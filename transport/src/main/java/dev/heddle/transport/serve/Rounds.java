package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.core.rounds.RequestStates;
import dev.heddle.core.rounds.Round;
import dev.heddle.core.rounds.Ticket;
import dev.heddle.core.session.MultiSession;
import dev.heddle.protocol.Digest;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.serve.StatelessEndpoint.Asked;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Requests that may take several rounds (MCP 2026-07-28, Multi round-trip requests). What a client
 * is to bring back is sealed, and good for its owner and for the same request only: it names an
 * exchange that is parked here, or wraps what a backend without sessions wants to see again.
 */
final class Rounds {
    private static final String STATE = "requestState";
    private static final String RESPONSES = "inputResponses";
    private static final String REQUESTS = "inputRequests";
    private static final String INPUT_REQUIRED = "input_required";

    /** How long a backend's state may be brought back; it may set itself a shorter time. */
    private static final Duration RELAYED = Duration.ofHours(1);

    private static final char PARKED = 'p';
    private static final char WRAPPED = 'w';
    private static final char AGAIN = 'a';

    private final ParkedExchanges parked;
    private final RequestStates states;
    private final StatelessForms forms;

    Rounds(ParkedExchanges parked, RequestStates states, StatelessForms forms) {
        this.parked = parked;
        this.states = states;
        this.forms = forms;
    }

    /**
     * Carries out a request, or goes on with the one that it says it belongs to.
     *
     * @param over run when the whole exchange is over
     * @throws Fault.InvalidParams if it belongs to none
     */
    void carry(MultiSession session, Asked asked, Sink sink, Runnable over) {
        var state = asked.message().param(STATE);
        var running =
                state.isEmpty()
                        ? begin(session, asked, asked.message(), sink, over)
                        : goOn(session, asked, opened(asked, state.get()), sink);
        asked.reply().whenOver(running::cancel);
    }

    /** Whether the request says that it belongs to one that went before. */
    static boolean goesOn(Envelope request) {
        return request.param(STATE).isPresent();
    }

    private Running begin(
            MultiSession session, Asked asked, Envelope request, Sink sink, Runnable over) {
        return parked.begin(
                request,
                new PostRound(asked, sink),
                over,
                exchange -> session.exchange(asked.caller(), exchange));
    }

    private Running goOn(MultiSession session, Asked asked, String state, Sink sink) {
        var message = asked.message();
        var content = state.substring(1);
        return switch (state.charAt(0)) {
            case PARKED ->
                    Ticket.of(content)
                            .flatMap(
                                    ticket ->
                                            parked.resume(
                                                    ticket,
                                                    answers(message),
                                                    new PostRound(asked, sink)))
                            .orElseThrow(
                                    () ->
                                            unusable(
                                                    "found one that has been used, or whose request"
                                                            + " has ended"));
            case WRAPPED -> {
                var params = message.params().orElseThrow().with(STATE, Json.of(content));
                yield begin(session, asked, with(message, params), sink, () -> {});
            }
            default -> {
                var params = message.params().orElseThrow().without(STATE).without(RESPONSES);
                yield begin(session, asked, with(message, params), sink, () -> {});
            }
        };
    }

    private static Envelope with(Envelope message, Json params) {
        return JsonRpc.request(message.id(), message.method(), params);
    }

    private static Map<String, Json> answers(Envelope message) {
        return message.param(RESPONSES).map(Json::members).orElse(Map.of());
    }

    private String opened(Asked asked, Json state) {
        if (!state.isString()) {
            throw unusable("found " + state.kind());
        }
        return states.open(state.text(), binding(asked))
                .filter(content -> !content.isEmpty())
                .orElseThrow(
                        () ->
                                unusable(
                                        "found one that was changed, or given to somebody else, for"
                                                + " another request or too long ago"));
    }

    private static Fault.InvalidParams unusable(String found) {
        return new Fault.InvalidParams(
                "params.requestState: " + found + " (expected: the one of the last result)");
    }

    /** What must be the same in each round: who asks for what. */
    private static String binding(Asked asked) {
        var message = asked.message();
        var digest = new Digest();
        new TreeMap<>(message.params().orElse(Json.EMPTY_OBJECT).members())
                .forEach(
                        (key, value) -> {
                            if (!key.equals(STATE)
                                    && !key.equals(RESPONSES)
                                    && !key.equals("_meta")) {
                                digest.add(Json.of(key)).add(value);
                            }
                        });
        return IdentityBinding.of(asked.caller()).format()
                + '\0'
                + message.method()
                + '\0'
                + digest.name();
    }

    /** The response of a backend, with what it wants to see again wrapped. */
    Spliced relayed(Asked asked, Spliced response) {
        var result = response.envelope().result();
        var state =
                result.filter(given -> given.text("resultType").equals(Optional.of(INPUT_REQUIRED)))
                        .flatMap(given -> given.text(STATE));
        if (state.isPresent()) {
            var sealed = states.seal(WRAPPED + state.get(), binding(asked), RELAYED);
            var wrapped = result.orElseThrow().with(STATE, Json.of(sealed));
            return Spliced.of(JsonRpc.result(response.envelope().id(), wrapped));
        }
        return response.envelope().errorCode() == ErrorCode.URL_ELICITATION_REQUIRED
                ? urls(asked, response)
                : response;
    }

    /**
     * A backend with sessions that wants its client to open URLs first is asked again when that has
     * been done.
     */
    private Spliced urls(Asked asked, Spliced response) {
        var requests = new ArrayList<Json>();
        response.envelope()
                .error()
                .flatMap(error -> error.get("data"))
                .flatMap(data -> data.get("elicitations"))
                .map(Json::elements)
                .orElse(List.of())
                .forEach(
                        params ->
                                requests.add(
                                        Json.object(
                                                one ->
                                                        one.put("method", "elicitation/create")
                                                                .put(
                                                                        "params",
                                                                        params.without(
                                                                                "elicitationId")))));
        if (requests.isEmpty()) {
            return response;
        }
        var keyed =
                Json.object(
                        all -> {
                            for (int i = 0; i < requests.size(); i++) {
                                all.put("url" + (i + 1), requests.get(i));
                            }
                        });
        var state = states.seal(AGAIN + "", binding(asked), ParkedExchanges.PATIENCE);
        return Spliced.of(JsonRpc.result(response.envelope().id(), inputRequired(keyed, state)));
    }

    private Json inputRequired(Json requests, String state) {
        return forms.ownTyped(
                INPUT_REQUIRED,
                Json.object(members -> members.put(REQUESTS, requests).put(STATE, state)));
    }

    /** One POST of a client in an exchange of several. */
    private final class PostRound implements Round {
        private final Asked asked;
        private final Sink sink;

        PostRound(Asked asked, Sink sink) {
            this.asked = asked;
            this.sink = sink;
        }

        @Override
        public Sink sink() {
            return sink;
        }

        @Override
        public void ask(Map<String, Question> questions, Ticket ticket) {
            var requests =
                    Json.object(
                            all ->
                                    questions.forEach(
                                            (key, question) ->
                                                    all.put(key, inputRequest(question))));
            var state =
                    states.seal(PARKED + ticket.text(), binding(asked), ParkedExchanges.PATIENCE);
            asked.reply()
                    .last(
                            200,
                            Spliced.of(
                                    JsonRpc.result(
                                            asked.message().id(), inputRequired(requests, state))));
        }

        private static Json inputRequest(Question question) {
            var request = question.request();
            return Json.object(
                    members -> {
                        members.put("method", request.method());
                        request.params()
                                .map(PostRound::ofHop)
                                .ifPresent(p -> members.put("params", p));
                    });
        }

        /** Without the token by which only a hop with sessions would hear of progress. */
        private static Json ofHop(Json params) {
            var meta = params.get("_meta").map(given -> given.without("progressToken"));
            if (meta.isEmpty()) {
                return params;
            }
            return meta.get().members().isEmpty()
                    ? params.without("_meta")
                    : params.with("_meta", meta.get());
        }
    }
}
