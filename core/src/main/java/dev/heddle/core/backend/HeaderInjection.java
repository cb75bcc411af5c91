package dev.heddle.core.backend;

import dev.heddle.core.identity.Identity;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Authenticates by one header with a fixed value. */
final class HeaderInjection implements OutgoingAuthStrategy {
    private static final String NAME = "headerName";
    private static final String VALUE = "headerValue";
    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

    @Override
    public String type() {
        return "header_injection";
    }

    @Override
    public Optional<String> problem(Map<String, String> settings) {
        var name = settings.getOrDefault(NAME, "");
        if (!TOKEN.matcher(name).matches()) {
            return Optional.of(
                    "headerName: found '" + name + "' (expected: the name of an HTTP header)");
        }
        var value = settings.getOrDefault(VALUE, "");
        if (value.isEmpty() || value.chars().anyMatch(c -> (c < 0x20 && c != '\t') || c == 0x7F)) {
            return Optional.of(
                    "headerValue: found no usable value (expected: text without control"
                            + " characters)");
        }
        return Optional.empty();
    }

    @Override
    public Map<String, String> headers(Identity caller, Map<String, String> settings) {
        return Map.of(settings.getOrDefault(NAME, ""), settings.getOrDefault(VALUE, ""));
    }
}
