package dev.heddle.core.session;

import org.jspecify.annotations.Nullable;

/**
 * Adds behaviour to a session by wrapping it. A decorator may hide, refuse, rename or combine what
 * the session offers, and reaches backends only through it. One that fails does not close the
 * session: the factory does.
 */
@FunctionalInterface
public interface SessionDecorator {
    /** The session with the behaviour added; null is a failure. */
    @Nullable MultiSession decorate(MultiSession session);
}
