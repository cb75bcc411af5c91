package dev.heddle.core.events;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

class EventLogTest {
    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final EventLog log = new EventLog(alarms, Optional.empty());

    /** A connection that keeps what it carries. */
    private static final class Connection implements Taker {
        private final List<String> ids = new CopyOnWriteArrayList<>();
        private final List<String> said = new CopyOnWriteArrayList<>();
        private volatile boolean ended;

        @Override
        public void event(String id, Spliced message) {
            ids.add(id);
            said.add(message.envelope().method());
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

    private static void last(EventStream stream, Spliced message) {
        stream.last(message, message);
    }

    private static Connection carry(EventStream stream) {
        var connection = new Connection();
        stream.begin(connection);
        return connection;
    }

    private static Connection carry(EventStream stream, String last) {
        var connection = new Connection();
        stream.resume(last, connection);
        return connection;
    }

    @Test
    void a_client_that_comes_back_gets_what_it_has_missed_and_then_what_comes() {
        var stream = log.openAnswer(List.of());
        var first = carry(stream);
        stream.send(message("a"));
        stream.lost(first);
        stream.send(message("b"));
        stream.send(message("c"));
        var found = log.find(first.lastId()).orElseThrow();
        var second = carry(found, first.lastId());
        stream.send(message("d"));
        last(stream, message("e"));
        assertThat(first.said).containsExactly("a");
        assertThat(second.said).containsExactly("b", "c", "d", "e");
        assertThat(second.ended).isTrue();
    }

    @Test
    void a_client_whose_place_is_forgotten_while_it_comes_back_is_not_told_the_rest_alone() {
        var stream = log.openAnswer(List.of());
        var first = carry(stream);
        stream.send(message("a"));
        var last = first.lastId();
        var found = log.find(last).orElseThrow();
        assertThat(found.canResume(last)).isTrue();
        for (int i = 0; i < EventLog.MOST_EVENTS + 2; i++) {
            stream.send(message("m" + i));
        }
        var second = carry(found, last);
        assertThat(second.said).isEmpty();
        assertThat(second.ended).isTrue();
    }

    @Test
    void an_answer_that_came_while_nobody_was_there_is_told_to_who_comes_back() {
        var stream = log.openAnswer(List.of());
        var beginning = stream.beginning();
        last(stream, message("done"));
        var connection = carry(log.find(beginning).orElseThrow(), beginning);
        assertThat(connection.said).containsExactly("done");
        assertThat(connection.ended).isTrue();
        var again = carry(stream, connection.lastId());
        assertThat(again.said).isEmpty();
        assertThat(again.ended).isTrue();
    }

    @Test
    void what_goes_out_on_one_stream_is_not_told_on_another() {
        var one = log.openStanding();
        var other = log.openAnswer(List.of());
        one.send(message("a"));
        other.send(message("b"));
        assertThat(carry(one).said).containsExactly("a");
        assertThat(EventLog.isOfStanding(one.beginning())).isTrue();
        assertThat(EventLog.isOfStanding(other.beginning())).isFalse();
    }

    @Test
    void a_connection_that_takes_over_ends_the_one_before() {
        var stream = log.openStanding();
        var first = carry(stream);
        var second = carry(stream);
        stream.lost(first);
        stream.send(message("a"));
        assertThat(first.ended).isTrue();
        assertThat(first.said).isEmpty();
        assertThat(second.said).containsExactly("a");
    }

    @Test
    void events_are_forgotten_when_there_are_too_many_and_whoever_missed_them_is_told() {
        var old = log.openAnswer(List.of());
        old.send(message("old"));
        last(old, message("end"));
        var stream = log.openAnswer(List.of());
        IntStream.range(0, EventLog.MOST_EVENTS + 1).forEach(i -> stream.send(message("m" + i)));
        assertThat(log.find(old.beginning())).isEmpty();
        assertThat(stream.canResume(stream.beginning())).isFalse();
        assertThat(carry(stream).said).hasSize(EventLog.MOST_EVENTS).endsWith("m1000");
    }

    @Test
    void events_are_forgotten_when_they_are_too_large_or_too_old() {
        var stream = log.openAnswer(List.of());
        var large = Json.object(members -> members.put("x", "y".repeat(3_000_000)));
        stream.send(Spliced.of(JsonRpc.notification("large", large)));
        stream.send(Spliced.of(JsonRpc.notification("larger", large)));
        assertThat(carry(stream).said).containsExactly("larger");
        last(stream, message("end"));
        clock.advance(EventLog.AGE);
        alarms.fire(EventLog.AGE);
        assertThat(log.find(stream.beginning())).isEmpty();
        assertThat(alarms.size()).isZero();
    }

    private EventStream away(String... said) {
        var stream = log.openAnswer(List.of());
        var connection = carry(stream);
        stream.lost(connection);
        for (var text : said) {
            stream.send(message(text));
        }
        return stream;
    }

    @Test
    void what_is_on_its_way_is_forgotten_before_what_waits_for_its_client() {
        var waiting = away("a");
        var busy = log.openAnswer(List.of());
        var connection = carry(busy);
        for (int i = 0; i < 2 * EventLog.MOST_EVENTS; i++) {
            busy.send(message("b"));
        }
        assertThat(connection.said).hasSize(2 * EventLog.MOST_EVENTS);
        assertThat(carry(waiting).said).containsExactly("a");
    }

    /** Of which some may be in the connection still when that breaks. */
    @Test
    void what_went_out_last_is_kept_however_much_waits_for_its_client() {
        away(
                IntStream.range(0, EventLog.MOST_EVENTS)
                        .mapToObj(i -> "w" + i)
                        .toArray(String[]::new));
        var busy = log.openAnswer(List.of());
        var connection = carry(busy);
        for (int i = 0; i < 500; i++) {
            busy.send(message("b" + i));
        }
        busy.lost(connection);
        var received = connection.ids.get(400);
        assertThat(busy.canResume(received)).isTrue();
        assertThat(carry(busy, received).said).hasSize(99).startsWith("b401");
    }

    @Test
    void what_has_been_told_to_its_end_is_forgotten_before_what_is_on_its_way() {
        var busy = log.openAnswer(List.of());
        carry(busy);
        busy.send(message("a"));
        for (int i = 0; i < 2 * EventLog.MOST_EVENTS; i++) {
            var told = log.openAnswer(List.of());
            var connection = carry(told);
            told.send(message("b"));
            last(told, message("c"));
            assertThat(told.canResume(connection.ids.getFirst())).isTrue();
        }
        assertThat(carry(busy).said).containsExactly("a");
    }

    @Test
    void what_is_too_long_to_be_kept_is_sent_and_makes_nobody_else_forget() {
        var waiting = away("a");
        var large = log.openAnswer(List.of());
        var connection = carry(large);
        large.send(message("b"));
        last(large, message("c".repeat(EventLog.LARGEST)));
        assertThat(connection.said).hasSize(2);
        assertThat(large.canResume(connection.ids.getFirst())).isFalse();
        assertThat(large.canResume(connection.lastId())).isTrue();
        assertThat(carry(waiting).said).containsExactly("a");
    }

    @Test
    void an_event_is_not_kept_longer_because_others_came_before_it() {
        away("a");
        clock.advance(Duration.ofSeconds(1));
        var later = away("b");
        clock.advance(EventLog.AGE.minusSeconds(1));
        alarms.fire(EventLog.AGE);
        assertThat(later.canResume(later.beginning())).isTrue();
        clock.advance(Duration.ofSeconds(1));
        alarms.fire(Duration.ofSeconds(1));
        assertThat(later.canResume(later.beginning())).isFalse();
    }

    @Test
    void a_log_that_is_closed_keeps_nothing_and_sends_what_comes_still() {
        var stream = log.openAnswer(List.of());
        var connection = carry(stream);
        stream.send(message("a"));
        log.close();
        last(stream, message("b"));
        assertThat(connection.said).containsExactly("a", "b");
        assertThat(stream.canResume(stream.beginning())).isFalse();
        assertThat(log.find(connection.lastId())).isEmpty();
        assertThat(alarms.size()).isZero();
    }

    @Test
    void a_client_that_is_lost_again_has_its_time_from_then_on() {
        var stream = log.openAnswer(List.of());
        var lost = new AtomicInteger();
        var request = JsonRpc.request(Json.of(7), "elicitation/create", Json.EMPTY_OBJECT);
        var first = carry(stream);
        stream.ask(new Question(Spliced.of(request), _ -> {}, lost::incrementAndGet));
        stream.lost(first);
        var second = carry(stream);
        var afterTheFirst = new AtomicInteger();
        alarms.after(EventLog.RETURN, () -> afterTheFirst.set(lost.get()));
        stream.lost(second);
        alarms.fire(EventLog.RETURN); // in the order in which they were set
        assertThat(afterTheFirst).hasValue(0);
        assertThat(lost).hasValue(1);
    }

    @Test
    void a_question_whose_client_stays_away_loses_its_way_and_is_not_asked_here_later() {
        var stream = log.openAnswer(List.of());
        var lost = new AtomicInteger();
        var request = JsonRpc.request(Json.of(7), "elicitation/create", Json.EMPTY_OBJECT);
        var connection = carry(stream);
        stream.ask(new Question(Spliced.of(request), _ -> {}, lost::incrementAndGet));
        stream.lost(connection);
        alarms.fire(EventLog.RETURN);
        assertThat(lost).hasValue(1);
        assertThat(carry(stream).said).isEmpty();
    }

    @Test
    void a_question_whose_client_comes_back_in_time_is_asked_again_there_only() {
        var stream = log.openAnswer(List.of());
        var lost = new AtomicInteger();
        var request = JsonRpc.request(Json.of(7), "elicitation/create", Json.EMPTY_OBJECT);
        stream.ask(new Question(Spliced.of(request), _ -> {}, lost::incrementAndGet));
        var connection = carry(stream);
        alarms.fire(EventLog.RETURN);
        assertThat(lost).hasValue(0);
        assertThat(connection.said).containsExactly("elicitation/create");
    }

    @Test
    void what_is_no_event_of_this_session_is_not_found() {
        log.openAnswer(List.of());
        assertThat(log.find("p9-1")).isEmpty();
        assertThat(log.find("nonsense")).isEmpty();
        assertThat(log.openAnswer(List.of()).canResume("p2-x")).isFalse();
    }

    /** The client changes connections at any moment while events come. */
    @RepeatedTest(300)
    void nothing_is_lost_doubled_or_out_of_order_however_connections_change() throws Exception {
        var stream = log.openAnswer(List.of());
        var connections = new ArrayList<Connection>();
        connections.add(carry(stream));
        var start = new CyclicBarrier(2);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var sending =
                    threads.submit(
                            () -> {
                                start.await();
                                for (int i = 0; i < 50; i++) {
                                    stream.send(message("m" + i));
                                }
                                last(stream, message("end"));
                                return true;
                            });
            start.await();
            while (!sending.isDone() || !connections.getLast().ended) {
                var before = connections.getLast();
                stream.lost(before);
                var last = before.ids.isEmpty() ? seen(connections, stream) : before.lastId();
                connections.add(carry(stream, last));
            }
        }
        var all = connections.stream().flatMap(one -> one.said.stream()).toList();
        assertThat(all).hasSize(51).doesNotHaveDuplicates().endsWith("m49", "end");
    }

    private static String seen(List<Connection> connections, EventStream stream) {
        return connections.reversed().stream()
                .filter(one -> !one.ids.isEmpty())
                .map(Connection::lastId)
                .findFirst()
                .orElse(stream.beginning());
    }
}
