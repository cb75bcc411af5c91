package dev.heddle.core.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.FakeEventStorage;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiConsumer;

/** The streams of one session in two processes, {@code a} and {@code b}. */
abstract class TwoProcesses {
    static final Duration PATIENCE = Duration.ofMinutes(1);

    final FakeClock clock = new FakeClock();
    final FakeAlarms alarms = new FakeAlarms(clock);
    final FakeEventStorage storage = new FakeEventStorage();
    final Queue<Runnable> tasks = new ArrayDeque<>();
    final Executor background = tasks::add;
    private boolean asking; // somebody waits for what is told
    final Set<String> dead = ConcurrentHashMap.newKeySet();
    final List<String> strays = new CopyOnWriteArrayList<>();

    /** What becomes of what is for the client's stream elsewhere. */
    BiConsumer<String, Spliced> handed = (_, message) -> strays.add(message.envelope().method());

    final List<EventLog> logs = new CopyOnWriteArrayList<>();
    final EventLog a = log("a", background);
    final EventLog b = log("b", background);

    EventLog log(String node, Executor threads) {
        return log(node, threads, storage.node(node));
    }

    EventLog log(String node, Executor threads, EventStorage events) {
        var sharing =
                new Sharing(
                        "id",
                        node,
                        other -> !dead.contains(other),
                        events,
                        news -> tell(node, news, threads),
                        message -> handed.accept(node, message),
                        threads);
        var log = new EventLog(alarms, Optional.of(sharing));
        logs.add(log);
        return log;
    }

    /** Whoever waits for an answer lets nothing be done in the background. */
    void tell(String node, StreamNews news, Executor threads) {
        boolean first = news.what() == StreamNews.What.WANTED;
        if (threads.equals(background) && (first || asking)) {
            asking = true;
            told(node, news);
            asking = !first;
        } else {
            threads.execute(() -> told(node, news));
        }
    }

    /** Whoever tells does not hear it. */
    void told(String node, StreamNews news) {
        if (!dead.contains(node)) {
            logs.stream()
                    .filter(log -> log != logs.get(node.charAt(0) - 'a'))
                    .forEach(log -> log.hear(news));
        }
    }

    /** Runs what is to be run in the background. */
    void settle() {
        while (!tasks.isEmpty()) {
            tasks.remove().run();
        }
    }

    /** A connection that keeps what it carries. */
    static final class Connection implements Taker {
        final List<String> ids = new CopyOnWriteArrayList<>();
        final List<String> said = new CopyOnWriteArrayList<>();
        volatile boolean ended;

        @Override
        public void beginning(String id) {
            ids.add(id);
        }

        @Override
        public void event(String id, Spliced message) {
            ids.add(id);
            said.add(
                    message.envelope().isResponse()
                            ? message.envelope().id() + ":" + message.envelope().error().isPresent()
                            : message.envelope().method());
        }

        @Override
        public void last(String id, Spliced message) {
            event(id, message);
            ended = true;
        }

        @Override
        public void end() {
            ended = true;
        }

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public boolean isCrowded() {
            return false;
        }

        @Override
        public void whenReady(Runnable task) {
            task.run();
        }

        String lastId() {
            return ids.getLast();
        }
    }

    static Spliced message(String text) {
        return Spliced.of(JsonRpc.notification(text));
    }

    static EventStream answer(EventLog log) {
        return log.openAnswer(List.of(Json.of(7)));
    }

    static void last(EventStream stream, String text) {
        stream.last(message(text), message(text));
    }

    static Connection begun(EventStream stream) {
        var connection = new Connection();
        stream.begin(connection);
        return connection;
    }

    /** The client comes back to {@code log} with what it has seen on {@code before}. */
    Connection comesBack(EventLog log, Connection before) {
        var last = before.lastId();
        var stream =
                log.mayBeElsewhere(last) ? log.fetch(last).orElseThrow() : log.find(last).get();
        assertThat(stream.canResume(last)).isTrue();
        var connection = new Connection();
        stream.resume(last, connection);
        settle();
        return connection;
    }

    Connection comesBack(EventLog log, Connection connection, String last) {
        connection.ids.add(last);
        return comesBack(log, connection);
    }

    static Question question() {
        return new Question(
                Spliced.of(JsonRpc.request(Json.of("q"), "elicitation/create", Json.EMPTY_OBJECT)),
                _ -> {});
    }

    /** A store of which a test makes something else. */
    static final class WrappedEvents implements EventStorage {
        private static final CompletionStage<Appended> NO_ANSWER =
                CompletableFuture.failedStage(new Fault.StorageUnavailable("no answer"));

        private final EventStorage next;
        Runnable afterRead = () -> {};
        int reads;
        Runnable afterTake = () -> {};
        int unanswered; // of a hundred questions to append; some of them are carried out
        final List<Runnable> again = new ArrayList<>();
        final List<CompletableFuture<Appended>> held = new ArrayList<>();
        boolean hold; // the answer to what is appended, which is sent again
        int lost; // answers to takings

        WrappedEvents(EventStorage next) {
            this.next = next;
        }

        @Override
        public CompletionStage<Appended> append(Batch batch) {
            var done = isUnanswered() ? NO_ANSWER : next.append(batch);
            if (!hold) {
                return isUnanswered() ? NO_ANSWER : done;
            }
            var second = new CompletableFuture<Appended>();
            held.add(second);
            again.add(() -> next.append(batch).thenAccept(second::complete));
            return second;
        }

        private boolean isUnanswered() {
            return ThreadLocalRandom.current().nextInt(100) < unanswered;
        }

        void fail() {
            held.forEach(
                    answer ->
                            answer.completeExceptionally(
                                    new Fault.StorageUnavailable("no answer")));
        }

        void repeat() {
            hold = false;
            List.copyOf(again).forEach(Runnable::run);
        }

        @Override
        public Optional<Kept> read(String session, String stream, long after, int most) {
            var kept = next.read(session, stream, after, most);
            reads++;
            afterRead.run();
            return kept;
        }

        @Override
        public boolean take(String session, String stream, String place, long token) {
            boolean done = next.take(session, stream, place, token);
            var then = afterTake;
            afterTake = () -> {};
            then.run();
            return done && lost-- <= 0;
        }
    }

    static void soon(Callable<Boolean> isSo) {
        await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1)).until(isSo);
    }

    static String id(EventStream stream, int number) {
        return EventStream.id(stream.name(), number);
    }
}
