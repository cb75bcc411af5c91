package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Adopted;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Revision;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The keys of a session record, and the forms of their values. */
public final class Metadata {
    /**
     * The session's backends, sorted and separated by commas. Always there in a full session, even
     * if empty.
     */
    public static final String BACKEND_IDS = "vmcp.backend.ids";

    /** Followed by a backend's id: what that backend calls its conversation. */
    public static final String BACKEND_SESSION = "vmcp.backend.session.";

    /** Followed by a backend's id: the revision that is spoken in that conversation. */
    public static final String BACKEND_REVISION = "heddle.backend.revision.";

    /** Followed by a backend's id: the cookies that belong to that conversation; may be empty. */
    public static final String BACKEND_COOKIES = "heddle.backend.cookies.";

    /**
     * The text of the session's {@link dev.heddle.core.identity.IdentityBinding}. A placeholder has
     * none.
     */
    public static final String BINDING = "vmcp.identity.binding";

    /** {@code true} once the session has been terminated. */
    public static final String TERMINATED = "terminated";

    /** What the client said of itself, as JSON. */
    public static final String PROFILE = "heddle.client.profile";

    /** The owner of a session of old; a record that has it and no binding is void. */
    static final String LEGACY_TOKEN_HASH = "vmcp.token.hash";

    static final String LEGACY_TOKEN_SALT = "vmcp.token.salt";

    private Metadata() {}

    public static boolean isTerminated(Map<String, String> record) {
        return "true".equals(record.get(TERMINATED));
    }

    /** Whether the record is of a full session, not of a placeholder. */
    public static boolean isFull(Map<String, String> record) {
        return record.containsKey(BINDING);
    }

    static String backendIds(Collection<BackendId> ids) {
        return ids.stream().map(BackendId::value).sorted().collect(Collectors.joining(","));
    }

    /**
     * @throws Fault.SessionNotFound if {@code text} names what cannot be a backend
     */
    static List<BackendId> backendIds(String text) {
        try {
            return Stream.of(text.split(","))
                    .filter(id -> !id.isEmpty())
                    .map(BackendId::new)
                    .toList();
        } catch (IllegalArgumentException notAnId) {
            throw new Fault.SessionNotFound();
        }
    }

    /**
     * The fields by which another process can take over a conversation; none if the backend gave it
     * no name.
     */
    static Map<String, String> backendSession(BackendId id, Connected connected) {
        var session = connected.session();
        var fields = new LinkedHashMap<String, String>();
        session.sessionId()
                .ifPresent(
                        name -> {
                            fields.put(BACKEND_SESSION + id, name);
                            fields.put(
                                    BACKEND_REVISION + id,
                                    connected.introduction().revision().text());
                            fields.put(BACKEND_COOKIES + id, session.cookies());
                        });
        return fields;
    }

    /** The names of all fields that {@link #backendSession} may write for {@code id}. */
    static Set<String> backendSessionFields(BackendId id) {
        return Set.of(BACKEND_SESSION + id, BACKEND_REVISION + id, BACKEND_COOKIES + id);
    }

    /** The conversation with {@code id} that {@code record} names, if it does. */
    static Optional<Adopted> adopted(Map<String, String> record, BackendId id, Revision usual) {
        var revision =
                Optional.ofNullable(record.get(BACKEND_REVISION + id))
                        .flatMap(Revision::of)
                        .orElse(usual);
        return Optional.ofNullable(record.get(BACKEND_SESSION + id))
                .map(
                        name ->
                                new Adopted(
                                        name,
                                        revision,
                                        record.getOrDefault(BACKEND_COOKIES + id, "")));
    }

    static String profile(ClientProfile profile) {
        return Json.object(
                        members ->
                                members.put("revision", profile.revision().text())
                                        .put("capabilities", profile.capabilities())
                                        .put("clientInfo", profile.clientInfo()))
                .toString();
    }

    /** The profile that {@code text} holds, or empty if it is not one. */
    static Optional<ClientProfile> profile(String text) {
        try {
            var json = Json.parse(text);
            return json.text("revision")
                    .flatMap(Revision::of)
                    .map(
                            revision ->
                                    new ClientProfile(
                                            revision,
                                            json.get("capabilities").orElse(Json.EMPTY_OBJECT),
                                            json.get("clientInfo").orElse(Json.EMPTY_OBJECT)));
        } catch (MalformedJson e) {
            return Optional.empty();
        }
    }
}
