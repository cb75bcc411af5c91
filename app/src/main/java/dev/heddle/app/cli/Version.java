package dev.heddle.app.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

import java.io.IOException;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Callable;

/** The version of this build. */
@Command(name = "version", description = "Shows the version.")
final class Version implements Callable<Integer>, IVersionProvider {

    /** As the build wrote it. */
    static String text() {
        var properties = new Properties();
        try (var in = Version.class.getResourceAsStream("/heddle.properties")) {
            properties.load(Optional.ofNullable(in).orElseThrow());
        } catch (IOException e) {
            throw new IllegalStateException("the build has left no version", e);
        }
        return properties.getProperty("version");
    }

    @Override
    public Integer call() {
        System.out.println("heddle " + text() + " (Java " + Runtime.version() + ")");
        return 0;
    }

    @Override
    public String[] getVersion() {
        return new String[] {"heddle " + text()};
    }
}
