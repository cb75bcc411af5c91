package dev.heddle.app.cli;

import dev.heddle.app.wiring.Gateway;
import dev.heddle.transport.serve.StdioFront;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.InstantSource;
import java.util.concurrent.Callable;

/** Serves the client that has started this process. */
@Command(
        name = "stdio",
        mixinStandardHelpOptions = true,
        description = "Serves MCP on standard input and output, for the client that starts it.",
        footerHeading = "%nExample, in a client's file:%n",
        footer =
                "  {\"mcpServers\": {\"heddle\": {\"command\": \"heddle\", \"args\": [\"stdio\","
                        + " \"--config\", \"heddle.yaml\"]}}}")
final class Stdio implements Callable<Integer> {
    @Mixin private BackendOptions backends = new BackendOptions();

    @Mixin private BackendOptions.Targets targets = new BackendOptions.Targets();

    @Override
    public Integer call() throws IOException {
        backends.startLogging("warn");
        var config = backends.read(targets.list());
        backends.goOnLogging(config, "warn");
        try (var gateway = new Gateway(config, Version.text(), InstantSource.system());
                var in = new FileInputStream(FileDescriptor.in);
                var out = new FileOutputStream(FileDescriptor.out)) {
            new StdioFront(
                            gateway.sessions(),
                            gateway.stateless(),
                            gateway.user(),
                            config.name(),
                            Version.text(),
                            out)
                    .serve(in);
        }
        return 0;
    }
}
