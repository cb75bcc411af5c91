package dev.heddle.protocol;

import java.util.Optional;

/** A revision of MCP that has sessions, oldest first. */
public enum Revision {
    V2024_11_05("2024-11-05"),
    V2025_03_26("2025-03-26"),
    V2025_06_18("2025-06-18"),
    V2025_11_25("2025-11-25");

    /**
     * The newest revision that has sessions; what a client is offered that asks for an unknown one.
     */
    public static final Revision LATEST = V2025_11_25;

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

    public boolean isAtLeast(Revision other) {
        return compareTo(other) >= 0;
    }

    /** Whether the client must name the revision in a header (MCP 2025-06-18, Streamable HTTP). */
    public boolean hasVersionHeader() {
        return isAtLeast(V2025_06_18);
    }
}
