package dev.heddle.transport.serve;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How the front serves.
 *
 * @param path of the MCP endpoint
 * @param maxBody bytes of one request body
 * @param maxHeader bytes of one request's headers
 * @param maxConnections open at the same time
 * @param keepAlive between two signs of life on an event stream
 * @param tls what the server proves with who it is, if it is spoken to over TLS
 */
public record ServeOptions(
        String host,
        int port,
        String path,
        OriginPolicy origins,
        int maxBody,
        int maxHeader,
        int maxConnections,
        Duration keepAlive,
        Optional<Tls> tls) {

    /**
     * What a server proves with who it is.
     *
     * @param certificate a PEM file with the certificate and those that vouch for it
     * @param key a PEM file with its private key, in PKCS #8
     */
    public record Tls(Path certificate, Path key) {}

    public static final int DEFAULT_MAX_BODY = 8 * 1024 * 1024;
    public static final int DEFAULT_MAX_HEADER = 64 * 1024;
    public static final int DEFAULT_MAX_CONNECTIONS = 100_000;
    public static final Duration DEFAULT_KEEP_ALIVE = Duration.ofSeconds(25);
}
