package dev.heddle.core.backend;

import java.time.Duration;
import java.util.Map;

/**
 * One configured MCP server behind the gateway.
 *
 * @param headers sent with every HTTP request to it
 */
public record Backend(
        BackendId id,
        Target target,
        OutgoingAuth auth,
        Map<String, String> headers,
        Limits limits) {

    /**
     * How long to wait for it and how much to ask of it.
     *
     * @param open a new conversation, handshake included
     * @param silence a call that shows no sign of life for this long; each progress notification
     *     starts it anew
     * @param openings conversations that may be opening at the same time, over all sessions
     */
    public record Limits(Duration open, Duration silence, int openings) {
        public static final Limits DEFAULT =
                new Limits(Duration.ofSeconds(30), Duration.ofMinutes(5), 64);
    }

    public Backend {
        headers = Map.copyOf(headers);
    }

    /** A backend with no credentials, no extra headers and the default limits. */
    public Backend(BackendId id, Target target) {
        this(id, target, OutgoingAuth.UNAUTHENTICATED, Map.of(), Limits.DEFAULT);
    }
}
