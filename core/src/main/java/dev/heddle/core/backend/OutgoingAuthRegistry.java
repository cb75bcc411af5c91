package dev.heddle.core.backend;

import dev.heddle.core.identity.Identity;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The strategies by which the gateway can authenticate to backends. Immutable. */
public final class OutgoingAuthRegistry {
    /** Adds nothing. */
    private static final OutgoingAuthStrategy UNAUTHENTICATED =
            new OutgoingAuthStrategy() {
                @Override
                public String type() {
                    return OutgoingAuth.UNAUTHENTICATED.type();
                }

                @Override
                public Optional<String> problem(Map<String, String> settings) {
                    return Optional.empty();
                }

                @Override
                public Map<String, String> headers(Identity caller, Map<String, String> settings) {
                    return Map.of();
                }
            };

    private final Map<String, OutgoingAuthStrategy> strategies = new LinkedHashMap<>();

    /** The given strategies, {@code unauthenticated} and {@code header_injection}. */
    public OutgoingAuthRegistry(List<OutgoingAuthStrategy> more) {
        strategies.put(UNAUTHENTICATED.type(), UNAUTHENTICATED);
        var headerInjection = new HeaderInjection();
        strategies.put(headerInjection.type(), headerInjection);
        more.forEach(strategy -> strategies.put(strategy.type(), strategy));
    }

    /** What is wrong with a header that is to be sent to a backend, or empty. */
    public static Optional<String> headerProblem(String name, String value) {
        return HeaderInjection.problem(name, value);
    }

    /** What is wrong with {@code auth}, or empty. */
    public Optional<String> problem(OutgoingAuth auth) {
        var strategy = strategies.get(auth.type());
        return strategy == null
                ? Optional.of(
                        "found '"
                                + auth.type()
                                + "' (expected: one of "
                                + strategies.keySet()
                                + ")")
                : strategy.problem(auth.settings());
    }

    /**
     * The headers by which {@code auth} authenticates the gateway, acting for {@code caller}. May
     * block.
     */
    public Map<String, String> headers(OutgoingAuth auth, Identity caller) {
        var strategy = strategies.get(auth.type());
        if (strategy == null) {
            throw new IllegalArgumentException(
                    "outgoing auth: '"
                            + auth.type()
                            + "' (expected: one of "
                            + strategies.keySet()
                            + ")");
        }
        return strategy.headers(caller, auth.settings());
    }
}
