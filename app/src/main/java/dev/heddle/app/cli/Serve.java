package dev.heddle.app.cli;

import dev.heddle.app.config.Durations;
import dev.heddle.app.config.HeddleConfig;
import dev.heddle.app.config.Problems;
import dev.heddle.app.wiring.Reloads;
import dev.heddle.app.wiring.Server;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/** Serves until it is told to stop. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        description = "Serves one MCP endpoint in front of the backends.",
        footerHeading = "%nExamples:%n",
        footer = {
            "  heddle serve",
            "  heddle serve --config heddle.yaml",
            "  heddle serve --mcp-config ~/.cursor/mcp.json",
            "  heddle serve http://127.0.0.1:3101/mcp \"npx -y"
                    + " @modelcontextprotocol/server-everything\""
        })
final class Serve implements Callable<Integer> {
    /** What no time at all stands for, as in ToolHive's {@code serve}. */
    private static final Duration STANDARD_TTL = Duration.ofMinutes(30);

    private static final Logger log = LoggerFactory.getLogger(Serve.class);

    @Mixin private BackendOptions backends = new BackendOptions();

    @Mixin private BackendOptions.Targets targets = new BackendOptions.Targets();

    @Option(
            names = "--host",
            paramLabel = "HOST",
            description = "Address to listen on (127.0.0.1).")
    private @Nullable String host;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description = "Port to listen on (4483); 0 for any.")
    private @Nullable Integer port;

    @Option(
            names = "--session-ttl",
            paramLabel = "TIME",
            description = "A session that is not used for this long ends (30m).")
    private @Nullable String sessionTtl;

    @Option(
            names = "--allow-anonymous-remote",
            description = "Listen on an address that other machines reach, without authentication.")
    private boolean allowAnonymousRemote;

    @Override
    public Integer call() throws IOException, InterruptedException {
        backends.startLogging("info");
        var config = read();
        backends.goOnLogging(config, "info");
        var stop = new CountDownLatch(1);
        var stopped = new CountDownLatch(1);
        var server = new Server(config, Version.text(), InstantSource.system());
        var reloads = backends.file().map(file -> new Reloads(file, this::read, server.gateway()));
        reloads.ifPresent(reload -> Hangup.listen(() -> reload.reload("it was told to")));
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(
                                () -> {
                                    stop.countDown();
                                    awaitQuietly(stopped);
                                }));
        announce(server, config);
        stop.await();
        log.info("stopping: calls in flight get a grace");
        reloads.ifPresent(Reloads::close);
        server.close();
        stopped.countDown();
        return 0;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private HeddleConfig read() {
        return backends.read(targets.list()).with(host(), port(), ttl(), allowAnonymousRemote);
    }

    private Optional<String> host() {
        return Optional.ofNullable(host)
                .map(name -> valid(!name.isBlank(), "--host", name, "an address or a name", name));
    }

    private Optional<Integer> port() {
        return Optional.ofNullable(port)
                .map(
                        number ->
                                valid(
                                        number >= 0 && number <= 65_535,
                                        "--port",
                                        number.toString(),
                                        "0 to 65535",
                                        number));
    }

    private static <T> T valid(
            boolean valid, String option, String found, String expected, T value) {
        if (!valid) {
            throw new Problems.Invalid(
                    List.of(option + ": found '" + found + "' (expected: " + expected + ")"));
        }
        return value;
    }

    private Optional<Duration> ttl() {
        return Optional.ofNullable(sessionTtl)
                .map(
                        text ->
                                Durations.parse(text)
                                        .map(time -> time.isZero() ? STANDARD_TTL : time)
                                        .filter(Duration::isPositive)
                                        .orElseThrow(
                                                () ->
                                                        new Problems.Invalid(
                                                                List.of(
                                                                        "--session-ttl: found '"
                                                                                + text
                                                                                + "' (expected: a"
                                                                                + " time such as"
                                                                                + " 30m)"))));
    }

    private void announce(Server server, HeddleConfig config) {
        var address = server.address();
        var named = config.server().host().replace("[", "").replace("]", "");
        var shown = address.getAddress().isAnyLocalAddress() ? "127.0.0.1" : named;
        var url =
                (config.server().tls().isPresent() ? "https://" : "http://")
                        + (shown.contains(":") ? "[" + shown + "]" : shown)
                        + ":"
                        + address.getPort()
                        + config.server().path();
        log.info(
                "listening on {} ({}), {} backends",
                url,
                server.gateway().loops().io(),
                config.backends().size());
        System.out.println(
                """

                Heddle serves MCP at %s

                For an MCP client:
                  {"mcpServers": {"%s": {"type": "http", "url": "%s"}}}
                """
                        .formatted(url, config.name(), url));
        if (backends.file().isEmpty() && targets.list().isEmpty()) {
            System.out.println(
                    """
                    Behind it are two small servers that live in this process. For real ones:
                      heddle serve "npx -y @modelcontextprotocol/server-everything" https://example.com/mcp
                      heddle serve --mcp-config ~/.cursor/mcp.json
                      heddle init > heddle.yaml && heddle serve --config heddle.yaml
                    """);
        }
    }
}
