package dev.heddle.core.session;

import dev.heddle.core.events.StreamNews;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Spliced;

import java.util.NoSuchElementException;

/** What the processes that hold a session tell each other. */
sealed interface Relayed {
    /** A message of the client, which may be for any of them. */
    record FromClient(Envelope message) implements Relayed {}

    /** A message for the client, for the one where it listens. */
    record ToClient(Envelope message) implements Relayed {}

    /** The client's process has taken the question {@code id}. */
    record Asked(Json id) implements Relayed {}

    /** The client that was to be asked the question {@code id} has gone before it answered. */
    record Unasked(Json id) implements Relayed {}

    /** What has come about on a stream. */
    record OfStream(StreamNews news) implements Relayed {}

    String FROM_CLIENT = "fromClient";
    String TO_CLIENT = "toClient";
    String ASKED = "asked";
    String UNASKED = "unasked";
    String STREAM = "stream";

    /** As it travels. */
    default String text() {
        return Json.object(
                        members -> {
                            switch (this) {
                                case FromClient(var message) ->
                                        members.put(FROM_CLIENT, json(message));
                                case ToClient(var message) -> members.put(TO_CLIENT, json(message));
                                case Asked(var id) -> members.put(ASKED, id);
                                case Unasked(var id) -> members.put(UNASKED, id);
                                case OfStream(var news) -> members.put(STREAM, news.toJson());
                            }
                        })
                .toString();
    }

    private static Json json(Envelope message) {
        return Json.parse(Spliced.of(message).bytes());
    }

    /**
     * What has travelled as {@code text}.
     *
     * @throws IllegalArgumentException if that is something else
     */
    static Relayed of(String text) {
        try {
            var json = Json.parse(text);
            var fromClient = json.get(FROM_CLIENT);
            var toClient = json.get(TO_CLIENT);
            var asked = json.get(ASKED);
            var unasked = json.get(UNASKED);
            if (fromClient.isPresent()) {
                return new FromClient(Envelope.parse(fromClient.get().bytes()));
            } else if (toClient.isPresent()) {
                return new ToClient(Envelope.parse(toClient.get().bytes()));
            } else if (asked.isPresent()) {
                return new Asked(asked.get());
            } else if (unasked.isPresent()) {
                return new Unasked(unasked.get());
            }
            return json.get(STREAM).flatMap(StreamNews::of).map(OfStream::new).orElseThrow();
        } catch (Malformed | MalformedJson | NoSuchElementException foreign) {
            throw new IllegalArgumentException(
                    "found something else than what processes tell each other", foreign);
        }
    }
}
