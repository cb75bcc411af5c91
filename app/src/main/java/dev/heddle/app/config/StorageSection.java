package dev.heddle.app.config;

import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.LostState;
import dev.heddle.redis.RedisOptions;
import dev.heddle.redis.RedisOptions.Address;
import dev.heddle.redis.RedisOptions.Credentials;
import dev.heddle.redis.RedisOptions.Kind;
import dev.heddle.redis.RedisOptions.Tls;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads where session records are kept. */
final class StorageSection {
    private static final Duration MILLI = Duration.ofMillis(1);
    private static final String PREFIX = "thv:vmcp:session:";
    private static final String PASSWORD = "THV_SESSION_REDIS_PASSWORD";
    private static final int STANDARD_PORT = 6379;
    private static final int STANDARD_SENTINEL_PORT = 26379;

    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private final Section section;
    private final Duration timeToLive;

    /**
     * @param timeToLive of a session that is not used
     */
    StorageSection(Section section, Duration timeToLive) {
        this.section = section;
        this.timeToLive = timeToLive;
    }

    HeddleConfig.Storage read() {
        boolean redis = isWord("provider", "memory", "redis");
        return redis ? redis() : new HeddleConfig.Storage.Memory();
    }

    private HeddleConfig.Storage redis() {
        var mode = section.oneOf("mode", List.of("standalone", "sentinel", "cluster"));
        var kind =
                switch (mode.orElse("standalone")) {
                    case "sentinel" -> sentinel();
                    case "cluster" -> new Kind.Cluster();
                    default -> new Kind.Standalone();
                };
        var options =
                new RedisOptions(
                        kind,
                        addresses(kind),
                        database(kind),
                        credentials("username", password()),
                        tls(),
                        section.duration("dialTimeout", MILLI).orElse(Duration.ofSeconds(5)),
                        section.duration("timeout", MILLI).orElse(Duration.ofSeconds(3)));
        return new HeddleConfig.Storage.Redis(
                options,
                prefix(),
                secrets(),
                patience(),
                isWord("whenAway", "refuse", "local"),
                section.text("nodeHost"),
                section.number("nodePort", 0, 65_535).orElse(0),
                lostState());
    }

    /** What is used cannot be noted meanwhile, and is over for the others after its time. */
    private Duration patience() {
        var patience = section.duration("patience", Duration.ZERO);
        if (patience.filter(one -> one.compareTo(timeToLive) > 0).isPresent()) {
            section.complain(
                    "patience", section.shown("patience"), "no more than sessions.ttl has");
        }
        return patience.orElse(PATIENCE.compareTo(timeToLive) < 0 ? PATIENCE : timeToLive);
    }

    private LostState lostState() {
        return isWord("lostState", "error", "log") ? LostState.LOG : LostState.ERROR;
    }

    /** Whether the word under {@code key} is {@code other}, and not {@code usual} or none. */
    private boolean isWord(String key, String usual, String other) {
        return section.oneOf(key, List.of(usual, other)).filter(other::equals).isPresent();
    }

    private Kind.Sentinel sentinel() {
        var master = section.text("masterName");
        if (master.isEmpty()) {
            section.complain("masterName", "nothing", "what the sentinels call the master");
        }
        var password = section.text("sentinelPassword");
        return new Kind.Sentinel(master.orElse(""), credentials("sentinelUsername", password));
    }

    private Optional<String> password() {
        return section.text("password").or(() -> section.environment(PASSWORD));
    }

    private Optional<Credentials> credentials(String user, Optional<String> password) {
        var name = section.text(user);
        if (name.isPresent() && password.isEmpty()) {
            section.complain(user, section.shown(user), "a password beside it");
        }
        return password.map(secret -> new Credentials(name, secret));
    }

    private List<Address> addresses(Kind kind) {
        int standard = kind instanceof Kind.Sentinel ? STANDARD_SENTINEL_PORT : STANDARD_PORT;
        var addresses = new ArrayList<Address>();
        boolean wrong = false;
        for (var one : section.text("address").orElse("").split(",", -1)) {
            var address = address(one.strip(), standard);
            address.ifPresent(addresses::add);
            wrong |= address.isEmpty();
        }
        boolean many = !(kind instanceof Kind.Standalone);
        if (wrong || (addresses.size() > 1 && !many)) {
            section.complain(
                    "address",
                    section.has("address") ? section.shown("address") : "nothing",
                    many ? "host:port, or several separated by commas" : "host:port");
            return List.of(new Address("", standard));
        }
        return addresses;
    }

    private static Optional<Address> address(String text, int standard) {
        int colon = text.lastIndexOf(':');
        boolean bare = colon < 0 || text.endsWith("]") || text.matches("[^\\[]*:.*:.*");
        var host = (bare ? text : text.substring(0, colon)).replaceAll("[\\[\\]]", "");
        try {
            int port = bare ? standard : Integer.parseInt(text.substring(colon + 1));
            return host.isEmpty() || port < 1 || port > 65_535
                    ? Optional.empty()
                    : Optional.of(new Address(host, port));
        } catch (NumberFormatException notAPort) {
            return Optional.empty();
        }
    }

    private int database(Kind kind) {
        int database = section.number("db", 0, 1_000_000).orElse(0);
        if (database != 0 && kind instanceof Kind.Cluster) {
            section.complain("db", section.shown("db"), "0, since a cluster has no other");
        }
        return database;
    }

    private Optional<Tls> tls() {
        var authorities = section.file("caBundlePath");
        authorities
                .filter(file -> !Files.isReadable(file))
                .ifPresent(
                        file ->
                                section.complain(
                                        "caBundlePath",
                                        "'" + file + "', which cannot be read",
                                        "a PEM file"));
        boolean wanted = section.flag("tls").orElse(false);
        if (authorities.isPresent() && !wanted) {
            section.complain("caBundlePath", section.shown("caBundlePath"), "tls: true beside it");
        }
        return wanted
                ? Optional.of(new Tls(authorities.map(Path::toAbsolutePath)))
                : Optional.empty();
    }

    private String prefix() {
        var prefix = section.text("keyPrefix").orElse(PREFIX);
        if (!prefix.endsWith(":")) {
            section.complain("keyPrefix", section.shown("keyPrefix"), "text that ends with ':'");
        }
        return prefix;
    }

    private List<String> secrets() {
        var secrets = section.texts("keys");
        boolean plain = isWord("format", "sealed", "plain");
        boolean strong =
                secrets.stream().allMatch(secret -> secret.length() >= Vault.SHORTEST_SECRET);
        if (plain && !secrets.isEmpty()) {
            section.complain("keys", "secrets", "none, since format is plain");
        } else if (!plain && secrets.isEmpty()) {
            section.complain(
                    "keys",
                    "nothing",
                    "a secret of "
                            + Vault.SHORTEST_SECRET
                            + " characters or more, such as ${env:HEDDLE_KEY}, or format: plain");
        } else if (!strong) {
            section.complain(
                    "keys",
                    "a secret that is too short",
                    Vault.SHORTEST_SECRET + " characters or more");
        }
        return secrets;
    }
}
