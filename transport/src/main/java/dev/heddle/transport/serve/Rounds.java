package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.core.rounds.Askable;
import dev.heddle.core.rounds.InputRequest;
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
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Requests that may take several rounds (MCP 2026-07-28, Multi round-trip requests). What a client
 * is to bring back is sealed, and good for its owner and for the same request only: it names an
 * exchange that is parked here, holds what a backend without sessions wants to see again, or says
 * that the request is to be made again.
 */
final class Rounds {
    private static final String STATE = "requestState";
    private static final String RESPONSES = "inputResponses";
    private static final String REQUESTS = "inputRequests";
    private static final String INPUT_REQUIRED = "input_required";

    /** How long what a backend gave may be brought back; it may set itself a shorter time. */
    private static final Duration RELAYED = Duration.ofHours(1);

    private static final Json NEEDS_URLS =
            Json.parse("{\"requiredCapabilities\":{\"elicitation\":{\"url\":{}}}}");

    /** What is sealed begins with one of these. */
    private static final char PARKED = 'p';

    private static final char RELAY = 'r';
    private static final char AGAIN = 'a';

    /** Between the parts of what is sealed, of which one is the id of a session. */
    private static final char BETWEEN = '\n';

    /** What the endpoint does for requests that come back. */
    interface Returns {
        Sink sink(Asked asked);

        /** Why the request does not go on, if it may not. */
        Optional<Envelope> refusal(Asked asked);

        /** The request does not go on in the session that was kept for it. */
        void leave(Asked asked);
    }

    private final ParkedExchanges parked;
    private final RequestStates states;
    private final StatelessForms forms;
    private final String here;

    /**
     * @param here what other processes reach this one by; empty if they do not
     */
    Rounds(ParkedExchanges parked, RequestStates states, StatelessForms forms, String here) {
        this.here = here;
        this.parked = parked;
        this.states = states;
        this.forms = forms;
    }

    /**
     * Carries out a request in {@code session}.
     *
     * @param known the request as it is to be known there
     * @param over told when the whole exchange is over
     */
    void begin(
            MultiSession session,
            Asked asked,
            Envelope known,
            Sink sink,
            Consumer<Optional<Reply>> over) {
        var running =
                parked.begin(
                        known,
                        new PostRound(asked, sink),
                        over,
                        exchange -> session.exchange(asked.caller(), exchange));
        asked.reply().whenOver(running::cancel);
    }

    /**
     * Goes on with the exchange that the request says it belongs to.
     *
     * @return the request that is to be begun instead, if it belongs to none that is parked
     * @throws Fault.InvalidParams if what it says is not true
     */
    Optional<Asked> goOn(Asked asked, Returns returns) {
        var message = asked.message();
        var state = message.param(STATE);
        if (state.isEmpty() || !mayTakeRounds(message)) {
            return Optional.of(asked);
        }
        var content = opened(asked, state.get());
        var params = message.params().orElseThrow();
        if (content.charAt(0) == RELAY) {
            var theirs = Json.of(content.substring(1));
            return Optional.of(asked.with(with(message, params.with(STATE, theirs))));
        }
        int end = content.indexOf(BETWEEN);
        var home = content.substring(1, end);
        var rest = content.substring(end + 1);
        if (!home.isEmpty() && !home.equals(here)) {
            hand(asked, home);
            return Optional.empty();
        } else if (content.charAt(0) == AGAIN) {
            return again(asked, rest, returns);
        }
        resume(asked, rest, returns);
        return Optional.empty();
    }

    /** Hands a request to the only process that knows what it is about. */
    static void hand(Asked asked, String home) {
        var id = asked.message().id();
        Runnable lost = () -> asked.reply().error(502, Forwarder.lost(id));
        asked.away().ifPresentOrElse(away -> away.carry(home, id, lost), lost);
    }

    /** Who has opened the URLs asks again; who will not has what the server said before. */
    private static Optional<Asked> again(Asked back, String content, Returns returns) {
        int end = content.indexOf(BETWEEN);
        var asked = back.in(own(content.substring(0, Math.max(end, 0))));
        var message = asked.message();
        if (answers(message).values().stream().anyMatch(Rounds::isUnwilling)) {
            returns.leave(asked);
            var why = content.substring(end + 1);
            asked.reply()
                    .last(
                            200,
                            Spliced.of(JsonRpc.error(message.id(), ErrorCode.INTERNAL_ERROR, why)));
            return Optional.empty();
        }
        var params = message.params().orElseThrow().without(STATE).without(RESPONSES);
        return Optional.of(asked.with(with(message, params)));
    }

    private static boolean isUnwilling(Json answer) {
        return answer.text("action")
                .filter(action -> action.equals("decline") || action.equals("cancel"))
                .isPresent();
    }

    /** The id of a session, or empty if the text is. */
    private static Optional<String> own(String text) {
        return text.isEmpty() ? Optional.empty() : Optional.of(text);
    }

