package dev.heddle.redis;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Where the store is, and how it is talked to.
 *
 * @param addresses of the one server, of the sentinels, or of some nodes of the cluster
 * @param database by its number; a cluster has only number 0
 * @param tls talks TLS if present
 * @param connecting how long a connection may take to come about
 * @param answering how long an answer may take
 */
public record RedisOptions(
        Kind kind,
        List<Address> addresses,
        int database,
        Optional<Credentials> credentials,
        Optional<Tls> tls,
        Duration connecting,
        Duration answering) {

    /** What is there. */
    public sealed interface Kind {
        /** One server, or something in front of servers that looks like one. */
        record Standalone() implements Kind {}

        /**
         * Sentinels, which know which server is the master.
         *
         * @param master its name among the sentinels
         * @param credentials for the sentinels themselves
         */
        record Sentinel(String master, Optional<Credentials> credentials) implements Kind {}

        /** A cluster. */
        record Cluster() implements Kind {}
    }

    public record Address(String host, int port) {}

    /**
     * How a node shows who it is.
     *
     * @param user of the access control list; empty for the standard one
     */
    public record Credentials(Optional<String> user, String password) {
        /** Never shows the password. */
        @Override
        public String toString() {
            return user.orElse("default") + " (password hidden)";
        }
    }

    /**
     * How a connection is protected.
     *
     * @param authorities a PEM file with those to trust, instead of the platform's
     */
    public record Tls(Optional<Path> authorities) {}

    public RedisOptions {
        addresses = List.copyOf(addresses);
    }
}
