package dev.heddle.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.concurrent.Callable;

/** Says whether a configuration can be used. */
@Command(
        name = "validate",
        mixinStandardHelpOptions = true,
        description = "Checks a configuration file and names everything that is wrong with it.")
final class Validate implements Callable<Integer> {
    @Mixin private BackendOptions backends = new BackendOptions();

    @Mixin private BackendOptions.Targets targets = new BackendOptions.Targets();

    @Override
    public Integer call() {
        backends.startLogging("info");
        var config = backends.read(targets.list());
        int count = config.backends().size();
        System.out.println(
                "The configuration is valid: " + count + (count == 1 ? " backend." : " backends."));
        return 0;
    }
}
