package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Interner;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

/** The first words of a conversation (MCP 2025-11-25, Lifecycle). Thread-safe. */
final class Handshake {
    /** What the very first servers call what came to be 2024-11-05. */
    private static final String FIRST = "2024-10-07";

    private final Ids ids;
    private final Interner<Introduction> introductions = new Interner<>();

    Handshake(Ids ids) {
        this.ids = ids;
    }

    /**
     * Says who the client is and hears who the backend is. Blocks, at most for the backend's
     * opening time.
     *
     * @throws Fault.BackendFailed if the backend does not answer, or speaks no revision that the
     *     gateway knows
     */
    Introduction introduce(Backend backend, BackendSession session, ClientProfile profile) {
        var name = backend.id().value();
        long id = ids.next();
        var params =
                Json.object(
                        members ->
                                members.put("protocolVersion", profile.sessionRevision().text())
                                        .put("capabilities", capabilities(profile))
                                        .put("clientInfo", profile.clientInfo()));
        var call = new BlockingCall();
        session.send(id, Spliced.of(JsonRpc.request(Json.of(id), Method.INITIALIZE, params)), call);
        var patience = backend.limits().open();
        try {
            return introduction(
                    name,
                    call.await(patience)
                            .orElseThrow(
                                    () ->
                                            Fault.BackendFailed.notSent(
                                                    name,
                                                    Reason.TIMEOUT,
                                                    "did not answer initialize within "
                                                            + patience.toMillis()
                                                            + " ms")));
        } catch (Fault.BackendFailed failed) {
            throw failed.beforeSending(); // nobody's request was in it
        } catch (MalformedJson e) {
            throw Fault.BackendFailed.notSent(
                    name, Reason.GARBAGE, "introduced itself with " + e.getMessage());
        } catch (Fault.ErrorReply refused) {
            throw Fault.BackendFailed.notSent(
                    name, Reason.GARBAGE, "refused initialize: " + refused.getMessage());
        }
    }

    /** A client without a session never says that its roots have changed. */
    private static Json capabilities(ClientProfile profile) {
        var declared = profile.capabilities();
        return profile.revision().hasSessions()
                ? declared
                : declared.get("roots")
                        .filter(Json::isObject)
                        .map(roots -> declared.with("roots", roots.without("listChanged")))
                        .orElse(declared);
    }

    private Introduction introduction(String backend, Json result) {
        var version = result.text("protocolVersion").orElse("");
        var revision =
                Revision.withSessions(version.equals(FIRST) ? Revision.V2024_11_05.text() : version)
                        .orElseThrow(
                                () ->
                                        Fault.BackendFailed.notSent(
                                                backend,
                                                Reason.GARBAGE,
                                                "speaks MCP '"
                                                        + version
                                                        + "' (expected: "
                                                        + Revision.V2024_11_05.text()
                                                        + " to "
                                                        + Revision.LATEST.text()
                                                        + ")"));
        return introductions.intern(
                new Introduction(
                        revision,
                        result.get("capabilities").orElse(Json.EMPTY_OBJECT).detached(),
                        result.get("serverInfo").orElse(Json.EMPTY_OBJECT).detached(),
                        result.text("instructions")));
    }

    /** Says that the conversation has begun. */
    static void confirm(BackendSession session) {
        session.notify(Spliced.of(JsonRpc.notification(Method.INITIALIZED)));
    }
}
