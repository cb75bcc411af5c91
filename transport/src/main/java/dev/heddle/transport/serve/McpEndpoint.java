package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SessionManager;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.AsciiString;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * The MCP endpoint: where a client's request comes in and finds its session (MCP 2025-11-25,
 * Streamable HTTP).
 *
 * <p>A request for a session of this process stays on its event loop. Whatever blocks (beginning,
 * restoring and ending sessions) is handed to a virtual thread, here and nowhere else. Thread-safe.
 */
final class McpEndpoint {
    static final AsciiString SESSION_HEADER = AsciiString.cached("Mcp-Session-Id");
    private static final AsciiString LAST_EVENT_HEADER = AsciiString.cached("Last-Event-ID");

    private final SessionManager sessions;
    private final IncomingIdentity identities;
    private final Introductions introductions;
    private final StatelessEndpoint stateless;
    private final Optional<Forwarder> forwarder;
    private final StreamRequests streams = new StreamRequests();

    McpEndpoint(
            SessionManager sessions,
            Stateless stateless,
            IncomingIdentity identities,
            Introductions.Self self,
            Optional<Peers> peers) {
        this.forwarder = peers.map(Peers::forwarder);
        this.sessions = sessions;
        this.stateless = new StatelessEndpoint(stateless, self, peers.map(Peers::self).orElse(""));
        this.identities = identities;
        this.introductions = new Introductions(sessions, self);
    }

    /** How many GET streams are open. */
    int openStreams() {
        return streams.open();
    }

    void handle(HttpRequest head, byte[] body, HttpReply reply) {
        switch (head.method().name()) {
            case "POST" -> post(head, body, reply, true);
            case "GET" -> {
                if (RequestRules.isInSession(head, reply)) {
                    get(head, reply);
                }
            }
            case "DELETE" -> {
                if (RequestRules.isInSession(head, reply)) {
                    delete(head, reply);
                }
            }
            default -> {
                reply.header(HttpHeaderNames.ALLOW, "POST, GET, DELETE, OPTIONS");
                reply.invalid(405, "found " + head.method() + " (expected: POST, GET or DELETE)");
            }
        }
    }

    /** Carries out what another process has handed to this one. */
    void handleHere(HttpRequest head, byte[] body, HttpReply reply) {
        post(head, body, reply, false);
    }

    /**
     * @param mayForward whether it may be handed to another process
     */
    private void post(HttpRequest head, byte[] body, HttpReply reply, boolean mayForward) {
        if (!RequestRules.isMessage(head, reply)) {
            return;
        }
        var away = mayForward ? away(head, body, reply) : Optional.<Away>empty();
        if (Batch.is(body)) {
            batch(head, body, away, reply);
            return;
        }
        Envelope message;
        try {
            message = Envelope.parse(body);
        } catch (Malformed e) {
            malformed(reply, e);
            return;
        }
        var caller = identities.of(head.headers());
        boolean claims = message.protocolVersion().isPresent();
        if (message.isNotification()
                && RequestRules.isStateless(head)
                && head.headers().get(SESSION_HEADER) == null) {
            reply.empty(202); // there is none that means anything over HTTP
        } else if (claims || (message.isRequest() && RequestRules.isStateless(head))) {
            stateless.handle(
                    new Asked(
                            message,
                            Optional.of(head.headers()),
                            caller,
                            RequestRules.acceptsEvents(head),
                            reply,
                            away,
                            Optional.empty()));
        } else if (RequestRules.speaksKnownRevision(head, reply)) {
            inEra(message, caller, head, away, reply);
        }
    }

    private void batch(HttpRequest head, byte[] body, Optional<Away> away, HttpReply reply) {
        var caller = identities.of(head.headers());
        if (head.headers().get(SESSION_HEADER) == null) {
            malformed(reply, Batch.refused("without a session"));
            return;
        }
        inSession(
                head,
                Json.NULL,
                reply,
                session -> {
                    session.authorize(caller);
                    try {
                        post(session, caller, head, reply, away, Optional.empty())
                                .carry(Batch.of(body, session.profile().revision()));
                    } catch (Malformed e) {
                        malformed(reply, e);
                    }
                });
    }

