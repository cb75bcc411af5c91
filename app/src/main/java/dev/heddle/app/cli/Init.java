package dev.heddle.app.cli;

import dev.heddle.app.config.Starter;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Callable;

/** Writes a configuration file to begin with. */
@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        description = "Writes a commented configuration file to begin with.")
final class Init implements Callable<Integer> {
    @Option(
            names = "--from",
            paramLabel = "FILE",
            description = "JSON file of an MCP client, whose servers become the backends.")
    private @Nullable Path from;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "File to write, which must not exist; standard output if absent.")
    private @Nullable Path output;

    @Override
    public Integer call() throws IOException {
        var text = from == null ? Starter.empty() : Starter.from(from);
        if (output == null) {
            System.out.print(text);
            return 0;
        }
        if (Files.exists(output)) {
            throw new IOException(output + ": found a file there (expected: none)");
        }
        var owner =
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try {
            Files.createFile(output, owner); // it may come to hold secrets
        } catch (NoSuchFileException e) {
            throw new IOException(output + ": found no folder for it", e);
        }
        Files.writeString(output, text);
        System.err.println("Wrote " + output + ". Next: heddle serve --config " + output);
        return 0;
    }
}
