package dev.heddle.core.rounds;

import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * What a server without sessions wants to know, put to a client with one as requests, all at once
 * (MCP 2026-07-28, Multi round-trip requests). Thread-safe.
 */
public final class Inquiry {
    private final Sink client;
    private final Ids ids;
    private final Json able;
    private final Json requests;
    private final Consumer<Json> answered;
    private final Consumer<String> failed;
    private final Map<String, Json> given = new ConcurrentHashMap<>();
    private final AtomicInteger missing;

    /**
     * @param able the capabilities that the client has declared
     * @param requests by the keys under which the answers go back
     * @param answered takes all answers, once
     * @param failed told why there will be none
     */
    public Inquiry(
            Sink client,
            Ids ids,
            Json able,
            Json requests,
            Consumer<Json> answered,
            Consumer<String> failed) {
        this.client = client;
        this.able = able;
        this.ids = ids;
        this.requests = requests;
        this.answered = answered;
        this.failed = failed;
        this.missing = new AtomicInteger(requests.members().size());
    }

    /** Asks. To be called once. */
    public void begin() {
        requests.members().forEach(this::ask);
    }

    private void ask(String key, Json asked) {
        var id = Json.of(ids.next());
        var method = asked.text("method").orElse("");
        var params = asked.get("params").filter(Json::isObject).orElse(Json.EMPTY_OBJECT);
        if (!Askable.may(able, method, params)) {
            failed.accept(
                    "found '"
                            + method
                            + "' among what the server wants of the client (expected: what that has"
                            + " declared, of elicitation/create, sampling/createMessage and"
                            + " roots/list)");
            return;
        }
        var message = Spliced.of(JsonRpc.request(id, method, params));
        var question = new Question(message, answer -> answered(key, method, answer));
        if (!client.question(question)) {
            question.refuse("the client cannot be asked");
        }
    }

    /** There is no way to say that a client could not answer but to say that nobody wanted to. */
    private void answered(String key, String method, Spliced answer) {
        var response = Envelope.parse(answer.bytes());
        if (response.result().isPresent()) {
            given(key, response.result().get().detached());
        } else if (method.equals(Method.ELICITATION)) {
            given(key, Json.object(members -> members.put("action", "cancel")));
        } else {
            failed.accept(
                    "the client did not answer "
                            + method
                            + ": "
                            + response.error().flatMap(e -> e.text("message")).orElse("an error"));
        }
    }

    private void given(String key, Json answer) {
        if (given.put(key, answer) == null && missing.decrementAndGet() == 0) {
            answered.accept(Json.object(this::putAll));
        }
    }

    private void putAll(Json.Members all) {
        for (var key : requests.members().keySet()) {
            all.put(key, Optional.ofNullable(given.get(key)));
        }
    }
}
