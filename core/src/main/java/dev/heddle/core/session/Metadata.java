package dev.heddle.core.session;

import dev.heddle.core.backend.BackendConnector.Adopted;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.LogLevel;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.core.tasks.Tasks.Made;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Revision;

import org.jspecify.annotations.Nullable;

import java.time.Instant;
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

    /** Followed by a backend's id: how often a conversation with it has been opened. */
    public static final String BACKEND_OPENED = "heddle.backend.opened.";

    /** Followed by a backend's id: the digest of what it has offered to the session last. */
    public static final String BACKEND_CATALOG = "heddle.backend.catalog.";

    /** Followed by the URI of a resource whose updates the client wants: the backend's id. */
    public static final String SUBSCRIPTION = "heddle.subscription.";

    /** Followed by a number that grows with each: the name of a task that was made. */
    public static final String TASK = "heddle.task.";

    /**
     * Followed by the method that tells of a change of a list: the digest of the one shown last.
     */
    public static final String SHOWN = "heddle.shown.";

    /** The process that hears what backends say outside calls, for the client's stream. */
    public static final String LISTENER = "heddle.listener";

    /** From which level on the client wants log messages, if it has said so. */
    public static final String LOG_LEVEL = "heddle.log.level";

    /** How often the record has been changed. */
    public static final String VERSION = "heddle.version";

    /** When the session began: milliseconds since 1970. */
    public static final String CREATED = "heddle.created";

    /** When the session was used last, as far as that has been noted: milliseconds since 1970. */
    public static final String USED = "heddle.used";

    /** The process where what cannot move of the session is: its name and address. */
    public static final String HOME = "heddle.home";

    /** Until when somebody has claimed to end what is left: milliseconds since 1970. */
    public static final String CLAIMED = "heddle.claimed";

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

    /** A record that may have been left half made, as one that can be restored to be ended. */
    static Map<String, String> completed(Map<String, String> record) {
        var ids =
                record.keySet().stream()
                        .filter(field -> field.startsWith(BACKEND_SESSION))
                        .map(field -> field.substring(BACKEND_SESSION.length()))
                        .collect(Collectors.joining(","));
        var nobody = new ClientProfile(Revision.LATEST, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT);
        var whole = new LinkedHashMap<String, String>();
        whole.put(BINDING, IdentityBinding.UNAUTHENTICATED);
        whole.put(BACKEND_IDS, ids);
        whole.put(PROFILE, profile(nobody));
        whole.putAll(record);
        return whole;
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
     * What a record says of the conversation with one backend.
     *
     * @param opened how often one has been opened, by whichever process
     * @param adopted by which it can be taken over, if it can
     */
    record Noted(long opened, Optional<Adopted> adopted) {
        static final Noted NOTHING = new Noted(0, Optional.empty());
        static final Noted NEVER = new Noted(-1, Optional.empty());

        /** What is to be noted of a conversation that is open. */
        static Noted of(long opened, Connected connected) {
            if (opened == 0) {
                return NOTHING; // as nobody else could
            }
            var session = connected.session();
            var revision = connected.introduction().revision();
            return new Noted(
                    opened,
                    session.sessionId()
                            .map(name -> new Adopted(name, revision, session.cookies())));
        }

        /** Whether both are the same conversation. */
        boolean isSame(Noted other) {
            return adopted.map(Adopted::sessionId).equals(other.adopted.map(Adopted::sessionId));
        }
    }

    /**
     * The fields by which another process can take over a conversation; none if the backend gave it
     * no name.
     *
     * @param opened which one it is of those with this backend; 0 if nobody counts
     */
    static Map<String, String> backendSession(BackendId id, Connected connected, long opened) {
        var session = connected.session();
        var fields = new LinkedHashMap<String, String>();
        session.sessionId()
                .ifPresent(
                        name -> {
                            fields.put(BACKEND_SESSION + id, name);
                            fields.put(
                                    BACKEND_REVISION + id,
                                    connected.introduction().revision().text());
                            if (opened != 1 || !session.cookies().isEmpty()) { // none before it
                                fields.put(BACKEND_COOKIES + id, session.cookies());
                            }
                            if (opened > 0) {
                                fields.put(BACKEND_OPENED + id, Long.toString(opened));
                            }
                        });
        return fields;
    }

    /** The names of the fields by which a conversation with {@code id} can be taken over. */
    static Set<String> takenOver(BackendId id) {
        return Set.of(BACKEND_SESSION + id, BACKEND_REVISION + id, BACKEND_COOKIES + id);
    }

    /** The names of all fields about the conversation with {@code id}. */
    static Set<String> backendSessionFields(BackendId id) {
        return Set.of(
                BACKEND_SESSION + id,
                BACKEND_REVISION + id,
                BACKEND_COOKIES + id,
                BACKEND_OPENED + id,
                BACKEND_CATALOG + id);
    }

    /** What {@code record} says of the conversation with {@code id}. */
    static Noted noted(Map<String, String> record, BackendId id, Revision usual) {
        var adopted = adopted(record, id, usual);
        return new Noted(number(record.get(BACKEND_OPENED + id)), adopted);
    }

    /** How often {@code record} had been changed, as far as that is counted. */
    public static long version(Map<String, String> record) {
        return number(record.get(VERSION));
    }

    /** The log level that {@code record} names, if it does. */
    static Optional<LogLevel> level(Map<String, String> record) {
        return Optional.ofNullable(record.get(LOG_LEVEL)).flatMap(LogLevel::of);
    }

    /** When the session of {@code record} was used last, if that has been noted. */
    static Optional<Instant> used(Map<String, String> record) {
        long millis = number(record.get(USED));
        return millis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
    }

    /** When the session of {@code record} began, if that is said. */
    static Optional<Instant> created(Map<String, String> record) {
        long millis = number(record.get(CREATED));
        return millis == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
    }

    /** The subscriptions in {@code record}: the backend's id for each URI. */
    static Map<String, String> subscriptions(Map<String, String> record) {
        var subscriptions = new LinkedHashMap<String, String>();
        record.forEach(
                (field, backend) -> {
                    if (field.startsWith(SUBSCRIPTION)) {
                        subscriptions.put(field.substring(SUBSCRIPTION.length()), backend);
                    }
                });
        return subscriptions;
    }

    /** The tasks in {@code record}. */
    static List<Made> tasks(Map<String, String> record) {
        return record.entrySet().stream()
                .filter(field -> field.getKey().startsWith(TASK))
                .map(
                        field ->
                                new Made(
                                        number(field.getKey().substring(TASK.length())),
                                        field.getValue()))
                .filter(task -> task.number() > 0)
                .toList();
    }

    /** The name of the field in which {@code task} is noted. */
    static String field(Made task) {
        return TASK + task.number();
    }

    /** Others may write records too. */
    private static long number(@Nullable String text) {
        try {
            return text == null ? 0 : Long.parseLong(text);
        } catch (NumberFormatException foreign) {
            return 0;
        }
    }

    private static Optional<Adopted> adopted(
            Map<String, String> record, BackendId id, Revision usual) {
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
