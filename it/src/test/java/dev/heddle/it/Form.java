package dev.heddle.it;

import java.util.Locale;

/**
 * How much of a proof is run: the short form by default, the long one with {@code -Dproof=long},
 * whose results are in {@code docs/reliability.md}.
 */
enum Form {
    SHORT,
    LONG;

    private static final Form now =
            valueOf(System.getProperty("proof", "short").toUpperCase(Locale.ROOT));

    /** One of two, by the form that is run. */
    static <T> T either(T inShort, T inLong) {
        return now == LONG ? inLong : inShort;
    }
}
