package dev.heddle.app.config;

import dev.heddle.core.health.HealthRules;
import dev.heddle.core.session.SessionLimits;
import dev.heddle.transport.serve.ServeOptions;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Reads {@code heddle.yaml}. All problems are found in one go. */
public final class ConfigFile {
    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration MILLI = Duration.ofMillis(1);

    private ConfigFile() {}

    /**
     * What {@code file} says.
     *
     * @throws Problems.Invalid if anything is wrong
     */
    public static HeddleConfig load(Path file, Map<String, String> environment) {
        return parse(file.toString(), Sources.read(file), folderOf(file), environment);
    }

    static Path folderOf(Path file) {
        return Optional.ofNullable(file.toAbsolutePath().getParent()).orElse(Path.of("."));
    }

    static HeddleConfig parse(
            String name, String text, Path folder, Map<String, String> environment) {
        var problems = new Problems(name);
        var node = Sources.yaml(text, problems);
        problems.throwIfAny();
        var root =
                Section.root(Keys.FILE, node, new References(environment, folder, true), problems);
        var backends = new BackendSection(root, environment).read();
        var sessions = sessions(root.section("sessions"));
        var config =
                new HeddleConfig(
                        root.text("name").orElse("heddle"),
                        root.text("groupRef"),
                        root.map("metadata"),
                        backends.backends(),
                        backends.metadata(),
                        incoming(root.section("incomingAuth")),
                        new AggregationSection(root.section("aggregation"), backends.backends())
                                .read(),
                        operation(root.section("operational")),
                        sessions,
                        new StorageSection(root.section("sessionStorage"), sessions.limits().idle())
                                .read(),
                        server(root.section("server")),
                        catalogs(root.section("catalogs")));
        problems.throwIfAny();
        return config;
    }

    private static HeddleConfig.Incoming incoming(Section section) {
        if (section.text("type").filter("oidc"::equals).isPresent()) {
            section.complain(
                    "type", "'oidc', which this version does not have", "anonymous or local");
            return HeddleConfig.Incoming.ANONYMOUS;
        }
        return section.oneOf("type", List.of("anonymous", "local"))
                .map(
                        type ->
                                type.equals("local")
                                        ? HeddleConfig.Incoming.LOCAL
                                        : HeddleConfig.Incoming.ANONYMOUS)
                .orElse(HeddleConfig.Incoming.ANONYMOUS);
    }

    private static HeddleConfig.Operation operation(Section section) {
        var level = section.oneOf("logLevel", List.of("error", "warn", "info", "debug", "trace"));
        var failures = section.section("failureHandling");
        var mode = failures.oneOf("partialFailureMode", List.of("fail", "best_effort"));
        return new HeddleConfig.Operation(
                level,
                health(failures),
                failures.duration("statusReportingInterval", SECOND).orElse(Duration.ofSeconds(30)),
                mode.filter("fail"::equals).isPresent());
    }

    private static HealthRules health(Section failures) {
        var standard = HealthRules.DEFAULT;
        var interval = failures.duration("healthCheckInterval", MILLI).orElse(standard.interval());
        var timeout =
                failures.duration("healthCheckTimeout", Duration.ZERO)
                        .orElse(
                                standard.timeout().compareTo(interval) < 0
                                        ? standard.timeout()
                                        : interval.dividedBy(2));
        if (timeout.compareTo(interval) >= 0) {
            failures.complain(
                    "healthCheckTimeout",
                    "'" + Durations.format(timeout) + "'",
                    "less than the healthCheckInterval of " + Durations.format(interval));
        }
        var breaker = failures.section("circuitBreaker");
        int threshold = breaker.number("failureThreshold", 1, 1_000_000).orElse(5);
        boolean enabled = breaker.flag("enabled").orElse(false);
        return new HealthRules(
                interval,
                timeout,
                failures.number("unhealthyThreshold", 1, 1_000_000)
                        .orElse(standard.unhealthyThreshold()),
                enabled ? OptionalInt.of(threshold) : OptionalInt.empty(),
                breaker.duration("timeout", SECOND).orElse(standard.breakerTimeout()));
    }

