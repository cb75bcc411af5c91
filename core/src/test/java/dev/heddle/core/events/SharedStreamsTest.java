package dev.heddle.core.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.FakeEventStorage;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** The streams of one session in two processes, {@code a} and {@code b}. */
class SharedStreamsTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final FakeEventStorage storage = new FakeEventStorage();
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private final Executor background = tasks::add;
    private boolean asking; // somebody waits for what is told
    private final Set<String> dead = ConcurrentHashMap.newKeySet();
    private final List<String> strays = new CopyOnWriteArrayList<>();
    private final List<EventLog> logs = new CopyOnWriteArrayList<>();
    private final EventLog a = log("a", background);
    private final EventLog b = log("b", background);

    private EventLog log(String node, Executor threads) {
        return log(node, threads, storage.node(node));
    }

    private EventLog log(String node, Executor threads, EventStorage events) {
        var sharing =
                new Sharing(
                        "id",
                        node,
                        other -> !dead.contains(other),
                        events,
                        news -> tell(node, news, threads),
                        message -> strays.add(message.envelope().method()),
                        threads);
        var log = new EventLog(alarms, Optional.of(sharing));
        logs.add(log);
        return log;
    }

    /** Whoever waits for an answer lets nothing be done in the background. */
    private void tell(String node, StreamNews news, Executor threads) {
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
    private void told(String node, StreamNews news) {
        if (!dead.contains(node)) {
            logs.stream()
                    .filter(log -> log != logs.get(node.charAt(0) - 'a'))
                    .forEach(log -> log.hear(news));
        }
    }

    /** Runs what is to be run in the background. */
    private void settle() {
        while (!tasks.isEmpty()) {
            tasks.remove().run();
        }
    }

    /** A connection that keeps what it carries. */
    private static final class Connection implements Taker {
        private final List<String> ids = new CopyOnWriteArrayList<>();
        private final List<String> said = new CopyOnWriteArrayList<>();
        private volatile boolean ended;

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

    private static Spliced message(String text) {
        return Spliced.of(JsonRpc.notification(text));
    }

    private static EventStream answer(EventLog log) {
        return log.openAnswer(List.of(Json.of(7)));
    }

    private static void last(EventStream stream, String text) {
        stream.last(message(text), message(text));
    }

    private static Connection begun(EventStream stream) {
        var connection = new Connection();
        stream.begin(connection);
        return connection;
    }

    /** The client comes back to {@code log} with what it has seen on {@code before}. */
    private Connection comesBack(EventLog log, Connection before) {
        var last = before.lastId();
        var stream =
                log.mayBeElsewhere(last) ? log.fetch(last).orElseThrow() : log.find(last).get();
        assertThat(stream.canResume(last)).isTrue();
        var connection = new Connection();
        stream.resume(last, connection);
        settle();
        return connection;
    }

    @Test
    void nothing_goes_out_before_it_is_in_the_store_and_what_waits_is_written_together() {
        storage.hold();
        var stream = answer(a);
        var connection = begun(stream);
        stream.send(message("a"));
        stream.send(message("b"));
        last(stream, "c");
        assertThat(connection.ids).isEmpty();
        assertThat(storage.releaseOne()).isTrue();
        assertThat(connection.ids).containsExactly(stream.beginning());
        assertThat(stream.isOverAt(stream.beginning())).isFalse();
        assertThat(storage.releaseOne()).isTrue();
        assertThat(connection.said).containsExactly("a", "b", "c");
        assertThat(connection.ended).isTrue();
        assertThat(storage.appends()).isEqualTo(2);
    }

    @Test
    void an_answer_goes_on_at_another_process() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        stream.send(message("b"));
        var second = comesBack(b, first);
        assertThat(second.said).containsExactly("b");
        stream.send(message("c"));
        last(stream, "d");
        settle();
        assertThat(first.said).containsExactly("a");
        assertThat(second.said).containsExactly("b", "c", "d");
        assertThat(second.ended).isTrue();
        assertThat(b.fetch(second.lastId()).orElseThrow().isOverAt(second.lastId())).isTrue();
    }

    @Test
    void an_answer_that_has_ended_is_told_when_its_process_is_gone() {
        var stream = answer(a);
        var first = begun(stream);
        last(stream, "done");
        stream.lost(first);
        dead.add("a");
        var second = comesBack(b, begun(answer(b)), stream.beginning());
        assertThat(second.said).containsExactly("done");
        assertThat(second.ended).isTrue();
    }

    @Test
    void an_answer_that_its_own_process_has_forgotten_is_found_in_the_store() {
        var stream = answer(a);
        var first = begun(stream);
        last(stream, "done");
        settle();
        stream.lost(first);
        clock.advance(EventLog.AGE.plusSeconds(2));
        alarms.fire(EventLog.AGE);
        assertThat(a.find(stream.beginning())).isEmpty();
        var second = comesBack(a, begun(answer(a)), stream.beginning());
        assertThat(second.said).containsExactly("done");
        assertThat(second.ended).isTrue();
    }

    private Connection comesBack(EventLog log, Connection connection, String last) {
        connection.ids.add(last);
        return comesBack(log, connection);
    }

    @Test
    void the_client_moves_to_and_fro_and_each_connection_ends_the_one_before() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        var second = comesBack(b, first);
        assertThat(first.ended).isTrue();
        stream.send(message("b"));
        settle();
        var third = comesBack(a, second);
        assertThat(second.ended).isTrue();
        stream.send(message("c"));
        settle();
        var fourth = comesBack(b, third);
        assertThat(third.ended).isTrue();
        last(stream, "d");
        settle();
        assertThat(second.said).containsExactly("b");
        assertThat(third.said).containsExactly("c");
        assertThat(fourth.said).containsExactly("d");
    }

    @Test
    void a_connection_does_not_end_because_of_one_before_it_that_is_told_of_late() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        var mirror = b.fetch(first.lastId()).orElseThrow();
        var second = new Connection();
        mirror.resume(first.lastId(), second);
        mirror.lost(second);
        var third = new Connection();
        stream.resume(first.lastId(), third);
        settle(); // only now a hears of the second one
        stream.send(message("b"));
        assertThat(third.said).containsExactly("b");
        assertThat(third.ended).isFalse();
    }

    @Test
    void a_connection_that_is_told_of_late_and_not_heard_to_have_gone_ends_when_it_is_asked() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        var mirror = b.fetch(first.lastId()).orElseThrow();
        var second = new Connection();
        mirror.resume(first.lastId(), second);
        tasks.clear(); // what b has told
        var third = new Connection();
        stream.resume(first.lastId(), third);
        alarms.fire(Mirror.LOOK);
        settle();
        assertThat(second.ended).isTrue();
        assertThat(third.ended).isFalse();
    }

    @Test
    void a_call_whose_process_is_gone_ends_with_one_error_for_all_who_come_back() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        var second = comesBack(b, first);
        assertThat(second.ended).isFalse();
        dead.add("a");
        alarms.fire(Mirror.LOOK);
        settle();
        assertThat(second.said).containsExactly("7:true");
        assertThat(second.ended).isTrue();
        stream.send(message("late")); // it was not, and learns that it counts as gone
        assertThat(first.said).containsExactly("a");
        assertThat(comesBack(b, first).said).containsExactly("7:true");
    }

    @Test
    void a_call_of_another_process_that_is_there_is_waited_for() {
        var stream = answer(a);
        var second = comesBack(b, begun(stream));
        for (int i = 0; i < 100; i++) {
            assertThat(alarms.fire(Mirror.LOOK)).isEqualTo(1);
            settle();
        }
        assertThat(second.ended).isFalse();
        last(stream, "done");
        settle();
        assertThat(second.said).containsExactly("done");
        alarms.fire(Mirror.LOOK);
        assertThat(alarms.set(Mirror.LOOK)).isZero();
    }

    @Test
    void what_is_told_and_not_heard_is_found_by_looking() {
        var stream = answer(a);
        var second = comesBack(b, begun(stream));
        stream.send(message("a"));
        tasks.clear(); // what a has told
        assertThat(second.said).isEmpty();
        alarms.fire(Mirror.LOOK);
        settle();
        assertThat(second.said).containsExactly("a");
    }

    @Test
    void a_question_whose_client_leaves_the_other_process_for_good_loses_its_way() {
        var lost = new AtomicInteger();
        var stream = answer(a);
        var first = begun(stream);
        var question = Spliced.of(JsonRpc.request(Json.of(1), "ask", Json.EMPTY_OBJECT));
        stream.ask(new Question(question, _ -> {}, lost::incrementAndGet));
        var last = first.lastId();
        var mirror = b.fetch(stream.beginning()).orElseThrow();
        var second = new Connection();
        mirror.resume(stream.beginning(), second);
        settle();
        assertThat(second.ids).containsExactly(last);
        alarms.fire(EventLog.RETURN);
        assertThat(lost).hasValue(0);
        mirror.lost(second);
        settle();
        alarms.fire(EventLog.RETURN);
        assertThat(lost).hasValue(1);
    }

    @Test
    void a_process_that_is_silent_does_not_carry_any_more() {
        var stream = answer(a);
        comesBack(b, begun(stream));
        assertThat(stream.taker()).isPresent();
        alarms.fire(Mirror.LOOK);
        settle();
        assertThat(alarms.fire(RemoteTaker.LEASE)).as("renewed").isEqualTo(1);
        assertThat(stream.taker()).isEmpty();
    }

    @Test
    void what_belongs_to_no_call_goes_on_where_the_client_has_come_back() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        stream.send(message("b"));
        var taken = (EventStream) b.fetch(first.lastId()).orElseThrow();
        var second = new Connection();
        taken.resume(first.lastId(), second);
        taken.send(message("c"));
        stream.send(message("stray"));
        assertThat(second.said).containsExactly("b", "c");
        assertThat(strays).containsExactly("stray");
        var third = comesBack(a, second);
        assertThat(third.said).isEmpty();
        taken.send(message("another"));
        assertThat(strays).containsExactly("stray", "another");
        assertThat(second.ended).isTrue();
    }

    @Test
    void a_client_that_comes_back_to_the_same_process_finds_what_that_has_not_written_yet() {
        var stream = a.openStanding();
        var first = begun(stream);
        storage.hold();
        stream.send(message("a"));
        stream.lost(first);
        stream.send(message("b"));
        var second = comesBack(a, first);
        storage.release();
        storage.release();
        assertThat(second.said).containsExactly("a", "b");
    }

    @Test
    void what_is_still_said_on_a_stream_that_is_taken_is_handed_on() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.lost(first);
        comesBack(b, first);
        stream.send(message("x"));
        stream.send(message("y"));
        assertThat(strays).containsExactly("x", "y");
    }

    @Test
    void what_is_handed_on_before_the_stream_is_carried_is_said_on_it() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        assertThat(b.takes(message("too early"))).isFalse();
        var taken = b.fetch(first.lastId()).orElseThrow();
        assertThat(b.takes(message("x"))).isTrue();
        var second = new Connection();
        taken.resume(first.lastId(), second);
        settle();
        assertThat(second.said).containsExactly("x");
        assertThat(b.takes(message("too late"))).isFalse();
    }

    @Test
    void what_is_still_said_on_a_stream_that_is_back_here_is_said_on_it() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        comesBack(b, first);
        var third = comesBack(a, new Connection(), first.lastId());
        stream.send(message("x"));
        settle();
        assertThat(third.said).containsExactly("x");
        assertThat(strays).isEmpty();
    }

    @Test
    void a_stream_of_a_session_that_is_let_go_and_restored_has_another_name() {
        var before = a.openStanding();
        a.leave(PATIENCE);
        var again = log("a", background).openStanding();
        assertThat(again.name()).isNotEqualTo(before.name());
    }

    /** Each time that a stream is looked at, its writer has written on. */
    @Test
    void a_stream_is_taken_from_a_writer_that_never_rests() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("seen"));
        stream.lost(first);
        var busy = new WrappedEvents(storage.node("b"));
        busy.afterRead = () -> stream.send(message("more"));
        var second = comesBack(log("b", background, busy), first);
        settle();
        assertThat(second.said).isNotEmpty().containsOnly("more");
        assertThat(second.said.size() + strays.size()).isEqualTo(busy.reads);
    }

    /** As when a question reaches the store twice. */
    @Test
    void a_stream_that_was_taken_without_an_answer_is_gone_on_with_from_what_the_store_has() {
        var deaf = new WrappedEvents(storage.node("b"));
        var here = log("b", background, deaf);
        var first = begun(here.openStanding());
        var second = comesBack(a, first, first.lastId());
        var there = a.find(first.lastId()).orElseThrow();
        there.send(message("there"));
        there.lost(second);
        deaf.lost = 1;
        var third = comesBack(here, new Connection(), first.lastId());
        assertThat(third.said).containsExactly("there");
    }

    @Test
    void a_question_on_a_stream_that_is_back_here_is_asked_on_it_and_elsewhere_not() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        comesBack(b, first);
        stream.send(message("noticed"));
        assertThat(stream.ask(question())).isFalse();
        var third = comesBack(a, new Connection(), first.lastId());
        assertThat(stream.ask(question())).isTrue();
        settle();
        assertThat(third.said).containsExactly("elicitation/create");
    }

    /** It went out while the store could not be asked. */
    @Test
    void what_the_store_has_missed_is_written_when_a_client_that_knows_it_comes_elsewhere() {
        var stream = answer(a);
        var first = begun(stream);
        storage.away(true);
        stream.send(message("a"));
        storage.away(false);
        stream.lost(first);
        stream.send(message("b"));
        storage.empty();
        var second = comesBack(b, first);
        last(stream, "c");
        settle();
        assertThat(second.said).containsExactly("b", "c");
    }

    @Test
    void a_stream_goes_on_elsewhere_behind_what_the_store_has_missed() {
        var stream = a.openStanding();
        var first = begun(stream);
        storage.away(true);
        stream.send(message("a"));
        stream.lost(first);
        stream.send(message("b"));
        storage.away(false);
        assertThat(comesBack(b, first).said).containsExactly("b");
        assertThat(strays).isEmpty();
    }

    @Test
    void what_the_store_has_missed_of_a_stream_that_is_taken_is_handed_on_once() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        storage.away(true);
        stream.send(message("b"));
        stream.send(message("c"));
        storage.away(false);
        comesBack(b, first);
        alarms.fire(Journal.AGAIN);
        settle();
        assertThat(strays).containsExactly("b", "c");
        stream.send(message("d"));
        assertThat(strays).containsExactly("b", "c", "d");
    }

    /** As when its connection to the store breaks, and the same is sent again. */
    @Test
    void what_was_written_before_the_stream_was_taken_is_not_handed_on_when_it_is_written_again() {
        var repeating = new WrappedEvents(storage.node("a"));
        var here = log("a", background, repeating);
        var stream = here.openStanding();
        var first = begun(stream);
        stream.lost(first);
        repeating.hold = true;
        stream.send(message("a"));
        stream.send(message("b"));
        var second = comesBack(b, first);
        assertThat(second.said).containsExactly("a");
        repeating.repeat();
        assertThat(strays).containsExactly("b");
    }

    /** Between the taking of it and its going on here. */
    @Test
    void what_is_said_on_a_stream_while_it_comes_back_is_said_once_and_in_order() {
        var busy = new WrappedEvents(storage.node("a"));
        var here = log("a", background, busy);
        var stream = here.openStanding();
        var first = begun(stream);
        stream.send(message("seen"));
        stream.lost(first);
        var second = comesBack(b, first);
        var there = b.find(first.lastId()).orElseThrow();
        there.send(message("there"));
        busy.afterTake =
                () -> {
                    storage.hold();
                    stream.send(message("x"));
                    stream.send(message("y"));
                };
        var third = comesBack(here, second);
        stream.send(message("z"));
        storage.release();
        storage.release();
        storage.release();
        assertThat(third.said).containsExactly("x", "y", "z");
        here.find(first.lastId()).orElseThrow().send(message("on"));
        settle();
        assertThat(third.said).containsExactly("x", "y", "z", "on");
        assertThat(strays).isEmpty();
    }

    @Test
    void what_is_too_large_to_be_kept_is_nothing_that_a_client_may_miss() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        stream.send(message("large".repeat(EventLog.LARGEST / 5)));
        stream.lost(first);
        assertThat(b.fetch(EventStream.id(stream.name(), 1))).isEmpty();
        var second = comesBack(b, first);
        last(stream, "b");
        settle();
        assertThat(second.said).containsExactly("b");
    }

    @Test
    void what_the_store_has_missed_of_an_answer_is_not_forgotten_when_it_is_old() {
        var stream = answer(a);
        var first = begun(stream);
        var second = comesBack(b, first);
        storage.away(true);
        last(stream, "done");
        clock.advance(EventLog.AGE.plusSeconds(2));
        alarms.fire(EventLog.AGE);
        storage.away(false);
        alarms.fire(Journal.AGAIN);
        settle();
        assertThat(second.ended).isTrue();
        assertThat(alarms.set(Mirror.LOOK)).isOne();
        alarms.fire(Mirror.LOOK);
        assertThat(alarms.set(Mirror.LOOK)).isZero();
    }

    @Test
    void what_nobody_knows_is_waited_for_by_nobody() {
        dead.add("b");
        assertThat(a.fetch("pb.1-1")).isEmpty();
        assertThat(a.fetch("gb.1-1")).isEmpty();
    }

    private static Question question() {
        return new Question(
                Spliced.of(JsonRpc.request(Json.of("q"), "elicitation/create", Json.EMPTY_OBJECT)),
                _ -> {});
    }

    /** A store of which a test makes something else. */
    private static final class WrappedEvents implements EventStorage {
        private final EventStorage next;
        private Runnable afterRead = () -> {};
        private int reads;
        private Runnable afterTake = () -> {};
        private final List<Runnable> again = new ArrayList<>();
        private boolean hold; // the answer to what is appended, which is sent again
        private int lost; // answers to takings

        WrappedEvents(EventStorage next) {
            this.next = next;
        }

        @Override
        public CompletionStage<Appended> append(Batch batch) {
            var done = next.append(batch);
            if (!hold) {
                return done;
            }
            var second = new CompletableFuture<Appended>();
            again.add(() -> next.append(batch).thenAccept(second::complete));
            return second;
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
            afterTake.run();
            return done && lost-- <= 0;
        }
    }

    @Test
    void a_stream_that_is_left_is_not_over_for_its_client() {
        var stream = answer(a);
        var connection = begun(stream);
        stream.send(message("a"));
        settle();
        stream.lost(connection);
        storage.hold();
        answer(a).send(message("b"));
        Thread.ofVirtual().start(() -> a.leave(PATIENCE));
        await().until(() -> stream.isEnded());
        assertThat(stream.isOverAt(connection.lastId())).isFalse();
        storage.release();
    }

    /** What the store has, others may tell before the answer of the store is here. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void what_another_process_has_told_meanwhile_is_not_told_again(boolean over) {
        var stream = answer(a);
        var first = begun(stream);
        storage.hold();
        if (over) {
            last(stream, "a");
        } else {
            stream.send(message("a"));
        }
        stream.lost(first);
        var second = comesBack(b, first);
        assertThat(second.said).containsExactly("a");
        var third = comesBack(a, second);
        if (!over) {
            stream.send(message("b"));
        }
        storage.release();
        storage.release();
        settle();
        assertThat(third.said).isEqualTo(over ? List.of() : List.of("b"));
        assertThat(third.ended).isEqualTo(over);
    }

    @Test
    void while_the_store_is_away_streams_go_on_and_when_it_is_back_it_has_everything() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        storage.away(true);
        stream.send(message("b"));
        stream.send(message("c"));
        assertThat(first.said).containsExactly("a", "b", "c");
        storage.away(false);
        stream.send(message("d"));
        var mirror = b.fetch(stream.beginning()).orElseThrow();
        var second = new Connection();
        mirror.resume(stream.beginning(), second);
        settle();
        assertThat(second.said).containsExactly("a", "b", "c", "d");
    }

    @Test
    void while_the_store_is_away_a_client_comes_back_where_it_was() {
        var stream = a.openStanding();
        var first = begun(stream);
        storage.away(true);
        stream.lost(first);
        stream.send(message("a"));
        assertThat(comesBack(a, first).said).containsExactly("a");
        assertThatThrownBy(() -> b.fetch(first.lastId()))
                .isInstanceOf(Fault.StorageUnavailable.class);
    }

    @Test
    void an_end_that_could_not_be_written_is_written_when_somebody_asks() {
        var stream = answer(a);
        var first = begun(stream);
        storage.away(true);
        last(stream, "done");
        storage.away(false);
        var second = comesBack(b, begun(answer(b)), stream.beginning());
        assertThat(second.said).containsExactly("done");
        assertThat(first.said).containsExactly("done");
    }

    @Test
    void what_the_store_has_missed_is_written_when_it_is_back_even_if_nothing_more_comes() {
        var stream = answer(a);
        var first = begun(stream);
        storage.away(true);
        stream.send(message("a"));
        alarms.fire(Journal.AGAIN);
        settle();
        storage.away(false);
        alarms.fire(Journal.AGAIN.multipliedBy(2));
        settle();
        stream.lost(first);
        var second = comesBack(b, first);
        last(stream, "b");
        settle();
        assertThat(second.said).containsExactly("b");
        assertThat(alarms.set(Journal.AGAIN.multipliedBy(4))).isZero();
    }

    @Test
    void what_waits_for_the_store_holds_back_who_sends() {
        var stream = answer(a);
        var connection = begun(stream);
        storage.hold();
        for (int i = 0; i < 200; i++) {
            stream.send(message("m" + i));
        }
        assertThat(stream.isBehind()).isTrue();
        assertThat(stream.isCrowded()).isFalse();
        storage.release();
        assertThat(stream.isBehind()).isFalse();
        assertThat(connection.said).hasSize(200);
    }

    @Test
    void a_process_that_leaves_sends_those_elsewhere_whom_it_reads_to() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        var second = comesBack(b, first);
        b.leave(PATIENCE);
        assertThat(second.ended).isTrue();
        settle();
        last(stream, "b");
        assertThat(comesBack(a, second, first.lastId()).said).containsExactly("b");
    }

    @Test
    void a_process_that_leaves_ends_its_connections_and_nothing_else() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        a.leave(PATIENCE);
        assertThat(first.ended).isTrue();
        var second = comesBack(b, first);
        assertThat(second.ended).isFalse();
        b.find(first.lastId()).orElseThrow().send(message("b"));
        assertThat(second.said).containsExactly("b");
    }

    @Test
    void a_process_that_leaves_waits_until_the_store_has_taken_what_was_said() throws Exception {
        var stream = answer(a);
        var first = begun(stream);
        storage.hold();
        for (int i = 0; i < 3; i++) {
            stream.send(message("m" + i));
        }
        last(stream, "done");
        var leaving = CompletableFuture.runAsync(() -> a.leave(PATIENCE));
        while (storage.releaseOne() || !first.ended) {
            Thread.onSpinWait();
        }
        leaving.get();
        assertThat(first.said).containsExactly("m0", "m1", "m2", "done");
        var second = comesBack(b, begun(answer(b)), stream.beginning());
        assertThat(second.said).containsExactly("m0", "m1", "m2", "done");
    }

    @Test
    void a_process_that_leaves_does_not_wait_for_ever() {
        var first = begun(answer(a));
        storage.hold();
        a.find(first.lastId()).orElseThrow().send(message("m"));
        a.leave(Duration.ofMillis(1));
        assertThat(first.said).isEmpty();
    }

    @Test
    void an_answer_that_takes_long_is_kept_in_the_store_meanwhile() {
        var stream = answer(a);
        int before = storage.appends();
        alarms.fire(Journal.silence());
        assertThat(storage.appends()).isEqualTo(before + 1);
        last(stream, "done");
        alarms.fire(Journal.silence());
        assertThat(alarms.set(Journal.silence())).isZero();
    }

    @Test
    void names_that_are_none_are_looked_for_nowhere() {
        for (var foreign : List.of("", "-", "p-1", "p..1-1", "pa.1x-1", "p a.1-1", "nonsense")) {
            assertThat(a.mayBeElsewhere(foreign)).as(foreign).isFalse();
        }
        assertThat(a.fetch("gb.1--5")).isEmpty();
        assertThat(a.mayBeElsewhere("pb.1-1")).isTrue();
        assertThat(a.fetch("pb.1-1")).isEmpty();
        assertThat(a.fetch("gb.1-x")).isEmpty();
    }

    /** A client whose connections are cut at any moment goes to whichever process. */
    @RepeatedTest(200)
    void nothing_is_lost_or_doubled_whatever_meets_whatever() throws Exception {
        Executor threads = Thread::startVirtualThread;
        logs.clear();
        var one = log("a", threads);
        var other = log("b", threads);
        var stream = answer(one);
        var first = begun(stream);
        soon(() -> !first.ids.isEmpty());
        var sending =
                CompletableFuture.runAsync(
                        () -> {
                            for (int i = 0; i < 200; i++) {
                                stream.send(message("m" + i));
                                Thread.onSpinWait();
                            }
                            last(stream, "end");
                        },
                        threads);
        var heard = new ArrayList<String>();
        var connection = first;
        while (!heard.contains("end")) {
            var to = ThreadLocalRandom.current().nextBoolean() ? one : other;
            var seen = connection;
            heard.addAll(List.copyOf(seen.said));
            if (!heard.contains("end")) {
                var last = heard.isEmpty() ? stream.beginning() : id(stream, heard.size());
                var found =
                        to.mayBeElsewhere(last)
                                ? to.fetch(last).orElseThrow()
                                : to.find(last).orElseThrow();
                connection = new Connection();
                found.resume(last, connection);
                var next = connection;
                soon(() -> next.said.size() > 3 || next.ended);
            }
        }
        sending.get();
        var all = new ArrayList<>(IntStream.range(0, 200).mapToObj(i -> "m" + i).toList());
        all.add("end");
        assertThat(heard).isEqualTo(all);
    }

    private static void soon(Callable<Boolean> isSo) {
        await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1)).until(isSo);
    }

    private static String id(EventStream stream, int number) {
        return EventStream.id(stream.name(), number);
    }
}
