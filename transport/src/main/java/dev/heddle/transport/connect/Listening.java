package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What a server without sessions tells by itself, heard on one stream for all who want to know (MCP
 * 2026-07-28, Subscriptions). When what is wanted changes, the next stream stands before the last
 * one is left. Never blocks; thread-safe.
 */
final class Listening {
    private static final Duration ACKNOWLEDGEMENT = Duration.ofSeconds(10);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final List<String> LISTS =
            List.of(Method.TOOLS_CHANGED, Method.PROMPTS_CHANGED, Method.RESOURCES_CHANGED);

    /** What somebody wants to be told. */
    private record Wanted(boolean lists, Set<String> uris) {
        static final Wanted NOTHING = new Wanted(false, Set.of());

        boolean isNothing() {
            return !lists && uris.isEmpty();
        }

        Wanted with(String uri) {
            var more = new TreeSet<>(uris);
            more.add(uri);
            return new Wanted(lists, more);
        }

        Wanted without(String uri) {
            var left = new TreeSet<>(uris);
            left.remove(uri);
            return new Wanted(lists, left);
        }

        boolean wants(Envelope message) {
            return message.method().equals(Method.RESOURCE_UPDATED)
                    ? message.uri().filter(uris::contains).isPresent()
                    : lists && LISTS.contains(message.method());
        }

        Json notifications() {
            return Json.object(
                    members -> {
                        if (lists) {
                            members.put("toolsListChanged", true)
                                    .put("promptsListChanged", true)
                                    .put("resourcesListChanged", true);
                        }
                        if (!uris.isEmpty()) {
                            members.put(
                                    "resourceSubscriptions",
                                    Json.array(uris.stream().map(Json::of).toList()));
                        }
                    });
        }
    }

    /** Somebody who waits to hear whether a resource is watched. */
    private record Waiting(Member member, String uri, Consumer<Boolean> told) {}

    private final StatelessWire wire;
    private final Hop hop;
    private final Ids ids;
    private final Alarms alarms;
    private final ReentrantLock lock = new ReentrantLock(); // guards what follows
    private final Map<Member, Wanted> members = new LinkedHashMap<>();
    private final List<Waiting> waiting = new ArrayList<>();
    private @Nullable Stream current;
    private @Nullable Stream opening;
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
            edit(() -> members.computeIfPresent(this, (_, now) -> new Wanted(wanted, now.uris())));
        }

        /**
         * Wants to be told of updates of a resource.
         *
         * @param told once whether that will be so
         */
        void subscribe(String uri, Consumer<Boolean> told) {
            edit(
                    () -> {
                        members.computeIfPresent(this, (_, now) -> now.with(uri));
                        waiting.add(new Waiting(this, uri, told));
                    });
        }

        void unsubscribe(String uri) {
            edit(() -> members.computeIfPresent(this, (_, now) -> now.without(uri)));
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
        var uris = new TreeSet<String>();
        members.values().forEach(wanted -> uris.addAll(wanted.uris()));
        return new Wanted(members.values().stream().anyMatch(Wanted::lists), uris);
    }

    private void adjust(List<Runnable> next) {
        var wanted = union();
        var newest = opening != null ? opening : current;
        if (notOffered) {
            settle(_ -> false, _ -> true, next);
        } else if (wanted.isNothing()) {
            drop(current, next);
            drop(opening, next);
            current = null;
            opening = null;
            missed = false;
            settle(_ -> false, _ -> true, next);
        } else if (newest == null || !newest.wanted.equals(wanted)) {
            drop(opening, next);
            var stream = new Stream(ids.next(), wanted);
            opening = stream;
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
    private void settle(Predicate<String> good, Predicate<String> which, List<Runnable> next) {
        for (var one : List.copyOf(waiting)) {
            if (which.test(one.uri())) {
                waiting.remove(one);
                boolean watched = good.test(one.uri());
                if (!watched) {
                    members.computeIfPresent(one.member(), (_, now) -> now.without(one.uri()));
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
            if (current != null && current.id == id) {
                return current;
            }
            return opening != null && opening.id == id ? opening : null;
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
            if (stream == current) {
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

    private void acknowledged(Stream stream, Envelope message) {
        var honoured =
                message.param("notifications")
                        .flatMap(given -> given.get("resourceSubscriptions"))
                        .map(Json::elements)
                        .orElse(List.of());
        var next = new ArrayList<Runnable>();
        lock.lock();
        try {
            if (stream != opening) {
                return;
            }
            stream.honoured =
                    Set.copyOf(honoured.stream().filter(Json::isString).map(Json::text).toList());
            drop(current, next);
            current = stream;
            opening = null;
            pause = FIRST_PAUSE;
            settle(stream.honoured::contains, stream.wanted.uris()::contains, next);
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

    /** Says that everything may have changed while nobody listened. */
    private static void catchUp(Member member, Wanted wanted) {
        if (wanted.lists()) {
            LISTS.forEach(method -> member.events.notification(JsonRpc.notification(method)));
        }
        for (var uri : wanted.uris()) {
            var params = Json.object(members -> members.put("uri", uri));
            member.events.notification(JsonRpc.notification(Method.RESOURCE_UPDATED, params));
        }
    }

    private void over(Stream stream, boolean refused) {
        var next = new ArrayList<Runnable>();
        lock.lock();
        try {
            if (stream == opening) {
                opening = null;
                notOffered |= refused;
                var kept = current == null ? Set.<String>of() : current.honoured;
                settle(kept::contains, _ -> true, next);
            } else if (stream == current) {
                current = null;
                missed = true;
            } else {
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
        private Set<String> honoured = Set.of(); // guarded by lock

        Stream(long id, Wanted wanted) {
            this.id = id;
            this.wanted = wanted;
        }

        void open() {
            var params = Json.object(one -> one.put("notifications", wanted.notifications()));
            var request =
                    hop.on(
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
