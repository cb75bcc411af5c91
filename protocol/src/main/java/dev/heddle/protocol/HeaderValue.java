package dev.heddle.protocol;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;

/**
 * How text travels in a header of MCP: as it is, or in Base64 between markers where a header could
 * not hold it (MCP 2026-07-28, Streamable HTTP, Header encoding).
 */
public final class HeaderValue {
    private static final String BEGIN = "=?base64?";
    private static final String END = "?=";

    private HeaderValue() {}

    /** {@code text} as a header can hold it. */
    public static String encode(String text) {
        if (isPlain(text)) {
            return text;
        }
        var utf8 = text.getBytes(StandardCharsets.UTF_8);
        return BEGIN + Base64.getEncoder().encodeToString(utf8) + END;
    }

    /** Whether {@code text} may stand in a header, and could not be taken for an encoded one. */
    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '\t' && (c < 0x20 || c > 0x7E)) {
                return false;
            }
        }
        return text.equals(text.strip()) && !isEncoded(text);
    }

    private static boolean isEncoded(String value) {
        return value.length() >= BEGIN.length() + END.length()
                && value.startsWith(BEGIN)
                && value.endsWith(END);
    }

    /** The text that a header holds, or empty if it holds what is no text. */
    public static Optional<String> decode(String value) {
        if (!isEncoded(value)) {
            return isPlain(value) ? Optional.of(value) : Optional.empty();
        }
        try {
            var base64 = value.substring(BEGIN.length(), value.length() - END.length());
            if (base64.length() % 4 != 0) {
                return Optional.empty(); // Java would do without the padding
            }
            var utf8 = Base64.getDecoder().decode(base64);
            var text = new String(utf8, StandardCharsets.UTF_8);
            boolean exact = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), utf8);
            return exact ? Optional.of(text) : Optional.empty();
        } catch (IllegalArgumentException notBase64) {
            return Optional.empty();
        }
    }
}
