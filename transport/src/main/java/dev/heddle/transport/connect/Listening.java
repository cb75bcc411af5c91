package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SubResources;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What a server without sessions tells by itself, heard on one stream for all who want to know (MCP
 * 2026-07-28, Subscriptions). When what is wanted changes, the next stream stands before the last
 * one is left, which is heard a moment longer. Never blocks; thread-safe.
 */
final class Listening {
    private static final Duration ACKNOWLEDGEMENT = Duration.ofSeconds(10);

    /** How long what was on its way on the last stream may take. */
    private static final Duration HANDOVER = Duration.ofSeconds(1);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final String RESOURCES = "resourceSubscriptions";
    private static final String TASKS = "taskIds";
    private static final List<String> LISTS =
            List.of(Method.TOOLS_CHANGED, Method.PROMPTS_CHANGED, Method.RESOURCES_CHANGED);

    /** A resource or a task, by its URI or its id, whose changes may be told. */
    record Topic(Kind kind, String name) {
        enum Kind {
            RESOURCE,
            TASK
        }
    }

    /** What somebody wants to be told. */
    private record Wanted(boolean lists, Set<Topic> topics) {
        static final Wanted NOTHING = new Wanted(false, Set.of());

        boolean isNothing() {
            return !lists && topics.isEmpty();
        }

        boolean hasTasks() {
            return topics.stream().anyMatch(topic -> topic.kind() == Topic.Kind.TASK);
        }

        Wanted with(Topic topic) {
            var more = new HashSet<>(topics);
            more.add(topic);
            return new Wanted(lists, more);
        }

        Wanted without(Topic topic) {
            var left = new HashSet<>(topics);
            left.remove(topic);
            return new Wanted(lists, left);
        }

