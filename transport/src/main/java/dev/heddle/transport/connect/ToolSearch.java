package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Looks for one tool in what a server without sessions lists now. One page after the other. */
final class ToolSearch implements Sink {
    private static final int MOST_PAGES = 100;

    private final StatelessSession.Parts parts;
    private final String name;
    private final Consumer<Optional<Json>> found;
    private int pages; // one request is under way at a time

    /**
     * @param found told once
     */
    ToolSearch(StatelessSession.Parts parts, String name, Consumer<Optional<Json>> found) {
        this.parts = parts;
        this.name = name;
        this.found = found;
    }

    void begin() {
        ask(Optional.empty());
    }

    private void ask(Optional<Json> cursor) {
        pages++;
        long id = parts.ids().next();
        var params = Json.object(members -> members.put("cursor", cursor));
        var message = Spliced.of(JsonRpc.request(Json.of(id), Method.TOOLS_LIST, params));
        var request = parts.hop().on(message, Optional.empty());
        parts.wire().send(id, request, Hop.headers(request, Optional.empty()), this);
    }

    @Override
    public void notification(Spliced message) {}

    @Override
    public boolean question(Question question) {
        return false;
    }

    @Override
    public void reply(Reply reply) {
        try {
            var result =
                    reply instanceof Reply.Response(var message)
                            ? message.envelope().result().orElse(Json.EMPTY_OBJECT)
                            : Json.EMPTY_OBJECT;
            var tool =
                    result.get("tools").map(Json::elements).orElse(List.of()).stream()
                            .filter(one -> one.text("name").equals(Optional.of(name)))
                            .findFirst();
            var next = result.get("nextCursor").filter(Json::isString);
            if (tool.isEmpty() && next.isPresent() && pages < MOST_PAGES) {
                ask(next);
            } else {
                found.accept(tool.map(Json::detached));
            }
        } catch (MalformedJson unreadable) {
            found.accept(Optional.empty());
        }
    }
}
