package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.identity.Identity;

import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * Wraps every session that another factory makes or restores into the same decorators, in their
 * order.
 */
public final class DecoratingSessionFactory implements MultiSessionFactory {
    private final MultiSessionFactory base;
    private final List<SessionDecorator> decorators;

    private DecoratingSessionFactory(MultiSessionFactory base, List<SessionDecorator> decorators) {
        this.base = base;
        this.decorators = List.copyOf(decorators);
    }

    /** {@code base} with decorators, innermost first; {@code base} itself if there are none. */
    public static MultiSessionFactory over(
            MultiSessionFactory base, List<SessionDecorator> decorators) {
        return decorators.isEmpty() ? base : new DecoratingSessionFactory(base, decorators);
    }

    @Override
    public MultiSession makeSession(
            String id, Identity identity, ClientProfile profile, Collection<Backend> backends) {
        return decorate(base.makeSession(id, identity, profile, backends));
    }

    @Override
    public MultiSession restoreSession(
            String id, Map<String, String> metadata, Collection<Backend> backends) {
        return decorate(base.restoreSession(id, metadata, backends));
    }

    @Override
    public boolean endSession(
            String id, Map<String, String> metadata, Collection<Backend> backends) {
        return base.endSession(id, metadata, backends);
    }

    private MultiSession decorate(MultiSession made) {
        var session = made;
        try {
            for (var decorator : decorators) {
                var next = decorator.decorate(session);
                if (next == null) {
                    throw new IllegalStateException(
                            "a session decorator returned null (expected: a session)");
                }
                session = next;
            }
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }
}
