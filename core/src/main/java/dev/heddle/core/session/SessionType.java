package dev.heddle.core.session;

/** Who opened a session. */
public enum SessionType {
    /** An MCP client, by {@code initialize}. */
    CLIENT,
    /** The gateway, for clients that have no sessions of their own. */
    IMPLICIT,
    /** The program in which the session layer is embedded. */
    EMBEDDED
}