    private void resume(Asked back, String content, Returns returns) {
        int end = content.indexOf(BETWEEN);
        var asked = back.in(own(content.substring(end + 1)));
        var refusal = returns.refusal(asked);
        if (refusal.isPresent()) {
            asked.reply().error(400, refusal.get());
            return;
        }
        var round = new PostRound(asked, returns.sink(asked));
        var running =
                Ticket.of(content.substring(0, Math.max(end, 0)))
                        .flatMap(known -> parked.resume(known, answers(asked.message()), round))
                        .orElseThrow(
                                () ->
                                        unusable(
                                                "found one that has been used, or whose request has"
                                                        + " ended"));
        asked.reply().whenOver(running::cancel);
    }

    /** Others have no rounds, whatever their parameters are called. */
    private static boolean mayTakeRounds(Envelope request) {
        return switch (request.method()) {
            case Method.TOOLS_CALL, Method.PROMPTS_GET, Method.RESOURCES_READ -> true;
            default -> false;
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

    /** The response of a backend, or what is to be done before it can be given. */
    Spliced asRound(Asked asked, Spliced response) {
        var result = response.envelope().result();
        var theirs =
                result.filter(given -> given.text("resultType").equals(Optional.of(INPUT_REQUIRED)))
                        .flatMap(given -> given.text(STATE));
        if (theirs.isPresent()) {
            var sealed = states.seal(RELAY + theirs.get(), binding(asked), RELAYED);
            var relayed = result.orElseThrow().with(STATE, Json.of(sealed));
            return Spliced.of(JsonRpc.result(response.envelope().id(), relayed));
        }
        return response.envelope().errorCode() == ErrorCode.URL_ELICITATION_REQUIRED
                ? urls(asked, response)
                : response;
    }

    /** A code that only clients with sessions know. */
    private static Spliced cannotOpen(Spliced response, Asked asked) {
        var able = able(asked.message());
        var why = why(response);
        var id = response.envelope().id();
        return Spliced.of(
                Askable.takesUrls(able)
                        ? JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, why)
                        : JsonRpc.error(id, ErrorCode.MISSING_CAPABILITY, why, NEEDS_URLS));
    }

    private static String why(Spliced response) {
        return response.envelope()
                .error()
                .flatMap(error -> error.text("message"))
                .orElse("a URL has to be opened first");
    }

    private static List<Json> elicitations(Envelope response) {
        return response.error()
                .flatMap(error -> error.get("data"))
                .flatMap(data -> data.get("elicitations"))
                .filter(Json::isArray)
                .map(Json::elements)
                .orElse(List.of());
    }

    /** Whether a response makes the client open URLs and come back. */
    static boolean leadsToUrls(Envelope request, Envelope response) {
        return response.errorCode() == ErrorCode.URL_ELICITATION_REQUIRED
                && mayTakeRounds(request)
                && Askable.takesUrls(able(request))
                && !elicitations(response).isEmpty();
    }

    /**
     * A backend with sessions that wants its client to open URLs first is asked again when that has
     * been done.
     */
    private Spliced urls(Asked asked, Spliced response) {
        if (!leadsToUrls(asked.message(), response.envelope())) {
            return cannotOpen(response, asked);
        }
        var requests = new ArrayList<Json>();
        elicitations(response.envelope())
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
        var keyed =
                Json.object(
                        all -> {
                            for (int i = 0; i < requests.size(); i++) {
                                all.put("url" + (i + 1), requests.get(i));
                            }
                        });
        var state =
                states.seal(
                        AGAIN + again(asked) + why(response),
                        binding(asked),
                        ParkedExchanges.PATIENCE);
        return Spliced.of(JsonRpc.result(response.envelope().id(), inputRequired(keyed, state)));
    }

    /** Only what is to go on in a session of its own has to come back to this process. */
    private String again(Asked asked) {
        return asked.own().map(_ -> here).orElse("") + BETWEEN + asked.own().orElse("") + BETWEEN;
    }

    private Json inputRequired(Json requests, String state) {
        return forms.ownTyped(
                INPUT_REQUIRED,
                Json.object(members -> members.put(REQUESTS, requests).put(STATE, state)));
    }

    /** What the client of {@code request} says that it can do. */
    private static Json able(Envelope request) {
        return request.meta()
                .flatMap(meta -> meta.get(MetaKey.CLIENT_CAPABILITIES))
                .orElse(Json.EMPTY_OBJECT);
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
        public boolean mayAsk(Question question) {
            var request = question.request();
            var params = request.params().orElse(Json.EMPTY_OBJECT);
            return Askable.may(able(asked.message()), request.method(), params);
        }

        @Override
        public void ask(Map<String, Question> questions, Ticket ticket) {
            var requests =
                    Json.object(
                            all ->
                                    questions.forEach(
                                            (key, question) ->
                                                    all.put(key, InputRequest.of(question))));
            var state =
                    states.seal(
                            PARKED
                                    + here
                                    + BETWEEN
                                    + ticket.text()
                                    + BETWEEN
                                    + asked.own().orElse(""),
                            binding(asked),
                            ParkedExchanges.PATIENCE);
            asked.reply()
                    .last(
                            200,
                            Spliced.of(
                                    JsonRpc.result(
                                            asked.message().id(), inputRequired(requests, state))));
        }
    }
}
