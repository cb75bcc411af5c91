package dev.heddle.app.demo;

import dev.heddle.core.backend.InProcessServer;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;

import java.io.Serial;
import java.util.List;
import java.util.function.Consumer;

/**
 * What the demonstration servers have in common: they answer {@code initialize}, and leave the rest
 * to a talk.
 */
final class DemoServer implements InProcessServer {

    /** One client's talk with a server. Thread-safe. */
    interface Talk {
        /**
         * The result of a request.
         *
         * @throws Refused if there is none
         */
        Json answer(String method, Envelope request) throws Refused;
    }

    /** Begins talks. */
    @FunctionalInterface
    interface Talks {
        Talk begin(Consumer<Envelope> client);
    }

    /** A request that is answered with an error. */
    static final class Refused extends Exception {
        @Serial private static final long serialVersionUID = 1L;

        private final int code;

        Refused(int code, String message) {
            super(message);
            this.code = code;
        }

        static Refused unknown(String method) {
            return new Refused(ErrorCode.METHOD_NOT_FOUND, "method '" + method + "' not found");
        }
    }

    private final String name;
    private final Json capabilities;
    private final Talks talks;

    DemoServer(String name, Json capabilities, Talks talks) {
        this.name = name;
        this.capabilities = capabilities;
        this.talks = talks;
    }

    @Override
    public Conversation open(Consumer<Envelope> client) {
        var talk = talks.begin(client);
        return new Conversation() {
            @Override
            public void receive(Envelope message) {
                if (message.isRequest()) {
                    client.accept(response(message, talk));
                }
            }

            @Override
            public void close() {}
        };
    }

    private Envelope response(Envelope request, Talk talk) {
        try {
            var result =
                    request.method().equals(Method.INITIALIZE)
                            ? introduction(request)
                            : talk.answer(request.method(), request);
            return JsonRpc.result(request.id(), result);
        } catch (Refused e) {
            return JsonRpc.error(request.id(), e.code, String.valueOf(e.getMessage()));
        }
    }

    private Json introduction(Envelope request) {
        var asked =
                request.param("protocolVersion").filter(Json::isString).map(Json::text).orElse("");
        var revision = Revision.withSessions(asked).orElse(Revision.LATEST);
        return Json.object(
                result ->
                        result.put("protocolVersion", revision.text())
                                .put("capabilities", capabilities)
                                .put(
                                        "serverInfo",
                                        Json.object(
                                                info ->
                                                        info.put("name", name)
                                                                .put("version", "1"))));
    }

    /** The result of a tool call that says {@code text}. */
    static Json said(String text) {
        return said(text, false);
    }

    /** The result of a tool call that failed, as {@code text} says. */
    static Json failed(String text) {
        return said(text, true);
    }

    private static Json said(String text, boolean error) {
        var content = Json.object(block -> block.put("type", "text").put("text", text));
        return Json.object(
                result -> {
                    result.put("content", Json.array(List.of(content)));
                    if (error) {
                        result.put("isError", true);
                    }
                });
    }

    /** The text argument called {@code name}, or empty text. */
    static String argument(Envelope call, String name) {
        return call.param("arguments").flatMap(arguments -> arguments.text(name)).orElse("");
    }
}
