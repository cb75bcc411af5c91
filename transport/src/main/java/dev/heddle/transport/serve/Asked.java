package dev.heddle.transport.serve;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Revision;

import io.netty.handler.codec.http.HttpHeaders;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Optional;

/**
 * A request or notification of a client without sessions, and what is needed to answer it.
 *
 * @param headers those of the message, if it came over HTTP
 * @param away the way to other processes that may know of it
 * @param own the id of the session that the exchange has for itself, if it has one; known to a
 *     request that comes back too
 */
record Asked(
        Envelope message,
        Optional<HttpHeaders> headers,
        Identity caller,
        boolean takesEvents,
        Answer reply,
        Optional<Away> away,
        Optional<String> own) {
    private static final Logger log = LoggerFactory.getLogger(Asked.class);

    Asked(
            Envelope message,
            Optional<HttpHeaders> headers,
            Identity caller,
            boolean takesEvents,
            Answer reply) {
        this(message, headers, caller, takesEvents, reply, Optional.empty(), Optional.empty());
    }

    Asked with(Envelope other) {
        return new Asked(other, headers, caller, takesEvents, reply, away, own);
    }

    Asked in(Optional<String> session) {
        return new Asked(message, headers, caller, takesEvents, reply, away, session);
    }

    /**
     * What the client said of itself. It need not say who it is, but servers with sessions want to
     * know.
     *
     * @param nobody what they are told then
     */
    ClientProfile profile(Json nobody) {
        var meta = message.meta().orElse(Json.EMPTY_OBJECT);
        return new ClientProfile(
                Revision.STATELESS,
                meta.get(MetaKey.CLIENT_CAPABILITIES).orElse(Json.EMPTY_OBJECT),
                meta.get(MetaKey.CLIENT_INFO)
                        .filter(info -> info.text("name").isPresent())
                        .filter(info -> info.text("version").isPresent())
                        .orElse(nobody));
    }

    /** The name of the task that it is about. */
    Optional<String> task() {
        return StatelessRules.task(message);
    }

    /** Runs {@code step} on a thread that may block; as {@link #guarded}. */
    void blocking(Runnable step) {
        Thread.ofVirtual().name("heddle-front").start(() -> guarded(step));
    }

    /** Runs {@code step}; what it throws is the answer. */
    void guarded(Runnable step) {
        var id = message.id();
        try {
            step.run();
        } catch (Fault fault) {
            StatelessForms.refuse(reply, id, fault);
        } catch (MalformedJson e) {
            StatelessForms.refuse(reply, id, new Fault.InvalidParams(e.getMessage()));
        } catch (RuntimeException bug) {
            log.error("request could not be handled", bug);
            reply.error(500, JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, "Internal error"));
        }
    }
}
