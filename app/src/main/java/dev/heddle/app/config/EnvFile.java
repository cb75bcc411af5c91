package dev.heddle.app.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** A file with one {@code NAME=value} on each line, as shells read it. */
final class EnvFile {
    private EnvFile() {}

    /**
     * The variables in the order of the file. Comments and other lines are left alone.
     *
     * @throws IOException if it cannot be read
     */
    static Map<String, String> read(Path file) throws IOException {
        var env = new LinkedHashMap<String, String>();
        for (var entry : Files.readAllLines(file)) {
            var trimmed = entry.strip().replaceFirst("^export\\s+", "");
            int equals = trimmed.indexOf('=');
            if (equals > 0 && !trimmed.startsWith("#")) {
                env.put(
                        trimmed.substring(0, equals).strip(),
                        unquoted(trimmed.substring(equals + 1).strip()));
            }
        }
        return env;
    }

    private static String unquoted(String value) {
        boolean quoted =
                value.length() >= 2
                        && ((value.startsWith("\"") && value.endsWith("\""))
                                || (value.startsWith("'") && value.endsWith("'")));
        return quoted ? value.substring(1, value.length() - 1) : value;
    }
}
