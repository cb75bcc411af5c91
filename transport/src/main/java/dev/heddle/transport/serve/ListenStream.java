package dev.heddle.transport.serve;

import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.SubResources;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.core.session.SharedSubscriptions.Topic;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * The answer to {@code subscriptions/listen}: tells a client without sessions what it asked to be
 * told, until it leaves (MCP 2026-07-28, Subscriptions).
 */
final class ListenStream implements ClientStream {
    private static final String RESOURCES = "resourceSubscriptions";
    private static final String TASKS = "taskIds";
    private static final int MOST_EARLY = 1000;
    private static final Optional<List<Spliced>> NOTHING_EARLY = Optional.empty();
    private static final String NOTHING_WANTED =
            "params.notifications: found none (expected: an object that says which are wanted)";

    private final Asked asked;
    private final StatelessForms forms;
    private final Wanted wanted;
    private final Json meta;
    private final AtomicReference<Optional<List<Spliced>>> early =
            new AtomicReference<>(Optional.of(List.of()));

    /** What a client wants to be told. */
    private record Wanted(boolean tools, boolean prompts, boolean resources, Set<Topic> topics) {
        static Wanted of(Envelope request) {
            var given =
                    request.param("notifications")
                            .filter(Json::isObject)
                            .orElseThrow(() -> new Fault.InvalidParams(NOTHING_WANTED));
            var topics = new LinkedHashSet<Topic>();
            topics(given, RESOURCES, Topic.Kind.RESOURCE, topics);
            topics(given, TASKS, Topic.Kind.TASK, topics);
            return new Wanted(
                    is(given, "toolsListChanged"),
                    is(given, "promptsListChanged"),
                    is(given, "resourcesListChanged"),
                    topics);
        }

        private static void topics(
                Json given, String list, Topic.Kind kind, Collection<Topic> topics) {
            given.get(list).map(Json::elements).stream()
                    .flatMap(List::stream)
                    .filter(Json::isString)
                    .forEach(name -> topics.add(new Topic(kind, name.text())));
        }

        private static boolean is(Json given, String name) {
            return given.get(name).filter(Json::isTrue).isPresent();
        }

        boolean wants(Envelope message) {
            return switch (message.method()) {
                case Method.TOOLS_CHANGED -> tools;
                case Method.PROMPTS_CHANGED -> prompts;
                case Method.RESOURCES_CHANGED -> resources;
                case Method.RESOURCE_UPDATED -> message.uri().filter(this::hasResource).isPresent();
                case Method.TASK_CHANGED ->
                        has(
                                Topic.Kind.TASK,
                                message.param("taskId").filter(Json::isString).map(Json::text));
                default -> false;
            };
        }

        private boolean hasResource(String updated) {
            return topics.stream()
                    .filter(topic -> topic.kind() == Topic.Kind.RESOURCE)
                    .anyMatch(topic -> SubResources.covers(topic.name(), updated));
        }

        private boolean has(Topic.Kind kind, Optional<String> name) {
            return name.filter(one -> topics.contains(new Topic(kind, one))).isPresent();
        }

        Json honoured(Set<Topic> subscribed) {
            return Json.object(
                    members -> {
                        flag(tools, "toolsListChanged", members::put);
                        flag(prompts, "promptsListChanged", members::put);
                        flag(resources, "resourcesListChanged", members::put);
                        members.put(RESOURCES, names(subscribed, Topic.Kind.RESOURCE))
                                .put(TASKS, names(subscribed, Topic.Kind.TASK));
                    });
        }

        private static Optional<Json> names(Set<Topic> topics, Topic.Kind kind) {
            var names =
                    topics.stream()
                            .filter(topic -> topic.kind() == kind)
                            .map(Topic::name)
                            .sorted()
                            .map(Json::of)
                            .toList();
            return names.isEmpty() ? Optional.empty() : Optional.of(Json.array(names));
        }

        private static void flag(boolean set, String name, BiConsumer<String, Boolean> put) {
            if (set) {
                put.accept(name, true);
            }
        }
    }

    private ListenStream(Asked asked, StatelessForms forms) {
        this.asked = asked;
        this.forms = forms;
        this.wanted = Wanted.of(asked.message());
        this.meta =
                Json.object(members -> members.put(MetaKey.SUBSCRIPTION_ID, asked.message().id()));
    }

