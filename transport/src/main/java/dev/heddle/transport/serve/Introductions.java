package dev.heddle.transport.serve;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SessionManager;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;

/**
 * Answers {@code initialize}: where a session begins (MCP 2025-11-25, Lifecycle). Blocks;
 * thread-safe.
 */
final class Introductions {
    /** What the gateway calls itself. */
    record Self(String name, String version) {}

    /** A session that has begun, and the result that says so. */
    record Begun(MultiSession session, Json result) {}

    private final SessionManager sessions;
    private final Self self;

    Introductions(SessionManager sessions, Self self) {
        this.sessions = sessions;
        this.self = self;
    }

    /**
     * @throws Fault if there is no session
     */
    Begun begin(Envelope initialize, Identity caller, String remote) {
        var profile = profile(initialize);
        var session = sessions.begin(caller, profile, remote);
        return new Begun(session, result(profile.revision(), session));
    }

    private static ClientProfile profile(Envelope initialize) {
        var params = initialize.params().orElse(Json.EMPTY_OBJECT);
        var asked =
                params.text("protocolVersion")
                        .orElseThrow(
                                () ->
                                        new Fault.InvalidParams(
                                                "params.protocolVersion: found nothing usable"
                                                        + " (expected: a date such as "
                                                        + Revision.LATEST.text()
                                                        + ")"));
        var revision = Revision.withSessions(asked).orElse(Revision.LATEST);
        return new ClientProfile(
                revision, object(params, "capabilities"), object(params, "clientInfo"));
    }

    private static Json object(Json params, String member) {
        var value = params.get(member).orElse(Json.EMPTY_OBJECT);
        if (!value.isObject()) {
            throw new Fault.InvalidParams(
                    "params." + member + ": found " + value + " (expected: an object)");
        }
        return value;
    }

    private Json result(Revision revision, MultiSession session) {
        return Json.object(
                result ->
                        result.put("protocolVersion", revision.text())
                                .put("capabilities", session.capabilities())
                                .put(
                                        "serverInfo",
                                        Json.object(
                                                info ->
                                                        info.put("name", self.name())
                                                                .put("version", self.version())))
                                .put("instructions", session.instructions().map(Json::of)));
    }
}
