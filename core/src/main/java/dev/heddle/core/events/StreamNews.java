package dev.heddle.core.events;

import dev.heddle.protocol.Json;

import java.util.Optional;
import java.util.OptionalLong;

/**
 * What processes tell each other about a stream that one of them writes and another carries to its
 * client.
 *
 * @param stream its name
 * @param carrier which carrier of the stream it is about, or who asks
 * @param place the number of the last event that is known to who asks for what comes behind it;
 *     {@link #NOWHERE} if nobody does
 */
public record StreamNews(What what, String stream, String carrier, long place) {
    /** The place of whoever waits for nothing. */
    static final long NOWHERE = -1;

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
        /** The stream goes on elsewhere, or is not known where it has begun. */
        REPLACED,
        /** The store lacks what stands behind a place, and whoever has it is to write it. */
        WANTED,
        /** What was wanted is known, and the store has not taken it. */
        UNWRITTEN
    }

    /** Whether somebody waits for what comes behind a place. */
    boolean isWaiting() {
        return place != NOWHERE;
    }

    /** As it travels. */
    public Json toJson() {
        return Json.object(
                members ->
                        members.put("what", what.name())
                                .put("stream", stream)
                                .put("carrier", carrier)
                                .put("place", place));
    }

    /** What has travelled as {@code json}; empty if that is something else. */
    public static Optional<StreamNews> of(Json json) {
        for (var what : What.values()) {
            if (json.text("what").filter(what.name()::equals).isPresent()) {
                return Optional.of(
                        new StreamNews(
                                what,
                                json.text("stream").orElse(""),
                                json.text("carrier").orElse(""),
                                json.get("place")
                                        .map(Json::integer)
                                        .orElseGet(OptionalLong::empty)
                                        .orElse(NOWHERE)));
            }
        }
        return Optional.empty();
    }
}
