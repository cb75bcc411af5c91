package dev.heddle.bench.pieces;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A backend in the same process that answers at once, with a result that is always the same. */
final class EchoBackend implements BackendSession {
    private static final int TOOLS = 100;
    private static final Json LIST =
            Json.parse(
                    IntStream.range(0, TOOLS)
                            .mapToObj(
                                    i ->
                                            "{\"name\":\"echo%d\",\"inputSchema\":{\"type\":\"object\"}}"
                                                    .formatted(i))
                            .collect(Collectors.joining(",", "{\"tools\":[", "]}")));
    private static final Json RESULT =
            Json.parse("{\"content\":[{\"type\":\"text\",\"text\":\"" + "x".repeat(940) + "\"}]}");

    static Connected connected() {
        var introduction =
                new Introduction(
                        Revision.LATEST,
                        Json.parse("{\"tools\":{}}"),
                        Json.EMPTY_OBJECT,
                        Optional.empty());
        return new Connected(new EchoBackend(), introduction);
    }

    @Override
    public Optional<String> sessionId() {
        return Optional.empty();
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        var result =
                switch (request.envelope().method()) {
                    case Method.TOOLS_LIST -> LIST;
                    case Method.TOOLS_CALL -> RESULT;
                    default -> Json.EMPTY_OBJECT;
                };
        sink.reply(new Reply.Response(Spliced.of(JsonRpc.result(Json.of(id), result))));
    }

    @Override
    public void cancel(long id, String why) {}

    @Override
    public void notify(Spliced notification) {}

    @Override
    public void answer(Spliced response) {}

    @Override
    public void listen(boolean wanted) {}

    @Override
    public void close() {}
}
