package dev.heddle.core.rounds;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;

/** Which questions may be put to a client (MCP 2025-11-25 and 2026-07-28, Capabilities). */
public final class Askable {
    private Askable() {}

    /**
     * Whether a client may be asked.
     *
     * @param able the capabilities that it has declared
     * @param method of the question
     * @param params of the question
     */
    public static boolean may(Json able, String method, Json params) {
        return switch (method) {
            case Method.SAMPLING -> able.get("sampling").isPresent();
            case Method.ROOTS_LIST -> able.get("roots").isPresent();
            case Method.ELICITATION ->
                    params.text("mode").filter("url"::equals).isPresent()
                            ? takesUrls(able)
                            : takesForms(able);
            default -> false;
        };
    }

    /** Without a word about modes there are forms only. */
    private static boolean takesForms(Json able) {
        return able.get("elicitation")
                .filter(modes -> modes.get("form").isPresent() || modes.get("url").isEmpty())
                .isPresent();
    }

    /** Whether a client with the capabilities {@code able} can be asked to open a URL. */
    public static boolean takesUrls(Json able) {
        return able.get("elicitation").flatMap(modes -> modes.get("url")).isPresent();
    }
}
