package dev.heddle.app.cli;

import dev.heddle.app.config.Problems;
import dev.heddle.core.fault.Fault;

import org.jspecify.annotations.Nullable;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;

import java.io.IOException;

/** The command {@code heddle}. */
@Command(
        name = "heddle",
        description = "One MCP endpoint in front of many MCP servers.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            Serve.class,
            Stdio.class,
            Tools.class,
            Call.class,
            Validate.class,
            Init.class,
            Version.class,
            AutoComplete.GenerateCompletion.class,
            CommandLine.HelpCommand.class
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:It did what was asked.",
            "1:It could not, for a reason outside: a port in use, a backend that does not answer.",
            "2:The command line or the configuration is wrong.",
            "3:A tool that was called answered with an error."
        })
public final class Main implements Runnable {
    static final int FAILED = 1;
    static final int WRONG = 2;
    static final int TOOL_ERROR = 3;

    private Main() {}

    public static void main(String[] args) {
        System.exit(run(args));
    }

    /** Runs one command and returns its exit code. */
    static int run(String... args) {
        return new CommandLine(new Main())
                .setExecutionExceptionHandler((e, line, _) -> explain(e, line))
                .execute(args);
    }

    private static int explain(Exception e, CommandLine line) throws Exception {
        return switch (e) {
            case Problems.Invalid invalid -> say(line, invalid.getMessage(), WRONG);
            case Fault fault -> say(line, fault.getMessage(), FAILED);
            case IOException failed -> say(line, failed.getMessage(), FAILED);
            default -> throw e;
        };
    }

    private static int say(CommandLine line, @Nullable String message, int code) {
        line.getErr().println("heddle: " + message);
        return code;
    }

    @Override
    public void run() {
        CommandLine.usage(this, System.out);
    }
}
