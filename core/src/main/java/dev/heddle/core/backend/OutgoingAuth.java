package dev.heddle.core.backend;

import java.util.Map;

/**
 * How the gateway authenticates itself to a backend: the name of a strategy and its settings.
 *
 * @param settings may hold secrets, and so are never printed
 */
public record OutgoingAuth(String type, Map<String, String> settings) {
    public static final OutgoingAuth UNAUTHENTICATED =
            new OutgoingAuth("unauthenticated", Map.of());

    public OutgoingAuth {
        settings = Map.copyOf(settings);
    }

    @Override
    public String toString() {
        return "OutgoingAuth[" + type + "]";
    }
}
