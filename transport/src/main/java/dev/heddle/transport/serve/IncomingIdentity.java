package dev.heddle.transport.serve;

import dev.heddle.core.identity.Identity;

import io.netty.handler.codec.http.HttpHeaders;

/** Says who makes a request. Never blocks; thread-safe. */
@FunctionalInterface
public interface IncomingIdentity {
    Identity of(HttpHeaders headers);

    /** Whoever calls is the same one, and no header is read. */
    static IncomingIdentity always(Identity identity) {
        return _ -> identity;
    }
}
