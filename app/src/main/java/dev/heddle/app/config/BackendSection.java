package dev.heddle.app.config;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.OutgoingAuth;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads the backends, and what other parts of the file say about them. Confined to one thread. */
final class BackendSection {
    private static final Logger log = LoggerFactory.getLogger(BackendSection.class);
    private static final OutgoingAuthRegistry STRATEGIES = new OutgoingAuthRegistry(List.of());
    private static final List<String> LATER =
            List.of("token_exchange", "upstream_inject", "aws_sts", "obo", "xaa");

    static final String URL_WANTED =
            "an http:// or https:// URL with a legal port, without user or password (for those,"
                    + " see headers)";

    /** The backends, and the metadata of those that have some. */
    record Result(List<Backend> backends, Map<String, Map<String, String>> metadata) {}

    private final Section root;
    private final Map<String, String> environment;
    private final Map<String, Map<String, String>> metadata = new LinkedHashMap<>();

    BackendSection(Section root, Map<String, String> environment) {
        this.root = root;
        this.environment = environment;
    }

    Result read() {
        var outgoing = root.section("outgoingAuth");
        outgoing.oneOf("source", List.of("inline"));
        var standard =
                outgoing.has("default")
                        ? auth(outgoing.section("default"))
                        : OutgoingAuth.UNAUTHENTICATED;
        var single = new HashMap<String, OutgoingAuth>();
        outgoing.named("backends")
                .forEach((name, section) -> single.put(slug(name), auth(section)));
        var timeouts = root.section("operational").section("timeouts");
        var silence =
                timeouts.duration("default", Duration.ZERO)
                        .orElse(Backend.Limits.DEFAULT.silence());
        var perWorkload = silences(timeouts);
        var backends = new LinkedHashMap<BackendId, Backend>();
        var named = new HashSet<BackendId>();
        for (var section : root.sections("backends")) {
            id(section)
                    .ifPresent(
                            id -> {
                                var limits =
                                        limits(
                                                section,
                                                Optional.ofNullable(perWorkload.get(id.value()))
                                                        .orElse(silence));
                                var auth = single.getOrDefault(id.value(), standard);
                                var read =
                                        target(section)
                                                .map(
                                                        target ->
                                                                new Backend(
                                                                        id,
                                                                        target,
                                                                        auth,
                                                                        headers(section),
                                                                        limits));
                                read.ifPresent(backend -> backends.putIfAbsent(id, backend));
                                if (!named.add(id)) {
                                    section.complain(
                                            "name", "'" + id + "' a second time", "each name once");
                                }
                                metadata(section, id);
                            });
        }
        var ids = named.stream().map(BackendId::value).toList();
        warnOfStrangers("outgoingAuth.backends", single.keySet(), ids);
        warnOfStrangers("operational.timeouts.perWorkload", perWorkload.keySet(), ids);
        return new Result(List.copyOf(backends.values()), metadata);
    }

    /** The id of the backend that {@code name} means. */
    private static String slug(String name) {
        return BackendId.slug(name).map(BackendId::value).orElse(name);
    }

    private static void warnOfStrangers(String path, Collection<String> named, List<String> ids) {
        named.stream()
                .filter(name -> !ids.contains(name))
                .forEach(name -> log.warn("{}: there is no backend '{}'", path, name));
    }

    private void metadata(Section section, BackendId id) {
        var own = section.map("metadata");
        if (own.containsKey("group")) {
            section.complain(
                    "metadata", "the key 'group'", "any other, since that one is reserved");
        }
        if (!own.isEmpty()) {
            metadata.put(id.value(), own);
        }
    }

    private static Map<String, Duration> silences(Section timeouts) {
        var silences = new HashMap<String, Duration>();
        timeouts.map("perWorkload")
                .forEach(
                        (workload, text) ->
                                Durations.parse(text)
                                        .ifPresentOrElse(
                                                silence -> silences.put(slug(workload), silence),
                                                () ->
                                                        timeouts.complain(
                                                                "perWorkload",
                                                                "'" + text + "' for " + workload,
                                                                "a time such as 45s")));
        return silences;
    }

    private static Optional<BackendId> id(Section section) {
        var name = section.text("name");
        if (name.isEmpty()) {
            section.complain("name: found nothing (expected: the backend's name)");
            return Optional.empty();
        }
        var id = BackendId.slug(name.get());
        if (id.isEmpty()) {
            section.complain("name", "'" + name.get() + "'", "letters or digits");
        } else if (!id.get().value().equals(name.get())) {
            log.warn(
                    "backend '{}' is called '{}', since names are 1 to 64 of A-Z a-z 0-9 . _ -",
                    name.get(),
                    id.get());
        }
        return id;
    }

    private static Backend.Limits limits(Section section, Duration silence) {
        var standard = Backend.Limits.DEFAULT;
        return new Backend.Limits(
                section.duration("openTimeout", Duration.ofMillis(1)).orElse(standard.open()),
                section.duration("timeout", Duration.ZERO).orElse(silence),
                section.number("openings", 1, 100_000).orElse(standard.openings()));
    }

    private static Optional<Target> target(Section section) {
        section.oneOf("type", List.of("", "entry"));
        boolean remote = section.has("url");
        boolean command = section.has("command");
        if (remote == command) {
            section.complain(
                    remote
                            ? "found both url and command (expected: one of them)"
                            : "found neither url nor command (expected: one of them)");
            return Optional.empty();
        }
        return remote ? remote(section) : command(section);
    }

