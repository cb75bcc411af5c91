package dev.heddle.core.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Answers, and what all streams have in common. */
class SharedStreamsTest extends TwoProcesses {
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
    }

    /** As when a replica takes the place of its master. */
    @Test
    void the_end_of_an_answer_that_the_store_has_lost_is_written_again_for_who_waits_for_it() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        last(stream, "done");
        storage.loseLast();
        var second = comesBack(b, first);
        assertThat(second.ended).isFalse();
        alarms.fire(Mirror.LOOK);
        settle();
        assertThat(second.said).containsExactly("done");
        assertThat(second.ended).isTrue();
    }

    @Test
    void an_end_without_an_answer_that_the_store_has_lost_is_written_again_too() {
        var stream = answer(a);
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        stream.end();
        storage.loseLast();
        var second = comesBack(b, first);
        assertThat(second.ended).isFalse();
        alarms.fire(Mirror.LOOK);
        settle();
        assertThat(second.ended).isTrue();
    }

    /** Until it has told it. */
    @Test
    void an_answer_that_another_process_carries_does_not_count_as_told_when_it_ends() {
        var stream = answer(a);
        var second = comesBack(b, begun(stream));
        last(stream, "done");
        assertThat(stream.isTold()).isFalse();
        settle();
        assertThat(second.said).containsExactly("done");
        assertThat(stream.isTold()).isTrue();
    }

    @Test
    void an_answer_of_a_process_that_leaves_is_not_ended_by_it() {
        var stream = answer(a);
        var first = begun(stream);
        stream.lost(first);
        storage.away(true);
        stream.send(message("a"));
        storage.away(false);
        a.leave(PATIENCE);
        dead.add("a");
        var second = comesBack(b, begun(answer(b)), stream.beginning());
        assertThat(second.said).containsExactly("a", "7:true");
    }

    @Test
    void what_is_forgotten_for_want_of_room_is_forgotten_in_the_store_too() {
        var stream = answer(a);
        stream.send(message("a"));
        stream.send(message("b"));
        last(stream, "c");
        assertThat(storage.size(stream.name())).isEqualTo(3);
        var other = answer(a);
        for (int i = 0; i < EventLog.MOST_EVENTS; i++) {
            other.send(message("more"));
        }
        alarms.fire(EventLog.TICK);
        settle();
        assertThat(storage.size(stream.name())).as("beginning and end").isEqualTo(2);
        assertThat(b.fetch(stream.beginning())).isEmpty();
        assertThat(b.fetch(id(stream, 3)).orElseThrow().isOverAt(id(stream, 3))).isTrue();
    }

    @Test
    void an_answer_that_another_process_has_told_to_its_end_makes_room_first() {
        var stream = answer(a);
        var first = begun(stream);
        stream.lost(first);
        last(stream, "done");
        assertThat(stream.isTold()).isFalse();
        comesBack(b, begun(answer(b)), stream.beginning());
        assertThat(stream.isTold()).isTrue();
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
}