    private static HeddleConfig.Sessions sessions(Section section) {
        var standard = SessionLimits.DEFAULT;
        var limits =
                new SessionLimits(
                        section.duration("ttl", MILLI).orElse(standard.idle()),
                        section.duration("lifetime", SECOND),
                        section.number("max", 1, Integer.MAX_VALUE).orElse(standard.total()),
                        section.number("maxPerOwner", 1, Integer.MAX_VALUE)
                                .orElse(standard.perOwner()));
        var usual = HeddleConfig.Sessions.DEFAULT;
        return new HeddleConfig.Sessions(
                limits,
                section.number("streams", 1, 10_000).orElse(usual.streams()),
                section.number("inFlight", 1, 100_000).orElse(usual.inFlight()),
                section.number("openings", 1, 10_000).orElse(usual.openings()),
                section.duration("coldStart", Duration.ZERO).orElse(usual.coldStart()));
    }

    private static HeddleConfig.Server server(Section section) {
        var standard = HeddleConfig.Server.DEFAULT;
        var path = section.text("path").orElse(standard.path());
        if (!path.startsWith("/") || path.length() < 2 || path.endsWith("/")) {
            section.complain("path", section.shown("path"), "a path such as /mcp");
        }
        return new HeddleConfig.Server(
                section.text("host").orElse(standard.host()),
                section.number("port", 0, 65_535).orElse(standard.port()),
                path,
                section.flag("allowAnonymousRemote").orElse(false),
                hosts(section),
                origins(section),
                section.number("maxBody", 1024, 1 << 30).orElse(standard.maxBody()),
                section.number("maxHeader", 1024, 1 << 24).orElse(standard.maxHeader()),
                section.number("maxConnections", 1, Integer.MAX_VALUE)
                        .orElse(standard.maxConnections()),
                section.duration("keepAlive", Duration.ofMillis(100)).orElse(standard.keepAlive()),
                section.duration("drain", Duration.ZERO).orElse(standard.drain()),
                section.oneOf("io", List.of("auto", "io_uring", "epoll", "nio"))
                        .orElse(standard.io()),
                section.has("tls") ? tls(section.section("tls")) : standard.tls());
    }

    private static Optional<ServeOptions.Tls> tls(Section section) {
        var certificate = readable(section, "certificate");
        var key = readable(section, "key");
        return certificate.flatMap(path -> key.map(other -> new ServeOptions.Tls(path, other)));
    }

    private static Optional<Path> readable(Section section, String name) {
        var file = section.file(name);
        if (file.isEmpty() || !Files.isReadable(file.get())) {
            section.complain(
                    name,
                    file.map(path -> "'" + path + "', which cannot be read").orElse("nothing"),
                    "a PEM file");
        }
        return file;
    }

    private static List<String> hosts(Section section) {
        var hosts = section.texts("allowedHosts");
        hosts.stream()
                .filter(host -> !host.matches("[A-Za-z0-9._-]+(:\\d+)?|\\[[0-9A-Fa-f:.]+](:\\d+)?"))
                .forEach(
                        host ->
                                section.complain(
                                        "allowedHosts",
                                        "'" + host + "'",
                                        "a name, perhaps with a port"));
        return hosts;
    }

    private static List<String> origins(Section section) {
        var origins = section.texts("allowedOrigins");
        origins.stream()
                .filter(origin -> !origin.matches("\\*|null|[a-z][a-z0-9+.-]*://[^/?#]+"))
                .forEach(
                        origin ->
                                section.complain(
                                        "allowedOrigins",
                                        "'" + origin + "'",
                                        "scheme, host and perhaps port, without a path, or *"));
        return origins;
    }

    private static HeddleConfig.Catalogs catalogs(Section section) {
        var standard = HeddleConfig.Catalogs.standard();
        var folder = section.file("folder").or(standard::folder);
        return new HeddleConfig.Catalogs(
                section.flag("keep").orElse(true) ? folder : Optional.empty());
    }
}
