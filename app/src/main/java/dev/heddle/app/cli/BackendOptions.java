package dev.heddle.app.cli;

import dev.heddle.app.config.ClientFile;
import dev.heddle.app.config.ConfigFile;
import dev.heddle.app.config.HeddleConfig;
import dev.heddle.app.config.Problems;
import dev.heddle.app.config.QuickTargets;
import dev.heddle.app.demo.ClockServer;
import dev.heddle.app.demo.NotesServer;
import dev.heddle.app.telemetry.Logs;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.Target;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** Which backends a command is about, and how it logs: common to several commands. */
final class BackendOptions {
    private static final List<String> LEVELS = List.of("error", "warn", "info", "debug", "trace");

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "Configuration file, as heddle init writes it.")
    private @Nullable Path config;

    @Option(
            names = "--mcp-config",
            paramLabel = "FILE",
            description =
                    "JSON file in which an MCP client keeps its servers (mcpServers, or VS Code's"
                            + " servers).")
    private @Nullable Path mcpConfig;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            description = "error, warn, info, debug or trace. Goes before operational.logLevel.")
    private @Nullable String logLevel;

    @Option(
            names = "--log-format",
            paramLabel = "FORMAT",
            description = "text or json.",
            defaultValue = "text")
    private String logFormat = "text";

    @Option(names = "--debug", description = "The same as --log-level debug.")
    private boolean debug;

    /** The file that says which backends there are, if there is one. */
    Optional<Path> file() {
        return Optional.ofNullable(config).or(() -> Optional.ofNullable(mcpConfig));
    }

    /**
     * What the file says, or {@code targets}, or else the two servers that live in this process.
     *
     * @throws Problems.Invalid if that cannot be used, or more than one is given
     */
    HeddleConfig read(List<String> targets) {
        int given =
                (config == null ? 0 : 1)
                        + (mcpConfig == null ? 0 : 1)
                        + (targets.isEmpty() ? 0 : 1);
        if (given > 1) {
            throw new Problems.Invalid(
                    List.of(
                            "found more than one of --config, --mcp-config and targets (expected:"
                                    + " one)"));
        }
        if (config != null) {
            return ConfigFile.load(config, System.getenv());
        } else if (mcpConfig != null) {
            return HeddleConfig.standard(ClientFile.load(mcpConfig, System.getenv()));
        }
        return HeddleConfig.standard(targets.isEmpty() ? builtIn() : QuickTargets.parse(targets));
    }

    private static List<Backend> builtIn() {
        return List.of(
                new Backend(
                        new BackendId("clock"),
                        new Target.InProcess(ClockServer.create(InstantSource.system()))),
                new Backend(new BackendId("notes"), new Target.InProcess(NotesServer.create())));
    }

    /**
     * Logs as the command line says, or else {@code usual}, until the file has been read.
     *
     * @throws Problems.Invalid if the command line says something wrong about it
     */
    void startLogging(String usual) {
        if (!List.of("text", "json").contains(logFormat)) {
            throw new Problems.Invalid(
                    List.of("--log-format: found '" + logFormat + "' (expected: text or json)"));
        }
        if (logLevel != null && !LEVELS.contains(logLevel)) {
            throw new Problems.Invalid(
                    List.of(
                            "--log-level: found '"
                                    + logLevel
                                    + "' (expected: one of "
                                    + LEVELS
                                    + ")"));
        }
        Logs.use(format(), level().orElse(usual));
    }

    /** Logs as the command line says, or else as the file says, or else {@code usual}. */
    void goOnLogging(HeddleConfig read, String usual) {
        Logs.use(format(), level().or(() -> read.operation().logLevel()).orElse(usual));
    }

    private Logs.Format format() {
        return logFormat.equals("json") ? Logs.Format.JSON : Logs.Format.TEXT;
    }

    private Optional<String> level() {
        return debug ? Optional.of("debug") : Optional.ofNullable(logLevel);
    }

    /** Backends named on the command line. */
    static final class Targets {
        @Parameters(
                arity = "0..*",
                paramLabel = "URL_OR_COMMAND",
                description = "Backends: URLs, or commands in quotes, each perhaps as NAME=TARGET.")
        private List<String> targets = List.of();

        List<String> list() {
            return targets;
        }
    }
}