        boolean wants(Envelope message) {
            return switch (message.method()) {
                case Method.RESOURCE_UPDATED -> message.uri().filter(this::hasResource).isPresent();
                case Method.TASK_CHANGED ->
                        has(
                                Topic.Kind.TASK,
                                message.param("taskId").filter(Json::isString).map(Json::text));
                default -> lists && LISTS.contains(message.method());
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

        Json notifications() {
            return Json.object(
                    members -> {
                        if (lists) {
                            members.put("toolsListChanged", true)
                                    .put("promptsListChanged", true)
                                    .put("resourcesListChanged", true);
                        }
                        members.put(RESOURCES, names(Topic.Kind.RESOURCE))
                                .put(TASKS, names(Topic.Kind.TASK));
                    });
        }

        private Optional<Json> names(Topic.Kind kind) {
            var names =
                    topics.stream()
                            .filter(topic -> topic.kind() == kind)
                            .map(Topic::name)
                            .sorted()
                            .map(Json::of)
                            .toList();
            return names.isEmpty() ? Optional.empty() : Optional.of(Json.array(names));
        }
    }

    /** Somebody who waits to hear whether changes will be told. */
    private record Waiting(Member member, Topic topic, Consumer<Boolean> told) {}

    private final StatelessWire wire;
    private final Hop hop;
    private final Ids ids;
    private final Alarms alarms;
    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<Member, Wanted> members = new LinkedHashMap<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private @Nullable Stream current;
    private @Nullable Stream opening;
    private @Nullable Stream former;
    private Handover handover = new Handover(); // from the former to the current one
    private Handover upcoming = new Handover(); // from the current to the one that is opening
    private boolean missed; // whether something may have been missed since the last stream ended
    private boolean notOffered;
    private Duration pause = FIRST_PAUSE;

    Listening(StatelessWire wire, Hop hop, Ids ids, Alarms alarms) {
        this.wire = wire;
        this.hop = hop;
        this.ids = ids;
        this.alarms = alarms;
    }

    /** One more who may want to be told something, through {@code events}. */
    Member join(BackendEvents events) {
        var member = new Member(events);
        edit(() -> members.put(member, Wanted.NOTHING));
        return member;
    }

    /** Whether nobody may want to be told anything. */
    boolean isDeserted() {
        lock.lock();
        try {
            return members.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Somebody who is told what it wants to be told. */
    final class Member {
        private final BackendEvents events;

        private Member(BackendEvents events) {
            this.events = events;
        }

        /** Whether changed lists are to be told. */
        void lists(boolean wanted) {
            edit(
                    () ->
                            members.computeIfPresent(
                                    this, (_, now) -> new Wanted(wanted, now.topics())));
        }

        /**
         * Wants to be told of changes.
         *
         * @param told once whether that will be so
         */
        void subscribe(Topic topic, Consumer<Boolean> told) {
            edit(
                    () -> {
                        members.computeIfPresent(this, (_, now) -> now.with(topic));
                        waiting.add(new Waiting(this, topic, told));
                    });
        }

        void unsubscribe(Topic topic) {
            edit(() -> members.computeIfPresent(this, (_, now) -> now.without(topic)));
        }

        /** Wants nothing any more. */
        void leave() {
            edit(() -> members.remove(this));
        }
    }

    /** Changes what is wanted, and then does what follows from it. */
    private void edit(Runnable change) {
        var next = new ArrayList<Runnable>();
        lock.lock();
        try {
            change.run();
            adjust(next);
        } finally {
            lock.unlock();
        }
        next.forEach(Runnable::run);
    }

    private Wanted union() {
        var topics = new HashSet<Topic>();
        members.values().forEach(wanted -> topics.addAll(wanted.topics()));
        return new Wanted(members.values().stream().anyMatch(Wanted::lists), topics);
    }

    private void adjust(List<Runnable> next) {
        var wanted = union();
        var newest = opening != null ? opening : current;
        if (notOffered) {
            settle(_ -> false, _ -> true, next);
        } else if (wanted.isNothing()) {
            drop(former, next);
            drop(current, next);
            drop(opening, next);
            former = null;
            current = null;
            opening = null;
            missed = false;
            settle(_ -> false, _ -> true, next);
        } else if (newest == null || !newest.wanted.equals(wanted)) {
            drop(opening, next);
            var stream = new Stream(ids.next(), wanted);
            opening = stream;
            upcoming = new Handover();
            next.add(stream::open);
        } else if (newest == current) {
            settle(current.honoured::contains, _ -> true, next);
        }
    }

    private void drop(@Nullable Stream stream, List<Runnable> next) {
        if (stream != null) {
            next.add(() -> wire.cancel(stream.id, "something else is to be heard"));
        }
    }

    /** Tells those who wait for one of {@code which} what has come of it. */
    private void settle(Predicate<Topic> good, Predicate<Topic> which, List<Runnable> next) {
        for (var one : List.copyOf(waiting)) {
            if (which.test(one.topic())) {
                waiting.remove(one);
                boolean watched = good.test(one.topic());
                if (!watched) {
                    members.computeIfPresent(one.member(), (_, now) -> now.without(one.topic()));
                }
                next.add(() -> one.told().accept(watched));
            }
        }
    }

    /** Takes a message that names the stream to which it belongs, on whatever way it came. */
    void heard(Envelope message) {
        var named =
                message.method().equals(Method.CANCELLED)
                        ? message.requestId()
                        : message.meta().flatMap(meta -> meta.get(MetaKey.SUBSCRIPTION_ID));
        var stream = find(named.map(id -> id.integer().orElse(-1)).orElse(-1L));
        if (stream == null) {
            return;
        }
        if (message.method().equals(Method.CANCELLED)) {
            over(stream, false);
        } else {
            heard(stream, message);
        }
    }

    private @Nullable Stream find(long id) {
        lock.lock();
        try {
            for (var stream : Arrays.asList(current, opening, former)) {
                if (stream != null && stream.id == id) {
                    return stream;
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private void heard(Stream stream, Envelope message) {
        if (message.method().equals(Method.ACKNOWLEDGED)) {
            acknowledged(stream, message);
            return;
        }
        var listeners = new ArrayList<Member>();
        lock.lock();
        try {
            boolean isCurrent = stream == current;
            if ((isCurrent || stream == former) && isNew(stream, message)) {
                members.forEach(
                        (member, wanted) -> {
                            if (wanted.wants(message)) {
                                listeners.add(member);
                            }
                        });
            }
        } finally {
            lock.unlock();
        }
        if (!listeners.isEmpty()) {
            var plain = SessionForms.notification(message);
            listeners.forEach(member -> member.events.notification(plain));
        }
    }

    /**
     * Nothing is told twice from when the next stream has been asked for until the last is left.
     */
    private boolean isNew(Stream stream, Envelope message) {
        if (former == null && opening == null) {
            return true;
        }
        var what = message.method() + message.params().orElse(Json.EMPTY_OBJECT).without("_meta");
        if (stream == current && opening != null) {
            upcoming.isNew(false, what);
        }
        return former == null || handover.isNew(stream == current, what);
    }

    private void acknowledged(Stream stream, Envelope message) {
        var given = message.param("notifications").orElse(Json.EMPTY_OBJECT);
        var honoured = new HashSet<Topic>();
        honoured(given, RESOURCES, Topic.Kind.RESOURCE, honoured);
        honoured(given, TASKS, Topic.Kind.TASK, honoured);
        var next = new ArrayList<Runnable>();
        lock.lock();
        try {
            if (stream != opening) {
                return;
            }
            stream.honoured = Set.copyOf(honoured);
            succeed(current, next);
            current = stream;
            opening = null;
            pause = FIRST_PAUSE;
            settle(stream.honoured::contains, stream.wanted.topics()::contains, next);
            if (missed) {
                missed = false;
                members.forEach((member, wanted) -> next.add(() -> catchUp(member, wanted)));
            }
            adjust(next);
        } finally {
            lock.unlock();
        }
        next.forEach(Runnable::run);
    }

    /** On one wire for all messages nothing is on its way any more when the next stream stands. */
    private void succeed(@Nullable Stream last, List<Runnable> next) {
        drop(former, next);
        former = null;
        if (last == null || !wire.hasHeaders()) {
            drop(last, next);
            return;
        }
        former = last;
        handover = upcoming;
        next.add(() -> alarms.after(HANDOVER, () -> endHandover(last)));
    }

    private void endHandover(Stream last) {
        var next = new ArrayList<Runnable>();
        lock.lock();
        try {
            if (former == last) {
                drop(former, next);
                former = null;
            }
        } finally {
            lock.unlock();
        }
        next.forEach(Runnable::run);
    }

    private static void honoured(
            Json given, String list, Topic.Kind kind, Collection<Topic> honoured) {
        given.get(list).filter(Json::isArray).map(Json::elements).stream()
                .flatMap(List::stream)
                .filter(Json::isString)
                .forEach(name -> honoured.add(new Topic(kind, name.text())));
    }

    /** Says that everything may have changed while nobody listened. */
    private static void catchUp(Member member, Wanted wanted) {
        if (wanted.lists()) {
            LISTS.forEach(method -> member.events.notification(JsonRpc.notification(method)));
        }
        for (var topic : wanted.topics()) {
            if (topic.kind() == Topic.Kind.RESOURCE) { // who waits for a task asks after it too
                var params = Json.object(members -> members.put("uri", topic.name()));
                member.events.notification(JsonRpc.notification(Method.RESOURCE_UPDATED, params));
            }
        }
    }

    private void over(Stream stream, boolean refused) {
        var next = new ArrayList<Runnable>();
        lock.lock();
        try {
            if (stream == opening) {
                opening = null;
                notOffered |= refused;
                var kept = current == null ? Set.<Topic>of() : current.honoured;
                settle(kept::contains, _ -> true, next);
            } else if (stream == current) {
                current = null;
                missed = true;
            } else {
                if (stream == former) {
                    former = null;
                }
                return;
            }
            boolean lacking = current == null || !current.wanted.equals(union());
            if (opening == null && lacking && !notOffered && !union().isNothing()) {
                var wait = pause;
                var doubled = pause.multipliedBy(2);
                pause = doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
                next.add(() -> alarms.after(wait, () -> edit(() -> {})));
            }
        } finally {
            lock.unlock();
        }
        next.forEach(Runnable::run);
    }

    /** One {@code subscriptions/listen}, and what comes on its answer. */
    private final class Stream implements Sink {
        private final long id;
        private final Wanted wanted;
        private Set<Topic> honoured = Set.of(); // guarded by lock

        Stream(long id, Wanted wanted) {
            this.id = id;
            this.wanted = wanted;
        }

        void open() {
            var params = Json.object(one -> one.put("notifications", wanted.notifications()));
            var told = wanted.hasTasks() ? hop.withTasks() : hop;
            var request =
                    told.on(
                            Spliced.of(JsonRpc.request(Json.of(id), Method.LISTEN, params)),
                            Optional.empty());
            wire.send(id, request, Hop.headers(request, Optional.empty()), this);
            if (find(id) == null) {
                wire.cancel(id, "something else is to be heard"); // dropped before it was sent
                return;
            }
            alarms.after(ACKNOWLEDGEMENT, this::giveUpOpening);
        }

        private void giveUpOpening() {
            if (find(id) == this && isOpening()) {
                wire.cancel(id, "it was not acknowledged");
                over(this, false);
            }
        }

        private boolean isOpening() {
            lock.lock();
            try {
                return opening == this;
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void notification(Spliced message) {
            heard(this, message.envelope());
        }

        @Override
        public boolean question(Question question) {
            question.refuse("nobody can be asked on this stream");
            return true;
        }

        @Override
        public void reply(Reply reply) {
            boolean refused =
                    reply instanceof Reply.Response(var message)
                            && message.envelope().errorCode() == ErrorCode.METHOD_NOT_FOUND;
            over(this, refused);
        }
    }
}