    private static void malformed(HttpReply reply, Malformed e) {
        reply.error(400, JsonRpc.error(e.id(), e.code(), e.getMessage()));
    }

    private Optional<Away> away(HttpRequest head, byte[] body, HttpReply reply) {
        return forwarder.map(
                way ->
                        (home, id, here) ->
                                way.forward(
                                        home,
                                        head,
                                        body,
                                        id,
                                        reply,
                                        () -> Guarded.blocking(id, reply, here)));
    }

    /** Carries what a client with sessions sends. */
    private void inEra(
            Envelope message,
            Identity caller,
            HttpRequest head,
            Optional<Away> away,
            HttpReply reply) {
        if (message.isRequest() && message.method().equals(Method.INITIALIZE)) {
            var named = Optional.ofNullable(head.headers().get(SESSION_HEADER));
            if (named.flatMap(sessions::live).isPresent()) {
                var why = "found initialize in a session (expected: no " + SESSION_HEADER + ")";
                reply.fault(message.id(), new Fault.InvalidRequest(why));
                return;
            }
            initialize(message, caller, reply);
        } else {
            carry(message, caller, head, away, reply, true);
        }
    }

    /** A session that is not used any more may be let go in the moment in which it is again. */
    private void carry(
            Envelope message,
            Identity caller,
            HttpRequest head,
            Optional<Away> away,
            HttpReply reply,
            boolean first) {
        Runnable again = () -> carry(message, caller, head, away, reply, false);
        inSession(
                head,
                message.id(),
                reply,
                session ->
                        post(
                                        session,
                                        caller,
                                        head,
                                        reply,
                                        away,
                                        first ? Optional.of(again) : Optional.empty())
                                .carry(message));
    }

    private static SessionPost post(
            MultiSession session,
            Identity caller,
            HttpRequest head,
            HttpReply reply,
            Optional<Away> away,
            Optional<Runnable> again) {
        return new SessionPost(
                session, caller, RequestRules.acceptsEvents(head), reply, away, again);
    }

    private void initialize(Envelope message, Identity caller, HttpReply reply) {
        Guarded.blocking(
                message.id(),
                reply,
                () -> {
                    var begun = introductions.begin(message, caller, reply.remote());
                    var response = Spliced.of(JsonRpc.result(message.id(), begun.result()));
                    reply.first(SESSION_HEADER.toString(), begun.session().id(), response);
                });
    }

    /**
     * Finds the session that the request names: at once if this process holds it, else on a virtual
     * thread.
     */
    private void inSession(HttpRequest head, Json id, HttpReply reply, Consumer<MultiSession> use) {
        var name = head.headers().get(SESSION_HEADER);
        if (name == null) {
            var why =
                    "found no "
                            + SESSION_HEADER
                            + " header (expected: the id that initialize was answered with)";
            reply.invalid(400, id, why);
            return;
        }
        var live = sessions.live(name);
        if (live.isPresent()) {
            Guarded.run(id, reply, () -> use.accept(live.get()));
        } else {
            Guarded.blocking(id, reply, () -> use.accept(sessions.getMultiSession(name)));
        }
    }

    private void get(HttpRequest head, HttpReply reply) {
        if (!RequestRules.mayListen(head, reply)) {
            return;
        }
        var caller = identities.of(head.headers());
        var last = head.headers().get(LAST_EVENT_HEADER);
        inSession(
                head,
                Json.NULL,
                reply,
                session -> {
                    if (last == null || last.isEmpty()) {
                        streams.listen(session, caller, reply);
                    } else {
                        streams.resume(session, caller, last, reply);
                    }
                });
    }

    private void delete(HttpRequest head, HttpReply reply) {
        var name = head.headers().get(SESSION_HEADER);
        if (name == null) {
            reply.invalid(
                    400,
                    "found no "
                            + SESSION_HEADER
                            + " header (expected: the id of the session to end)");
            return;
        }
        var caller = identities.of(head.headers());
        Guarded.blocking(
                Json.NULL,
                reply,
                () -> {
                    sessions.terminate(name, caller);
                    reply.empty(200);
                });
    }
}