    private static Optional<Target> remote(Section section) {
        for (var key : List.of("args", "env", "cwd", "shared", "processes", "idleStop")) {
            if (section.has(key)) {
                section.complain(key, "it beside url", "it beside command only");
            }
        }
        var wire =
                section.oneOf("transport", List.of("streamable-http", "sse", "http"))
                        .map(
                                word ->
                                        switch (word) {
                                            case "sse" -> Target.Wire.SSE;
                                            case "streamable-http" -> Target.Wire.STREAMABLE_HTTP;
                                            default -> Target.Wire.EITHER;
                                        })
                        .orElse(Target.Wire.EITHER);
        return section.text("url")
                .flatMap(
                        text -> {
                            var url = url(text);
                            if (url.isEmpty()) {
                                section.complain("url", shownUrl(section.shown("url")), URL_WANTED);
                            }
                            return url.map(
                                    where -> new Target.Remote(where, wire, caBundle(section)));
                        });
    }

    /**
     * So much of a wrong URL as holds no secret.
     *
     * @param shown as it stands in the file, references not put in
     */
    static String shownUrl(String shown) {
        if (shown.matches("'\\$\\{[A-Za-z0-9_:.-]+}'")) {
            return shown;
        }
        int colon = shown.indexOf("://");
        return colon > 0 && shown.substring(1, colon).matches("[a-zA-Z][a-zA-Z0-9+.-]*")
                ? shown.substring(0, colon + 3) + "…'"
                : "text that does not begin like a URL";
    }

    /** A URL that can be called, or empty. */
    static Optional<URI> url(String text) {
        try {
            var url = URI.create(text);
            boolean http =
                    "http".equalsIgnoreCase(url.getScheme())
                            || "https".equalsIgnoreCase(url.getScheme());
            boolean whole =
                    url.getHost() != null
                            && url.getUserInfo() == null
                            && url.getPort() <= 65_535
                            && url.getPort() != 0;
            return http && whole ? Optional.of(url) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static Map<String, String> headers(Section section) {
        var headers = section.map("headers");
        headers.forEach(
                (name, value) ->
                        OutgoingAuthRegistry.headerProblem(name, value)
                                .ifPresent(
                                        problem ->
                                                section.complain(
                                                        "headers",
                                                        "'" + name + "': " + problem,
                                                        "a header that can be sent")));
        return headers;
    }

    private static Optional<Path> caBundle(Section section) {
        var bundle = section.file("caBundlePath");
        if (bundle.isPresent() && section.text("type").filter("entry"::equals).isEmpty()) {
            section.complain("caBundlePath", "it without type entry", "type: entry beside it");
        }
        if (bundle.isPresent()
                && (!bundle.get().isAbsolute() || !bundle.get().equals(bundle.get().normalize()))) {
            section.complain("caBundlePath", "'" + bundle.get() + "'", "an absolute path");
        }
        if (bundle.isPresent() && !holdsCertificates(bundle.get())) {
            section.complain(
                    "caBundlePath",
                    "'" + bundle.get() + "', which cannot be read as certificates",
                    "a PEM file");
        }
        return bundle;
    }

    private static boolean holdsCertificates(Path file) {
        try (var in = Files.newInputStream(file)) {
            return !CertificateFactory.getInstance("X.509").generateCertificates(in).isEmpty();
        } catch (IOException | CertificateException e) {
            return false;
        }
    }

    private static Optional<Target> command(Section section) {
        for (var key : List.of("headers", "caBundlePath")) {
            if (section.has(key)) {
                section.complain(key, "it beside command", "it beside url only");
            }
        }
        section.oneOf("transport", List.of("stdio"));
        var argv = new ArrayList<String>();
        section.text("command").ifPresent(argv::add);
        argv.addAll(section.texts("args"));
        if (argv.isEmpty() || argv.getFirst().isBlank()) {
            section.complain("command", "nothing", "a program");
            return Optional.empty();
        }
        boolean shared = section.flag("shared").orElse(false);
        if (shared && section.has("idleStop")) {
            log.warn("{}.idleStop has no effect beside shared", section.path());
        }
        return Optional.of(
                new Target.Command(
                        argv,
                        section.map("env"),
                        section.file("cwd"),
                        shared,
                        section.number("processes", 1, 100_000)
                                .orElse(Target.Command.DEFAULT_PROCESSES),
                        section.duration("idleStop", Duration.ZERO)
                                .orElse(Target.Command.DEFAULT_IDLE_STOP)));
    }

    private OutgoingAuth auth(Section section) {
        var type = section.text("type").orElse("");
        if (LATER.contains(type)) {
            section.complain(
                    "type",
                    "'" + type + "', which this version does not have",
                    "unauthenticated or header_injection");
            return OutgoingAuth.UNAUTHENTICATED;
        }
        var settings = new HashMap<String, String>();
        var header = section.section("headerInjection");
        header.text("headerName").ifPresent(name -> settings.put("headerName", name));
        header.text("headerValue").ifPresent(value -> settings.put("headerValue", value));
        header.text("headerValueEnv")
                .ifPresent(
                        name -> {
                            if (settings.containsKey("headerValue")) {
                                header.complain(
                                        "headerValueEnv", "it beside headerValue", "one of them");
                            }
                            Optional.ofNullable(environment.get(name))
                                    .ifPresentOrElse(
                                            value -> settings.put("headerValue", value),
                                            () ->
                                                    header.complain(
                                                            "headerValueEnv",
                                                            "'" + name + "'",
                                                            "a variable that is set"));
                        });
        if (!type.equals("header_injection") && section.has("headerInjection")) {
            log.warn("{}.headerInjection has no effect beside type '{}'", section.path(), type);
        }
        var auth = new OutgoingAuth(type, settings);
        STRATEGIES.problem(auth).ifPresent(section::complain);
        return auth;
    }
}
