package dev.heddle.core.backend;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;

import java.util.Optional;

/** What a backend said of itself in its answer to {@code initialize}. */
public record Introduction(
        Revision revision, Json capabilities, Json serverInfo, Optional<String> instructions) {
    /** Of a backend whose conversation was taken over, so that it was not asked. */
    public static Introduction unknown(Revision revision) {
        return new Introduction(revision, Json.EMPTY_OBJECT, Json.NULL, Optional.empty());
    }

    /** Whether the backend was not asked. */
    public boolean isUnknown() {
        return serverInfo.equals(Json.NULL);
    }

    /** Whether the capability called {@code name} is offered, or may be for all that is known. */
    public boolean offers(String name) {
        return isUnknown() || capabilities.get(name).isPresent();
    }

    /** As the backend would say it if it had not the capability called {@code name}. */
    public Introduction without(String name) {
        return new Introduction(revision, capabilities.without(name), serverInfo, instructions);
    }

    /** Whether the backend says when one of its lists has changed. */
    public boolean announcesChanges() {
        return offers("tools", "listChanged")
                || offers("resources", "listChanged")
                || offers("prompts", "listChanged");
    }

    /** Whether the capability {@code name} has the flag {@code flag} set. */
    public boolean offers(String name, String flag) {
        return capabilities
                .get(name)
                .flatMap(capability -> capability.get(flag))
                .filter(Json::isTrue)
                .isPresent();
    }
}