    /** Whether a client wants to be told of changes of tasks. */
    static boolean isAboutTasks(Envelope request) {
        return request.param("notifications").flatMap(given -> given.get(TASKS)).isPresent();
    }

    /**
     * Tells the client, beginning with what it will be told.
     *
     * @param ofTask the session that has to do with a task
     */
    static void open(
            Function<String, MultiSession> ofTask,
            MultiSession session,
            Asked asked,
            StatelessForms forms,
            SharedSubscriptions subscriptions) {
        var stream = new ListenStream(asked, forms);
        var sessions = new LinkedHashMap<Topic, MultiSession>();
        for (var topic : stream.wanted.topics()) {
            sessions.put(
                    topic, topic.kind() == Topic.Kind.TASK ? ofTask.apply(topic.name()) : session);
        }
        var ofTasks = new LinkedHashSet<>(sessions.values());
        ofTasks.remove(session);
        try {
            stream.attach(session, stream);
            for (var other : ofTasks) {
                stream.attach(other, stream.new OfTasks());
            }
        } catch (Fault refused) {
            StatelessForms.refuse(asked.reply(), asked.message().id(), refused);
            return;
        }
        subscriptions.join(
                sessions,
                asked.caller(),
                share -> {
                    asked.reply().whenOver(share.leave());
                    stream.begin(share.topics());
                });
    }

    private void attach(MultiSession session, ClientStream stream) {
        var attachment = session.attach(asked.caller(), stream);
        asked.reply().whenOver(attachment::detach);
    }

    /** What has come before the client knew what it will be told is told then. */
    private void begin(Set<Topic> subscribed) {
        acknowledge(subscribed);
        for (var kept = early.get(); kept.isPresent(); kept = early.get()) {
            var rest = kept.get().isEmpty() ? NOTHING_EARLY : Optional.of(List.<Spliced>of());
            if (early.compareAndSet(kept, rest)) {
                kept.get().forEach(this::tell);
            }
        }
    }

    /** Hears of tasks only: of everything else the client is told by its own session. */
    private final class OfTasks implements ClientStream {
        @Override
        public void notification(Spliced message) {
            if (message.envelope().method().equals(Method.TASK_CHANGED)) {
                ListenStream.this.notification(message);
            }
        }

        @Override
        public boolean question(Question question) {
            return false;
        }

        /** The session has ended with its task. */
        @Override
        public void ended() {}
    }

    private void acknowledge(Set<Topic> subscribed) {
        var params =
                Json.object(
                        members ->
                                members.put("notifications", wanted.honoured(subscribed))
                                        .put("_meta", meta));
        asked.reply().event(Spliced.of(JsonRpc.notification(Method.ACKNOWLEDGED, params)));
    }

    @Override
    public void notification(Spliced message) {
        if (wanted.wants(message.envelope()) && !isEarly(message)) {
            tell(message);
        }
    }

    private void tell(Spliced message) {
        var envelope = message.envelope();
        var params = envelope.params().orElse(Json.EMPTY_OBJECT);
        var named =
                params.with(
                        "_meta",
                        params.get("_meta")
                                .map(
                                        given ->
                                                given.with(
                                                        MetaKey.SUBSCRIPTION_ID,
                                                        asked.message().id()))
                                .orElse(meta));
        asked.reply().event(Spliced.of(JsonRpc.notification(envelope.method(), named)));
    }

    private boolean isEarly(Spliced message) {
        return early.updateAndGet(kept -> kept.map(messages -> with(messages, message)))
                .isPresent();
    }

    private static List<Spliced> with(List<Spliced> messages, Spliced one) {
        var more = new ArrayList<>(messages);
        if (more.size() < MOST_EARLY) {
            more.add(one);
        }
        return List.copyOf(more);
    }

    @Override
    public boolean question(Question question) {
        return false;
    }

    /** The gateway ends the stream in order. */
    @Override
    public void ended() {
        var result = forms.own(Json.EMPTY_OBJECT);
        var whole =
                result.with(
                        "_meta",
                        result.get("_meta")
                                .orElse(Json.EMPTY_OBJECT)
                                .with(MetaKey.SUBSCRIPTION_ID, asked.message().id()));
        asked.reply().last(200, Spliced.of(JsonRpc.result(asked.message().id(), whole)));
    }
}
