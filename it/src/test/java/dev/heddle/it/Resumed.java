package dev.heddle.it;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Optional;
import java.util.regex.Pattern;

/** A call whose answer is a stream: whenever that breaks, it is gone on with until the reply. */
final class Resumed {
    private static final Pattern ID = Pattern.compile("(?m)^id: (\\S+)");
    private static final Pattern DATA = Pattern.compile("(?m)^data: (\\{.*)");

    private static final int MOST = 10_000;

    private String last = "";

    private Resumed() {}

    /**
     * The reply to a call of {@code client}, on connections of its own.
     *
     * @throws UncheckedIOException if the connection broke before there was an id to come back to
     */
    static JsonNode call(RawClient client, String tool, String arguments) {
        var call = new Resumed();
        Optional<JsonNode> reply;
        try (var raw = RawHttp.calling(client.endpoint(), client, tool, arguments)) {
            reply = call.read(raw);
        }
        for (int tries = 0; reply.isEmpty(); tries++) {
            if (tries > MOST) {
                throw new AssertionError("found no reply behind " + call.last);
            }
            if (call.last.isEmpty()) {
                throw new UncheckedIOException(new IOException("broken before the first event"));
            }
            var place = "Connection: close\r\nLast-Event-ID: " + call.last + "\r\n";
            try (var raw = RawHttp.listening(client.endpoint(), client, place)) {
                reply = call.read(raw);
            }
        }
        return reply.get();
    }

    private Optional<JsonNode> read(RawHttp raw) {
        var head = raw.head();
        if (!head.isEmpty() && !head.startsWith("HTTP/1.1 200")) {
            throw new AssertionError("found " + head + " (expected: 200)");
        }
        for (var event = raw.readTo("\n\n"); event.endsWith("\n\n"); event = raw.readTo("\n\n")) {
            var id = ID.matcher(event);
            if (id.find()) {
                last = id.group(1);
            }
            var data = DATA.matcher(event);
            if (data.find()) {
                var message = RawClient.JSON.readTree(data.group(1));
                if (message.path("id").asString("").equals("mine")) {
                    return Optional.of(message);
                }
            }
        }
        return Optional.empty();
    }
}
