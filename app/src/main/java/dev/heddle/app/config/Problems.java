package dev.heddle.app.config;

import java.io.Serial;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Everything that is wrong with one configuration file, so that all of it can be said at once.
 * Confined to one thread.
 */
public final class Problems {
    private final String file;

    private record Found(int line, String text) {}

    private final List<Found> found = new ArrayList<>();

    Problems(String file) {
        this.file = file;
    }

    /**
     * @param path of the key, as {@code backends[0].url}; may be empty
     */
    void add(int line, String path, String text) {
        found.add(
                new Found(
                        line,
                        file + ":" + line + ": " + (path.isEmpty() ? "" : path + ": ") + text));
    }

    void add(int line, String path, String what, String expected) {
        add(line, path, "found " + what + " (expected: " + expected + ")");
    }

    boolean none() {
        return found.isEmpty();
    }

    /** One line for each problem, in the order of the file. */
    public List<String> lines() {
        return found.stream()
                .sorted(Comparator.comparingInt(Found::line))
                .map(Found::text)
                .toList();
    }

    /**
     * @throws Invalid if there is any
     */
    void throwIfAny() {
        if (!none()) {
            throw new Invalid(lines());
        }
    }

    /** A configuration that cannot be used. The message has a line for each problem. */
    public static final class Invalid extends RuntimeException {
        @Serial private static final long serialVersionUID = 1L;

        public Invalid(List<String> lines) {
            super(lines.stream().collect(Collectors.joining("\n")));
        }
    }
}
