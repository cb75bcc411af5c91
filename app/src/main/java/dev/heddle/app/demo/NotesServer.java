package dev.heddle.app.demo;

import dev.heddle.core.backend.InProcessServer;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Consumer;

/** Keeps notes for as long as a session lasts: a tool writes them, and each is a resource. */
public final class NotesServer {
    private static final String PREFIX = "note:///";
    private static final Json CAPABILITIES =
            Json.parse("{\"tools\":{},\"resources\":{\"listChanged\":true,\"subscribe\":true}}");
    private static final Json TOOLS =
            Json.parse(
                    """
                    {"tools":[{"name":"write_note","title":"Write a note",\
                    "description":"Keeps a note for this session. Each note is a resource.",\
                    "inputSchema":{"type":"object","properties":{"title":{"type":"string"},"text":{"type":"string"}},\
                    "required":["title","text"]}}]}\
                    """);

    private NotesServer() {}

    public static InProcessServer create() {
        return new DemoServer("heddle-notes", CAPABILITIES, Talk::new);
    }

    private static final class Talk implements DemoServer.Talk {
        private final Consumer<Envelope> client;
        private final Map<String, String> notes = new ConcurrentSkipListMap<>();
        private final Set<String> subscribed = ConcurrentHashMap.newKeySet();

        Talk(Consumer<Envelope> client) {
            this.client = client;
        }

        @Override
        public Json answer(String method, Envelope request) throws DemoServer.Refused {
            return switch (method) {
                case Method.PING -> Json.EMPTY_OBJECT;
                case Method.TOOLS_LIST -> TOOLS;
                case Method.TOOLS_CALL -> write(request);
                case Method.RESOURCES_LIST -> list();
                case Method.TEMPLATES_LIST -> Json.parse("{\"resourceTemplates\":[]}");
                case Method.RESOURCES_READ -> read(request);
                case Method.RESOURCES_SUBSCRIBE -> {
                    subscribed.add(title(request));
                    yield Json.EMPTY_OBJECT;
                }
                case Method.RESOURCES_UNSUBSCRIBE -> {
                    subscribed.remove(title(request));
                    yield Json.EMPTY_OBJECT;
                }
                default -> throw DemoServer.Refused.unknown(method);
            };
        }

        private Json write(Envelope call) throws DemoServer.Refused {
            if (!call.name().orElse("").equals("write_note")) {
                throw new DemoServer.Refused(ErrorCode.INVALID_PARAMS, "tool not found");
            }
            var title = DemoServer.argument(call, "title");
            if (title.isBlank()) {
                return DemoServer.failed("A note needs a title.");
            }
            var before = notes.put(title, DemoServer.argument(call, "text"));
            if (before == null) {
                client.accept(JsonRpc.notification(Method.RESOURCES_CHANGED));
            } else if (subscribed.contains(title)) {
                var params = Json.object(members -> members.put("uri", uri(title)));
                client.accept(JsonRpc.notification(Method.RESOURCE_UPDATED, params));
            }
            return DemoServer.said(
                    "There "
                            + (notes.size() == 1
                                    ? "is 1 note."
                                    : "are " + notes.size() + " notes."));
        }

        private Json list() {
            var resources =
                    notes.keySet().stream()
                            .map(
                                    title ->
                                            Json.object(
                                                    resource ->
                                                            resource.put("uri", uri(title))
                                                                    .put("name", title)
                                                                    .put("mimeType", "text/plain")))
                            .toList();
            return Json.object(result -> result.put("resources", Json.array(resources)));
        }

        private Json read(Envelope request) throws DemoServer.Refused {
            var text = notes.get(title(request));
            if (text == null) {
                throw new DemoServer.Refused(ErrorCode.RESOURCE_NOT_FOUND, "there is no such note");
            }
            var content =
                    Json.object(
                            block ->
                                    block.put("uri", request.uri().orElse(""))
                                            .put("mimeType", "text/plain")
                                            .put("text", text));
            return Json.object(result -> result.put("contents", Json.array(List.of(content))));
        }

        private static String title(Envelope request) {
            var uri = request.uri().orElse("");
            return uri.startsWith(PREFIX)
                    ? URLDecoder.decode(uri.substring(PREFIX.length()), StandardCharsets.UTF_8)
                    : uri;
        }

        private static String uri(String title) {
            return PREFIX + URLEncoder.encode(title, StandardCharsets.UTF_8).replace("+", "%20");
        }
    }
}
