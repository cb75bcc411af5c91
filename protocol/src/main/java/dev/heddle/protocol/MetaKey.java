package dev.heddle.protocol;

/** The keys of {@code _meta} that belong to one hop (MCP 2026-07-28, Per-request metadata). */
public final class MetaKey {
    /** Every key of a hop begins so. */
    public static final String PREFIX = "io.modelcontextprotocol/";

    public static final String PROTOCOL_VERSION = PREFIX + "protocolVersion";
    public static final String CLIENT_CAPABILITIES = PREFIX + "clientCapabilities";
    public static final String CLIENT_INFO = PREFIX + "clientInfo";
    public static final String LOG_LEVEL = PREFIX + "logLevel";
    public static final String SERVER_INFO = PREFIX + "serverInfo";
    public static final String SUBSCRIPTION_ID = PREFIX + "subscriptionId";

    /** Belongs to a task, not to a hop (MCP 2025-11-25, Tasks). */
    public static final String RELATED_TASK = PREFIX + "related-task";

    /** The extension that carries tasks without sessions, and the key of its capability. */
    public static final String TASKS = PREFIX + "tasks";

    /** The extension that lets tools have user interfaces, and the key of its capability. */
    public static final String UI = PREFIX + "ui";

    private MetaKey() {}

    /** Whether a value under {@code key} is meant for the next hop only. */
    public static boolean isOfHop(String key) {
        return key.startsWith(PREFIX) && !key.equals(RELATED_TASK);
    }
}
