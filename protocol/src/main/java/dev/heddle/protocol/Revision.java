package dev.heddle.protocol;

import java.util.Optional;

/** A revision of MCP, oldest first. All but the newest have sessions. */
public enum Revision {
    V2024_11_05("2024-11-05"),
    V2025_03_26("2025-03-26"),
    V2025_06_18("2025-06-18"),
    V2025_11_25("2025-11-25"),

    /** Without sessions: each request says for itself what its client can do. */
    V2026_07_28("2026-07-28");

    /**
     * The newest revision that has sessions; what a client is offered that asks for an unknown one.
     */
    public static final Revision LATEST = V2025_11_25;

    /** The revision without sessions. */
    public static final Revision STATELESS = V2026_07_28;

    private final String text;

    Revision(String text) {
        this.text = text;
    }

    /** The date that names the revision on the wire. */
    public String text() {
        return text;
    }

    public static Optional<Revision> of(String text) {
        for (var revision : values()) {
            if (revision.text.equals(text)) {
                return Optional.of(revision);
            }
        }
        return Optional.empty();
    }

    /** The revision called {@code text} if it is one that begins with {@code initialize}. */
    public static Optional<Revision> withSessions(String text) {
        return of(text).filter(Revision::hasSessions);
    }

    /** Whether it has sessions, which begin with {@code initialize}. */
    public boolean hasSessions() {
        return this != STATELESS;
    }

    public boolean isAtLeast(Revision other) {
        return compareTo(other) >= 0;
    }

    /**
     * Whether a stream of events begins with one that only says where it begins (MCP 2025-11-25,
     * Streamable HTTP).
     */
    public boolean hasPriming() {
        return isAtLeast(V2025_11_25);
    }

    /** Whether the client must name the revision in a header (MCP 2025-06-18, Streamable HTTP). */
    public boolean hasVersionHeader() {
        return isAtLeast(V2025_06_18);
    }
}
