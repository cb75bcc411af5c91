package dev.heddle.core.rounds;

import dev.heddle.core.sealing.Vault;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/**
 * Seals what a client is to bring back with its next request (MCP 2026-07-28, Multi round-trip
 * requests, requestState): nobody else can read it, change it, use it for something else, or use it
 * for ever. Thread-safe.
 */
public final class RequestStates {
    private static final int LONGEST = 256 * 1024;
    private static final char BETWEEN = ' ';

    private final Vault vault;
    private final InstantSource clock;

    /**
     * @param vault what it seals can be opened wherever there is the same
     */
    public RequestStates(Vault vault, InstantSource clock) {
        this.vault = vault;
        this.clock = clock;
    }

    /**
     * Seals {@code content} for one use of it.
     *
     * @param binding what has to be the same when it is opened
     * @param life how long it can be opened
     */
    public String seal(String content, String binding, Duration life) {
        long until = clock.instant().plus(life).toEpochMilli();
        return vault.seal(until + (BETWEEN + content), binding);
    }

    /** What was sealed for {@code binding}; empty if it was not, or not here, or has expired. */
    public Optional<String> open(String sealed, String binding) {
        if (sealed.length() > LONGEST) {
            return Optional.empty();
        }
        return vault.open(sealed, binding).filter(this::isInTime).map(RequestStates::content);
    }

    private boolean isInTime(String opened) {
        long until = Long.parseLong(opened.substring(0, opened.indexOf(BETWEEN)));
        return clock.instant().isBefore(Instant.ofEpochMilli(until));
    }

    private static String content(String opened) {
        return opened.substring(opened.indexOf(BETWEEN) + 1);
    }
}
