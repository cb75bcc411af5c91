package dev.heddle.core.backend;

import dev.heddle.core.identity.Identity;

import java.util.Map;
import java.util.Optional;

/** One way of authenticating to a backend. Thread-safe. */
public interface OutgoingAuthStrategy {
    /** The value of {@link OutgoingAuth#type} that selects it. */
    String type();

    /** What is wrong with {@code settings}, or empty. */
    Optional<String> problem(Map<String, String> settings);

    /** The HTTP headers that prove, to a backend, for whom the gateway acts. May block. */
    Map<String, String> headers(Identity caller, Map<String, String> settings);
}
