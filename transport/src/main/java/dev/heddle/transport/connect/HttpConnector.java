package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.exchange.Interner;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Revision;
import dev.heddle.transport.connect.Discovery.Finding;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Optional;

/**
 * Opens conversations over HTTP: Streamable HTTP, or the older HTTP+SSE where that is what the
 * backend speaks.
 */
final class HttpConnector implements BackendConnector {
    /** How long a server is believed to be of the era of which it was. */
    private static final Duration BELIEVED = Duration.ofMinutes(10);

    private static final int MANY = 10_000;

    private final HttpPool pool;
    private final OutgoingAuthRegistry auth;
    private final Handshake handshake;
    private final Alarms alarms;
    private final StatelessOpener stateless;
    private final Eras<Endpoint> eras;
    private final Interner<Endpoint> endpoints = new Interner<>();
    private final BoundedMap<Endpoint, Long> older = new BoundedMap<>(MANY); // until when

    HttpConnector(
            HttpPool pool,
            OutgoingAuthRegistry auth,
            Handshake handshake,
            StatelessOpener stateless,
            Alarms alarms) {
        this.pool = pool;
        this.auth = auth;
        this.handshake = handshake;
        this.stateless = stateless;
        this.alarms = alarms;
        this.eras = new Eras<>(alarms, BELIEVED);
    }

    @Override
    public Connected connect(Backend backend, Opening opening) {
        if (!(backend.target() instanceof Target.Remote(var url, var wire, var caBundle))) {
            throw new IllegalArgumentException(
                    "backend '" + backend.id() + "' is not reached over HTTP");
        }
        var headers = new LinkedHashMap<>(backend.headers());
        headers.putAll(auth.headers(backend.auth(), opening.caller()));
        var endpoint = endpoints.intern(Endpoint.of(backend.id().value(), url, caBundle, headers));
        return switch (wire) {
            case STREAMABLE_HTTP -> streamable(backend, endpoint, opening);
            case SSE -> sse(backend, endpoint, opening);
            case EITHER -> either(backend, endpoint, opening);
        };
    }

    /** Tries the newer transport first (MCP 2025-11-25, Transports, Backwards Compatibility). */
    private Connected either(Backend backend, Endpoint endpoint, Opening opening) {
        if (isOlder(endpoint)) {
            try {
                return sse(backend, endpoint, opening);
            } catch (Fault.BackendFailed changed) {
                older.remove(endpoint);
            }
        }
        try {
            return streamable(backend, endpoint, opening);
        } catch (Fault.BackendFailed refused) {
            if (refused.reason() != Reason.UNREACHABLE && refused.reason() != Reason.GARBAGE) {
                throw refused;
            }
            try {
                var connected = sse(backend, endpoint, opening);
                older.put(endpoint, alarms.now() + BELIEVED.toNanos());
                return connected;
            } catch (Fault.BackendFailed neither) {
                throw refused;
            }
        }
    }

    /** Whether the server was one of the older transport just lately. */
    private boolean isOlder(Endpoint endpoint) {
        return older.get(endpoint).filter(until -> alarms.now() - until < 0).isPresent();
    }

    private Connected sse(Backend backend, Endpoint endpoint, Opening opening) {
        return SseWire.connect(pool, endpoint, backend, opening, handshake, alarms);
    }

    private Connected streamable(Backend backend, Endpoint endpoint, Opening opening) {
        pool.prepare(endpoint.backend(), endpoint.origin());
        var adopted = opening.adopted().filter(HttpConnector::fitsIntoHeaders);
        if (adopted.isPresent()) {
            var known = adopted.get();
            var talk =
                    new Endpoint.Talk(
                                    known.sessionId(),
                                    Optional.empty(),
                                    new Cookies(known.cookies()))
                            .in(known.revision());
            var session =
                    HttpBackendSession.takenOver(pool, endpoint, talk, alarms, opening.events());
            return new Connected(session, Introduction.unknown(known.revision()));
        }
        boolean remembered = eras.knows(endpoint);
        try {
            return ofItsEra(backend, endpoint, opening);
        } catch (Fault.BackendFailed refused) {
            if (!remembered || refused.reason() != Reason.GARBAGE) {
                throw refused;
            }
            eras.forget(endpoint); // it may have been replaced by one of the other era
            return ofItsEra(backend, endpoint, opening);
        }
    }

    private Connected ofItsEra(Backend backend, Endpoint endpoint, Opening opening) {
        var finding = eras.of(endpoint, () -> discover(backend, endpoint, opening));
        var introduction = Eras.stateless(finding);
        if (introduction.isPresent()) {
            return stateless.overHttp(
                    endpoint,
                    () -> posts(endpoint),
                    opening,
                    introduction.get(),
                    () -> eras.isAnother(endpoint, () -> discover(backend, endpoint, opening)));
        }
        var connected = withSession(backend, endpoint, opening);
        eras.hasSessions(endpoint, finding);
        return connected;
    }

    private Finding discover(Backend backend, Endpoint endpoint, Opening opening) {
        var wire = StatelessWire.over(posts(endpoint));
        try {
            return stateless.discover(wire, opening.profile(), Discovery.patience(backend));
        } finally {
            wire.close();
        }
    }

    /** Carries requests without a session. */
    private HttpBackendSession posts(Endpoint endpoint) {
        var talk = Endpoint.Talk.fresh().in(Revision.STATELESS);
        return new HttpBackendSession(pool, endpoint, talk, alarms, new Unheard());
    }

    private Connected withSession(Backend backend, Endpoint endpoint, Opening opening) {
        var session =
                new HttpBackendSession(
                        pool, endpoint, Endpoint.Talk.fresh(), alarms, opening.events());
        try {
            var introduction = handshake.introduce(backend, session, opening.profile());
            session.introduced(introduction.revision());
            session.confirm(backend.limits().open());
            return new Connected(session, introduction);
        } catch (Throwable e) {
            session.close();
            throw e;
        }
    }

    /** A record may have been written by others. */
    private static boolean fitsIntoHeaders(Adopted known) {
        return (known.sessionId() + known.cookies()).chars().noneMatch(Character::isISOControl);
    }
}
