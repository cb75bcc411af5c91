package dev.heddle.core.backend;

import dev.heddle.core.identity.Identity;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Authenticates by one header with a fixed value. */
final class HeaderInjection implements OutgoingAuthStrategy {
    private static final String NAME = "headerName";
    private static final String VALUE = "headerValue";
    private static final Set<String> FRAMING =
            Set.of(
                    "host",
                    "connection",
                    "keep-alive",
                    "te",
                    "trailer",
                    "upgrade",
                    "transfer-encoding",
                    "content-length",
                    "mcp-session-id",
                    "mcp-protocol-version");
    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

    @Override
    public String type() {
        return "header_injection";
    }

    @Override
    public Optional<String> problem(Map<String, String> settings) {
        return problem(settings.getOrDefault(NAME, ""), settings.getOrDefault(VALUE, ""));
    }

    /** What is wrong with a header, or empty. The value may be a secret, and so is never said. */
    static Optional<String> problem(String name, String value) {
        if (!TOKEN.matcher(name).matches()) {
            return Optional.of("found '" + name + "' (expected: the name of an HTTP header)");
        }
        if (FRAMING.contains(name.toLowerCase(Locale.ROOT))) {
            return Optional.of(
                    "found '"
                            + name
                            + "' (expected: a header that does not belong to the connection)");
        }
        if (value.isEmpty()
                || value.chars().anyMatch(c -> (c < 0x20 && c != '\t') || c == 0x7F || c > 0xFF)) {
            return Optional.of("found no usable value (expected: text without control characters)");
        }
        return Optional.empty();
    }

    @Override
    public Map<String, String> headers(Identity caller, Map<String, String> settings) {
        return Map.of(settings.getOrDefault(NAME, ""), settings.getOrDefault(VALUE, ""));
    }
}
