package dev.heddle.core.exchange;

/**
 * Which updates a subscription is about: those of its resource and of what lies below that (MCP
 * 2025-11-25, Resources, Subscriptions).
 */
public final class SubResources {
    private SubResources() {}

    /** Whether whoever has subscribed to {@code uri} wants to be told of {@code updated}. */
    public static boolean covers(String uri, String updated) {
        return updated.startsWith(uri)
                && (updated.length() == uri.length()
                        || uri.endsWith("/")
                        || updated.charAt(uri.length()) == '/');
    }
}
