package dev.heddle.transport.serve;

import java.time.Duration;

/**
 * How the front serves.
 *
 * @param path of the MCP endpoint
 * @param maxBody bytes of one request body
 * @param maxHeader bytes of one request's headers
 * @param maxConnections open at the same time
 * @param keepAlive between two signs of life on an event stream
 */
public record ServeOptions(
        String host,
        int port,
        String path,
        OriginPolicy origins,
        int maxBody,
        int maxHeader,
        int maxConnections,
        Duration keepAlive) {
    public static final int DEFAULT_MAX_BODY = 8 * 1024 * 1024;
    public static final int DEFAULT_MAX_HEADER = 64 * 1024;
    public static final int DEFAULT_MAX_CONNECTIONS = 100_000;
    public static final Duration DEFAULT_KEEP_ALIVE = Duration.ofSeconds(25);
}
