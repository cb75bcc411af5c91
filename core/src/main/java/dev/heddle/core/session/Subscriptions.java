package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Method;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;

/**
 * The resources of which a session's client wants to hear, and the conversation in which it has
 * said so of each. Thread-safe.
 */
final class Subscriptions {
    /** How many one session may have. */
    static final int MOST = 1000;

    private final SessionRecord record;
    private final Elsewhere elsewhere;
    private final Executor virtual;
    private final SparseMap<String, Conversation> wanted = new SparseMap<>();

    /**
     * @param virtual runs blocking code
     */
    Subscriptions(SessionRecord record, Elsewhere elsewhere, Executor virtual) {
        this.record = record;
        this.elsewhere = elsewhere;
        this.virtual = virtual;
    }

    /** Whether {@code request} begins or ends one. */
    static boolean isAbout(Envelope request) {
        return begins(request) || request.method().equals(Method.RESOURCES_UNSUBSCRIBE);
    }

    private static boolean begins(Envelope request) {
        return request.method().equals(Method.RESOURCES_SUBSCRIBE);
    }

    /**
     * Notes that a backend has accepted a request about one, so that the client need not say so
     * again in any process, and goes on then. Never blocks.
     */
    void accepted(Envelope request, Conversation conversation, Runnable then) {
        var uri = request.uri().orElseThrow();
        var field = Metadata.SUBSCRIPTION + uri;
        boolean here = record.isShared() && !elsewhere.isListening();
        var changes =
                begins(request)
                        ? Changes.set(Map.of(field, conversation.backend().id().value()))
                        : new Changes(Map.of(), Set.of(field));
        record.noteThen(
                changes,
                virtual,
                () -> {
                    if (here) {
                        record.note(record.listeningFirst());
                    }
                    if (begins(request)) {
                        wanted.put(uri, conversation);
                    } else {
                        wanted.remove(uri);
                    }
                    then.run();
                });
    }

    /** What is to be noted of them. */
    Map<String, String> metadata() {
        var fields = new LinkedHashMap<String, String>();
        wanted.forEach(
                (uri, conversation) ->
                        fields.put(
                                Metadata.SUBSCRIPTION + uri, conversation.backend().id().value()));
        return fields;
    }

    /**
     * Goes on with those that are noted, of which the backends know.
     *
     * @param noted the backend's id for each URI
     */
    void catchUp(Map<String, String> noted, Iterable<Conversation> conversations) {
        all().stream().filter(uri -> !noted.containsKey(uri)).forEach(wanted::remove);
        for (var conversation : conversations) {
            var id = conversation.backend().id().value();
            noted.forEach(
                    (uri, backend) -> {
                        if (backend.equals(id)) {
                            wanted.put(uri, conversation);
                        }
                    });
        }
    }

    /**
     * A backend that is reached in another way now is still the one whose resources the client
     * wants to hear of.
     */
    void carry(Conversation dropped, Optional<Conversation> successor) {
        for (var uri : at(dropped)) {
            successor.ifPresentOrElse(
                    next -> wanted.replace(uri, dropped, next), () -> wanted.remove(uri, dropped));
        }
    }

    /** Their resources. */
    List<String> all() {
        return wanted.keys();
    }

    /** Those resources of them that one conversation is about. */
    List<String> at(Conversation conversation) {
        return all().stream().filter(uri -> wanted.get(uri) == conversation).toList();
    }

    /** Whether there is one in {@code conversation}. */
    boolean isAt(Conversation conversation) {
        return wanted.values().contains(conversation);
    }

    /** The backend of the one to {@code uri}, if there is one. */
    Optional<BackendId> backend(String uri) {
        return Optional.ofNullable(wanted.get(uri)).map(known -> known.backend().id());
    }

    /** Whether there are as many as there may be, the one to {@code uri} aside. */
    boolean isFull(String uri) {
        return wanted.size() >= MOST && wanted.get(uri) == null;
    }
}
