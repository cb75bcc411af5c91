package dev.heddle.transport.serve;

import io.netty.util.NetUtil;

import java.net.URI;
import java.util.List;
import java.util.Locale;

/**
 * Which hosts and origins requests may name, against DNS rebinding (MCP 2025-11-25, Streamable
 * HTTP, Security Warning).
 *
 * <p>An attacker can point a name of its own at this server, but not an address: addresses are
 * accepted, and names only if they are known. Immutable.
 *
 * @param loopback whether the server listens on this machine only; then pages of this machine may
 *     talk to it
 * @param ownHost the name on which the server was told to listen
 * @param allowedHosts further values of {@code Host}, with or without port
 * @param allowedOrigins further values of {@code Origin}; {@code *} for any
 */
public record OriginPolicy(
        boolean loopback, String ownHost, List<String> allowedHosts, List<String> allowedOrigins) {

    public OriginPolicy {
        ownHost = ownHost.toLowerCase(Locale.ROOT);
        allowedHosts = allowedHosts.stream().map(host -> host.toLowerCase(Locale.ROOT)).toList();
        allowedOrigins =
                allowedOrigins.stream().map(origin -> origin.toLowerCase(Locale.ROOT)).toList();
    }

    boolean allowsHost(String host) {
        var lower = host.toLowerCase(Locale.ROOT);
        var name = name(lower);
        return isOwn(name)
                || isAddress(name)
                || allowedHosts.contains(lower)
                || allowedHosts.contains(name);
    }

    private boolean isOwn(String name) {
        return name.equals("localhost") || name.equals(ownHost);
    }

    private static boolean isAddress(String name) {
        var bare =
                name.startsWith("[") && name.endsWith("]")
                        ? name.substring(1, name.length() - 1)
                        : name;
        return NetUtil.isValidIpV4Address(bare) || NetUtil.isValidIpV6Address(bare);
    }

    /**
     * Whether a page of {@code origin} may talk to the server that it knows as {@code host}, which
     * is allowed.
     */
    boolean allowsOrigin(String origin, String host) {
        var lower = origin.toLowerCase(Locale.ROOT);
        if (allowedOrigins.contains("*") || allowedOrigins.contains(lower)) {
            return true;
        }
        try {
            var authority = URI.create(lower).getRawAuthority();
            return authority != null
                    && (authority.equals(host.toLowerCase(Locale.ROOT))
                            || (loopback && isLoopback(name(authority))));
        } catch (IllegalArgumentException notAnOrigin) {
            return false;
        }
    }

    private static boolean isLoopback(String name) {
        return name.equals("localhost")
                || name.equals("[::1]")
                || (name.startsWith("127.") && NetUtil.isValidIpV4Address(name));
    }

    private static String name(String authority) {
        int colon = authority.lastIndexOf(':');
        return colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority;
    }
}
