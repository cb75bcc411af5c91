package dev.heddle.core.session;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.ResultSink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The subscriptions that several streams of one session share: the session subscribes for the first
 * of them and unsubscribes after the last. Never blocks; thread-safe.
 */
public final class SharedSubscriptions {
    /** How long a stream waits for backends that do not say whether they agree. */
    static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Ids ids;
    private final Alarms alarms;
    private final Map<Key, Subscribed> all = new ConcurrentHashMap<>();

    /**
     * Subscriptions of sessions in which requests have ids of {@code ids}.
     *
     * @param ids the same as for other requests in these sessions
     */
    public SharedSubscriptions(Ids ids, Alarms alarms) {
        this.ids = ids;
        this.alarms = alarms;
    }

    /**
     * What a stream may be about.
     *
     * @param name a resource's URI or a task's name
     */
    public record Topic(Kind kind, String name) {
        public enum Kind {
            RESOURCE,
            TASK
        }
    }

    private record Key(MultiSession session, Topic topic) {}

    private enum Phase {
        /** The backend is being asked; {@code waiting} hear what it says. */
        ASKING,
        /** The backend tells of changes. */
        SUBSCRIBED,
        /** The backend is being told that nobody listens; {@code waiting} will ask anew. */
        LEAVING
    }

    private record Subscribed(Phase phase, int users, List<Consumer<Boolean>> waiting) {
        Subscribed with(Consumer<Boolean> one) {
            var more = new ArrayList<>(waiting);
            more.add(one);
            return new Subscribed(phase, users + 1, List.copyOf(more));
        }
    }

    /**
     * What one stream is subscribed to.
     *
     * @param topics those to which the backends have agreed
     * @param leave ends it; to be run once
     */
    public record Share(Set<Topic> topics, Runnable leave) {}

    /**
     * Subscribes to what is wanted for one stream.
     *
     * @param wanted topics, each with the session that has to do with it
     * @param done told once what has come of it
     */
    public void join(Map<Topic, MultiSession> wanted, Identity caller, Consumer<Share> done) {
        var joining = new Joining(wanted.size(), caller, done);
        alarms.after(PATIENCE, joining::settle);
        wanted.forEach(
                (topic, session) -> {
                    var key = new Key(session, topic);
                    use(key, caller, good -> joining.heard(key, good));
                });
        if (wanted.isEmpty()) {
            joining.settle();
        }
    }

    /** One stream that waits until it is known what it will be told, but not for ever. */
    private final class Joining {
        /**
         * @param agreed what the backends have agreed to
         * @param missing how many have not answered
         */
        private record State(Set<Key> agreed, int missing, boolean settled) {
            State with(Key key, boolean good) {
                var more = new HashSet<>(agreed);
                if (good && !settled) {
                    more.add(key);
                }
                return new State(Set.copyOf(more), missing - 1, settled || missing == 1);
            }

            State afterAll() {
                return new State(agreed, missing, true);
            }
        }

        private final Identity caller;
        private final Consumer<Share> done;
        private final AtomicReference<State> joined;

        Joining(int missing, Identity caller, Consumer<Share> done) {
            this.caller = caller;
            this.done = done;
            this.joined = new AtomicReference<>(new State(Set.of(), missing, false));
        }

        /** What comes too late is not told any more, and so given back. */
        void heard(Key key, boolean good) {
            var before = joined.getAndUpdate(now -> now.with(key, good));
            if (!before.settled()) {
                tell(before, before.with(key, good));
            } else if (good) {
                release(key, caller);
            }
        }

        void settle() {
            var before = joined.getAndUpdate(State::afterAll);
            tell(before, before.afterAll());
        }

        private void tell(State before, State after) {
            if (!before.settled() && after.settled()) {
                done.accept(share(after.agreed(), caller));
            }
        }
    }

    private Share share(Set<Key> agreed, Identity caller) {
        var topics = agreed.stream().map(Key::topic).collect(Collectors.toUnmodifiableSet());
        return new Share(topics, () -> agreed.forEach(key -> release(key, caller)));
    }

    private void use(Key key, Identity caller, Consumer<Boolean> told) {
        var first = new boolean[1];
        var now =
                all.compute(
                        key,
                        (_, known) -> {
                            first[0] = known == null;
                            return known == null
                                    ? new Subscribed(Phase.ASKING, 1, List.of(told))
                                    : known.phase() == Phase.SUBSCRIBED
                                            ? new Subscribed(
                                                    Phase.SUBSCRIBED, known.users() + 1, List.of())
                                            : known.with(told);
                        });
        if (first[0]) {
            subscribe(key, caller);
        } else if (now.phase() == Phase.SUBSCRIBED) {
            told.accept(true);
        }
    }

    private void subscribe(Key key, Identity caller) {
        ask(key, caller, true, good -> subscribed(key, good));
    }

    private void subscribed(Key key, boolean good) {
        var before = new ArrayList<Consumer<Boolean>>();
        all.computeIfPresent(
                key,
                (_, asking) -> {
                    before.addAll(asking.waiting());
                    return good
                            ? new Subscribed(Phase.SUBSCRIBED, asking.users(), List.of())
                            : null;
                });
        before.forEach(told -> told.accept(good));
    }

    private void release(Key key, Identity caller) {
        var last = new boolean[1];
        all.computeIfPresent(
                key,
                (_, known) -> {
                    last[0] = known.phase() == Phase.SUBSCRIBED && known.users() == 1;
                    return last[0]
                            ? new Subscribed(Phase.LEAVING, 0, List.of())
                            : new Subscribed(known.phase(), known.users() - 1, known.waiting());
                });
        if (last[0]) {
            ask(key, caller, false, _ -> left(key, caller));
        }
    }

    /** Those who came while the backend was being told are subscribed anew. */
    private void left(Key key, Identity caller) {
        var again =
                all.computeIfPresent(
                        key,
                        (_, leaving) ->
                                leaving.waiting().isEmpty()
                                        ? null
                                        : new Subscribed(
                                                Phase.ASKING, leaving.users(), leaving.waiting()));
        if (again != null) {
            subscribe(key, caller);
        }
    }

    private void ask(Key key, Identity caller, boolean wanted, Consumer<Boolean> then) {
        var name = key.topic().name();
        switch (key.topic().kind()) {
            case TASK -> watchTask(key, caller, wanted, then);
            case RESOURCE -> {
                var method = wanted ? Method.RESOURCES_SUBSCRIBE : Method.RESOURCES_UNSUBSCRIBE;
                var params = Json.object(members -> members.put("uri", name));
                var request = JsonRpc.request(Json.of(ids.next()), method, params);
                var answer = new ResultSink(_ -> then.accept(true), _ -> then.accept(false));
                key.session().exchange(caller, new Exchange(request, answer));
            }
        }
    }

    private static void watchTask(
            Key key, Identity caller, boolean wanted, Consumer<Boolean> then) {
        try {
            key.session().watchTask(caller, key.topic().name(), wanted, then);
        } catch (Fault refused) {
            then.accept(false);
        }
    }
}
