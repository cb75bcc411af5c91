package dev.heddle.core.backend;

import java.util.Optional;
import java.util.regex.Pattern;

/** The name of a backend: 1 to 64 characters of {@code [A-Za-z0-9._-]}. */
public record BackendId(String value) implements Comparable<BackendId> {
    private static final int MAX_LENGTH = 64;
    private static final Pattern LEGAL = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final Pattern ILLEGAL_RUN = Pattern.compile("[^A-Za-z0-9._-]+");

    public BackendId {
        if (!LEGAL.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "backend id: '"
                            + value
                            + "' (expected: 1 to 64 characters of A-Z a-z 0-9 . _ -)");
        }
    }

    /** The nearest legal id for any text, or empty if nothing of it can be kept. */
    public static Optional<BackendId> slug(String text) {
        var slug = ILLEGAL_RUN.matcher(text).replaceAll("-").replaceAll("^-+|-+$", "");
        var shortened = slug.length() > MAX_LENGTH ? slug.substring(0, MAX_LENGTH) : slug;
        return shortened.isEmpty() ? Optional.empty() : Optional.of(new BackendId(shortened));
    }

    @Override
    public int compareTo(BackendId other) {
        return value.compareTo(other.value);
    }

    @Override
    public String toString() {
        return value;
    }
}
