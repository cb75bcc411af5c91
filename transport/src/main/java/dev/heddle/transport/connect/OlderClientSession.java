package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.WrappedBackendSession;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.WrappedSink;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.function.Function;

/**
 * A conversation with a server of a newer revision than its client's, in the client's words.
 * Thread-safe.
 */
final class OlderClientSession extends WrappedBackendSession {
    private final Revision client;
    private final boolean isNewEra;
    private final String backend;
    private final Function<String, Optional<Json>> tools;
    private final BoundedMap<String, String> toolsOfTasks = new BoundedMap<>(1000);

    private OlderClientSession(
            String backend, BackendSession session, Revision server, Opening opening) {
        super(session);
        this.backend = backend;
        this.client = opening.profile().revision();
        this.isNewEra = !server.hasSessions();
        this.tools = opening.tools();
    }

    /** {@code connected} as it is, or in older words if its client needs them. */
    static Connected inWordsOf(Opening opening, String backend, Connected connected) {
        var server = connected.introduction().revision();
        boolean older = server.compareTo(opening.profile().revision()) > 0;
        return older
                ? new Connected(
                        new OlderClientSession(backend, connected.session(), server, opening),
                        connected.introduction())
                : connected;
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        next().send(id, request, new Translating(request, sink));
    }

    /** Puts what comes back for one request into the client's words. */
    private final class Translating extends WrappedSink {
        private final Spliced request;

        Translating(Spliced request, Sink sink) {
            super(sink);
            this.request = request;
        }

        @Override
        public boolean question(Question question) {
            return next().question(
                            new Question(
                                    SessionForms.question(question.message(), client),
                                    question.answer(),
                                    question.wayLost()));
        }

        /** What is to be translated is held. */
        @Override
        public boolean takesFlow(int held) {
            return !isNewEra && client.isAtLeast(Revision.V2025_06_18) && next().takesFlow(held);
        }

        @Override
        public void reply(Reply reply) {
            next().reply(reply instanceof Reply.Response(var message) ? readable(message) : reply);
        }

        private Reply readable(Spliced message) {
            try {
                return new Reply.Response(translated(message));
            } catch (MalformedJson e) {
                return new Reply.Failed(MessageStream.asFault(backend, "a result with " + e));
            }
        }

        /** The name of the tool whose result this is, or whose task. */
        private Optional<String> name(Json result) {
            return switch (request.envelope().method()) {
                case Method.TOOLS_CALL -> {
                    var task = result.get("task").flatMap(made -> made.text("taskId"));
                    var name = request.name();
                    task.ifPresent(id -> name.ifPresent(tool -> toolsOfTasks.put(id, tool)));
                    yield name;
                }
                case Method.TASKS_RESULT ->
                        request.envelope()
                                .param("taskId")
                                .filter(Json::isString)
                                .flatMap(id -> toolsOfTasks.get(id.text()));
                default -> Optional.empty();
            };
        }

        private Spliced translated(Spliced message) {
            var response = message.envelope();
            if (response.error().isPresent()) {
                return isNewEra ? Spliced.of(SessionForms.error(response, request)) : message;
            }
            var result = response.result().orElse(Json.EMPTY_OBJECT);
            var tool = name(result).flatMap(tools);
            var formed = SessionForms.result(result, request, tool, client, isNewEra);
            return formed.equals(result)
                    ? message
                    : Spliced.of(JsonRpc.result(response.id(), formed));
        }
    }
}
