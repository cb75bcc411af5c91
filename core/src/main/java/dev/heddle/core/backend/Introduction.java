package dev.heddle.core.backend;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;

import java.util.Optional;

/** What a backend said of itself in its answer to {@code initialize}. */
public record Introduction(
        Revision revision, Json capabilities, Json serverInfo, Optional<String> instructions) {
    /** For a backend that has not been asked yet. */
    public static final Introduction UNKNOWN =
            new Introduction(
                    Revision.LATEST, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT, Optional.empty());

    /** Whether the capability called {@code name} is offered. */
    public boolean offers(String name) {
        return capabilities.get(name).isPresent();
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
