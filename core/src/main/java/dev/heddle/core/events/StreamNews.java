package dev.heddle.core.events;

import dev.heddle.protocol.Json;

import java.util.Optional;

/**
 * What processes tell each other about a stream that one of them writes and another carries to its
 * client.
 *
 * @param stream its name
 * @param carrier which carrier of the stream it is about, if about one
 */
public record StreamNews(What what, String stream, String carrier) {
    /** What has come about. */
    public enum What {
        /** The carrier has begun to carry the stream. */
        CARRIED,
        /** It still does. */
        STILL_CARRIED,
        /** Its client has gone. */
        LEFT,
        /**
         * The stream is carried elsewhere too, and whether the carrier still carries it is asked.
         */
        DOUBTED,
        /** There is more to be read of the stream. */
        GROWN,
        /** The stream goes on elsewhere. */
        REPLACED
    }

    /** As it travels. */
    public Json toJson() {
        return Json.object(
                members ->
                        members.put("what", what.name())
                                .put("stream", stream)
                                .put("carrier", carrier));
    }

    /** What has travelled as {@code json}; empty if that is something else. */
    public static Optional<StreamNews> of(Json json) {
        for (var what : What.values()) {
            if (json.text("what").filter(what.name()::equals).isPresent()) {
                var stream = json.text("stream").orElse("");
                return Optional.of(new StreamNews(what, stream, json.text("carrier").orElse("")));
            }
        }
        return Optional.empty();
    }
}
