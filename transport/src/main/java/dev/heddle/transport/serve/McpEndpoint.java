package dev.heddle.transport.serve;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.events.EventStream;
import dev.heddle.core.events.Resumable;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SessionManager;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.util.AsciiString;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The MCP endpoint: where a client's request comes in and finds its session (MCP 2025-11-25,
 * Streamable HTTP).
 *
 * <p>A request for a session of this process stays on its event loop. Whatever blocks (beginning,
 * restoring and ending sessions) is handed to a virtual thread, here and nowhere else. Thread-safe.
 */
final class McpEndpoint {
    static final AsciiString SESSION_HEADER = AsciiString.cached("Mcp-Session-Id");
    private static final AsciiString VERSION_HEADER = AsciiString.cached("MCP-Protocol-Version");
    private static final AsciiString LAST_EVENT_HEADER = AsciiString.cached("Last-Event-ID");
    private static final String EVENTS = "text/event-stream";
    private static final String JSON = "application/json";

    private static final Logger log = LoggerFactory.getLogger(McpEndpoint.class);

    private final SessionManager sessions;
    private final IncomingIdentity identities;
    private final Introductions introductions;
    private final StatelessEndpoint stateless;
    private final Optional<Forwarder> forwarder;
    private final AtomicInteger openStreams = new AtomicInteger();

    McpEndpoint(
            SessionManager sessions,
            Stateless stateless,
            IncomingIdentity identities,
            Introductions.Self self,
            Optional<Peers> peers) {
        peers.ifPresent(way -> way.serve((head, body, reply) -> post(head, body, reply, false)));
        this.forwarder = peers.map(Peers::forwarder);
        this.sessions = sessions;
        this.stateless = new StatelessEndpoint(stateless, self, peers.map(Peers::self).orElse(""));
        this.identities = identities;
        this.introductions = new Introductions(sessions, self);
    }

    /** How many GET streams are open. */
    int openStreams() {
        return openStreams.get();
    }

    void handle(HttpRequest head, byte[] body, HttpReply reply) {
        switch (head.method().name()) {
            case "POST" -> post(head, body, reply, true);
            case "GET" -> {
                if (speaksKnownRevision(head, reply) && hasSessions(head, reply)) {
                    get(head, reply);
                }
            }
            case "DELETE" -> {
                if (speaksKnownRevision(head, reply) && hasSessions(head, reply)) {
                    delete(head, reply);
                }
            }
            default -> {
                reply.header(HttpHeaderNames.ALLOW, "POST, GET, DELETE, OPTIONS");
                refuse(reply, 405, "found " + head.method() + " (expected: POST, GET or DELETE)");
            }
        }
    }

    /** Refuses a request that names a revision which nobody knows. */
    private static boolean speaksKnownRevision(HttpRequest head, HttpReply reply) {
        var version = head.headers().get(VERSION_HEADER);
        if (version == null || Revision.of(version).isPresent()) {
            return true;
        }
        refuse(
                reply,
                400,
                "found "
                        + VERSION_HEADER
                        + " '"
                        + version
                        + "' (expected: one of "
                        + revisions()
                        + ")");
        return false;
    }

    /** Refuses what only clients with sessions do. */
    private static boolean hasSessions(HttpRequest head, HttpReply reply) {
        if (!isStateless(head)) {
            return true;
        }
        reply.header(HttpHeaderNames.ALLOW, "POST, OPTIONS");
        refuse(reply, 405, "found " + head.method() + " (expected: POST)");
        return false;
    }

    private static boolean isStateless(HttpRequest head) {
        var version = head.headers().get(VERSION_HEADER);
        return version != null
                && Revision.of(version).filter(known -> !known.hasSessions()).isPresent();
    }

    private static String revisions() {
        return Arrays.stream(Revision.values())
                .map(Revision::text)
                .collect(Collectors.joining(", "));
    }

