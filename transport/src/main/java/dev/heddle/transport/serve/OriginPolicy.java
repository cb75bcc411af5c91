package dev.heddle.transport.serve;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Which hosts and origins requests may name, against DNS rebinding (MCP 2025-11-25, Streamable
 * HTTP, Security Warning). Immutable.
 *
 * @param loopback whether the server listens on this machine only; then only names of this machine
 *     are its own
 * @param allowedHosts further values of {@code Host}, with or without port
 * @param allowedOrigins further values of {@code Origin}; {@code *} for any
 */
public record OriginPolicy(
        boolean loopback, List<String> allowedHosts, List<String> allowedOrigins) {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    public OriginPolicy {
        allowedHosts = allowedHosts.stream().map(host -> host.toLowerCase(Locale.ROOT)).toList();
        allowedOrigins =
                allowedOrigins.stream().map(origin -> origin.toLowerCase(Locale.ROOT)).toList();
    }

    boolean allowsHost(@Nullable String host) {
        if (host == null) {
            return false;
        }
        var lower = host.toLowerCase(Locale.ROOT);
        if (allowedHosts.contains(lower) || allowedHosts.contains(name(lower))) {
            return true;
        }
        return loopback ? LOOPBACK.contains(name(lower)) : allowedHosts.isEmpty();
    }

    /** Whether a page of {@code origin} may talk to the server that it knows as {@code host}. */
    boolean allowsOrigin(String origin, String host) {
        var lower = origin.toLowerCase(Locale.ROOT);
        if (allowedOrigins.contains("*") || allowedOrigins.contains(lower)) {
            return true;
        }
        try {
            var authority = URI.create(lower).getRawAuthority();
            return authority != null
                    && (authority.equals(host.toLowerCase(Locale.ROOT))
                            || (loopback && LOOPBACK.contains(name(authority))));
        } catch (IllegalArgumentException notAnOrigin) {
            return false;
        }
    }

    private static String name(String authority) {
        int colon = authority.lastIndexOf(':');
        return colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority;
    }
}
