package dev.heddle.core.rounds;

import java.util.Optional;

/**
 * Names the next round of an exchange that waits for its client.
 *
 * @param exchange unguessable
 * @param round counted from 1
 */
public record Ticket(String exchange, int round) {
    /** The form in which it travels, sealed. */
    public String text() {
        return exchange + ' ' + round;
    }

    /** The ticket that {@code text} holds, or empty if it is none. */
    public static Optional<Ticket> of(String text) {
        int space = text.indexOf(' ');
        try {
            return space < 0
                    ? Optional.empty()
                    : Optional.of(
                            new Ticket(
                                    text.substring(0, space),
                                    Integer.parseInt(text.substring(space + 1))));
        } catch (NumberFormatException noTicket) {
            return Optional.empty();
        }
    }
}