    /**
     * @param mayForward whether it may be handed to another process
     */
    private void post(HttpRequest head, byte[] body, HttpReply reply, boolean mayForward) {
        var type = head.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
        if (!isJson(type)) {
            refuse(reply, 415, "found Content-Type '" + type + "' (expected: " + JSON + ")");
            return;
        }
        if (!accepts(head, JSON)) {
            refuse(
                    reply,
                    406,
                    "found an Accept header without "
                            + JSON
                            + " (expected: "
                            + JSON
                            + ", "
                            + EVENTS
                            + ")");
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
                && isStateless(head)
                && head.headers().get(SESSION_HEADER) == null) {
            reply.empty(202); // there is none that means anything over HTTP
        } else if (claims || (message.isRequest() && isStateless(head))) {
            stateless.handle(
                    new StatelessEndpoint.Asked(
                            message,
                            Optional.of(head.headers()),
                            caller,
                            accepts(head, EVENTS),
                            reply,
                            away,
                            Optional.empty()));
        } else if (speaksKnownRevision(head, reply)) {
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
                                        () -> blocking(id, reply, here)));
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
        return new SessionPost(session, caller, accepts(head, EVENTS), reply, away, again);
    }

    private static boolean isJson(String contentType) {
        int end = contentType.indexOf(';');
        var type = end < 0 ? contentType : contentType.substring(0, end);
        return type.equals(JSON) || type.strip().equalsIgnoreCase(JSON);
    }

    private void initialize(Envelope message, Identity caller, HttpReply reply) {
        blocking(
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
            reply.error(
                    400, JsonRpc.error(id, ErrorCode.INVALID_REQUEST, "Invalid Request: " + why));
            return;
        }
        var live = sessions.live(name);
        if (live.isPresent()) {
            guarded(id, reply, () -> use.accept(live.get()));
        } else {
            blocking(id, reply, () -> use.accept(sessions.getMultiSession(name)));
        }
    }

    private static void blocking(Json id, HttpReply reply, Runnable task) {
        Thread.ofVirtual().name("heddle-front").start(() -> guarded(id, reply, task));
    }

    private static void guarded(Json id, HttpReply reply, Runnable task) {
        try {
            task.run();
        } catch (Fault fault) {
            reply.fault(id, fault);
        } catch (MalformedJson e) {
            reply.fault(id, new Fault.InvalidParams(e.getMessage()));
        } catch (RuntimeException bug) {
            log.error("request could not be handled", bug);
            reply.error(500, JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, "Internal error"));
        }
    }

    private void get(HttpRequest head, HttpReply reply) {
        if (!accepts(head, EVENTS)) {
            refuse(
                    reply,
                    406,
                    "found an Accept header without " + EVENTS + " (expected: " + EVENTS + ")");
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
                        listen(session, caller, reply);
                    } else {
                        resume(session, caller, last, reply);
                    }
                });
    }

    private void listen(MultiSession session, Identity caller, HttpReply reply) {
        var stream = session.events(caller).openStanding();
        try {
            attach(session, caller, stream, reply);
        } catch (Fault refused) {
            stream.end();
            throw refused;
        }
        reply.begin();
        var taker = new ReplyTaker(reply, session.profile().revision().hasPriming());
        stream.begin(taker);
        reply.whenOver(() -> stream.lost(taker));
    }

    /** Uses {@code stream} for what belongs to no call. */
    private void attach(
            MultiSession session, Identity caller, EventStream stream, HttpReply reply) {
        var attachment = session.attach(caller, new GetStream(stream));
        openStreams.incrementAndGet();
        reply.whenOver(
                () -> {
                    openStreams.decrementAndGet();
                    attachment.detach();
                });
    }

    /** Goes on with a stream whose connection the client has lost or left. */
    private void resume(MultiSession session, Identity caller, String last, HttpReply reply) {
        var events = session.events(caller);
        if (events.mayBeElsewhere(last)) {
            blocking(
                    Json.NULL,
                    reply,
                    () -> resume(session, caller, last, events.fetch(last), reply));
        } else {
            resume(session, caller, last, events.find(last), reply);
        }
    }

    private void resume(
            MultiSession session,
            Identity caller,
            String last,
            Optional<? extends Resumable> known,
            HttpReply reply) {
        var stream = known.filter(one -> one.canResume(last));
        boolean standing = EventLog.isOfStanding(last);
        if (stream.isEmpty() && standing) {
            listen(session, caller, reply); // what it missed is forgotten, what comes is not
        } else if (stream.isEmpty()) {
            refuse(
                    reply,
                    400,
                    "found Last-Event-ID '"
                            + last
                            + "' (expected: the id of an event whose successors are known still)");
        } else if (stream.get().isOverAt(last)) {
            reply.empty(204); // by which a client of events knows that it need not come again
        } else {
            if (standing && stream.get() instanceof EventStream own) {
                attach(session, caller, own, reply);
            }
            goOn(stream.get(), last, reply);
        }
    }

    private static void goOn(Resumable stream, String last, HttpReply reply) {
        reply.begin();
        var taker = new ReplyTaker(reply, false);
        stream.resume(last, taker);
        reply.whenOver(() -> stream.lost(taker));
    }

    private void delete(HttpRequest head, HttpReply reply) {
        var name = head.headers().get(SESSION_HEADER);
        if (name == null) {
            refuse(
                    reply,
                    400,
                    "found no "
                            + SESSION_HEADER
                            + " header (expected: the id of the session to end)");
            return;
        }
        var caller = identities.of(head.headers());
        blocking(
                Json.NULL,
                reply,
                () -> {
                    sessions.terminate(name, caller);
                    reply.empty(200);
                });
    }

    private static boolean accepts(HttpRequest head, String type) {
        var first = head.headers().get(HttpHeaderNames.ACCEPT);
        if (first == null || first.contains(type)) {
            return true;
        }
        var accept = head.headers().getAll(HttpHeaderNames.ACCEPT);
        var ranges = String.join(",", accept).toLowerCase(Locale.ROOT);
        var family = type.substring(0, type.indexOf('/')) + "/*";
        return ranges.contains(type) || ranges.contains("*/*") || ranges.contains(family);
    }

    private static void refuse(HttpReply reply, int status, String why) {
        reply.error(
                status,
                JsonRpc.error(Json.NULL, ErrorCode.INVALID_REQUEST, "Invalid Request: " + why));
    }
}
