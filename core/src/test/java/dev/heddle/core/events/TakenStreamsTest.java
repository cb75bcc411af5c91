package dev.heddle.core.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.util.Objects.requireNonNull;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Spliced;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/** Streams for what belongs to no call, which go on where their client is. */
class TakenStreamsTest extends TwoProcesses {
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

    /** What is said last at each process is refused, and nothing is there to take it. */
    @Test
    void what_is_said_on_a_stream_that_has_gone_to_and_fro_is_handed_on() {
        var first = begun(a.openStanding());
        var last = first.lastId();
        a.find(last).orElseThrow().lost(first);
        for (var next : List.of(b, a, b)) {
            var connection = comesBack(next, new Connection(), last);
            if (next == a) {
                a.find(last).orElseThrow().lost(connection);
            }
        }
        var here = a.find(last).orElseThrow();
        here.send(message("x"));
        here.send(message("y"));
        assertThat(strays).containsExactly("x", "y");
    }

    @Test
    void a_process_that_leaves_does_not_end_what_the_store_has_missed_something_of() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        storage.away(true);
        stream.send(message("b"));
        storage.away(false);
        a.leave(PATIENCE);
        var second = comesBack(b, first);
        assertThat(second.said).containsExactly("b");
        assertThat(second.ended).isFalse();
    }

    @Test
    void of_two_who_come_back_at_once_the_later_one_goes_on() {
        var held = new WrappedEvents(storage.node("a"));
        var here = log("a", background, held);
        var stream = here.openStanding();
        var first = begun(stream);
        stream.lost(first);
        comesBack(b, first);
        var found = new ArrayList<Resumable>();
        held.afterTake = () -> found.add(here.fetch(first.lastId()).orElseThrow());
        found.add(here.fetch(first.lastId()).orElseThrow());
        for (var one : found) {
            assertThat(one.isOverAt(first.lastId())).isFalse();
        }
        var second = new Connection();
        found.getLast().resume(first.lastId(), second);
        here.find(first.lastId()).orElseThrow().send(message("m"));
        settle();
        assertThat(second.said).containsExactly("m");
        assertThat(strays).isEmpty();
    }

    @Test
    void a_stream_that_is_taken_before_it_is_carried_is_not_over() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.lost(first);
        var found = a.fetch(first.lastId()).orElseThrow();
        b.fetch(first.lastId());
        assertThat(a.fetch(first.lastId()).orElseThrow()).isNotSameAs(found);
        assertThat(found.isOverAt(first.lastId())).isFalse();
    }

    /** As when a replica takes the place of its master. */
    @Test
    void what_the_store_has_lost_of_a_stream_that_is_taken_is_handed_on() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.send(message("a"));
        stream.lost(first);
        stream.send(message("b"));
        stream.send(message("c"));
        storage.loseLast();
        var second = comesBack(b, first);
        stream.send(message("d"));
        assertThat(second.said).containsExactly("b");
        assertThat(strays).containsExactly("c", "d");
    }

    @Test
    void what_may_have_been_written_is_not_handed_on_until_that_is_known() {
        var failing = new WrappedEvents(storage.node("a"));
        var here = log("a", background, failing);
        var stream = here.openStanding();
        var first = begun(stream);
        stream.lost(first);
        failing.hold = true;
        stream.send(message("written"));
        failing.hold = false;
        var second = comesBack(b, first);
        b.find(first.lastId()).orElseThrow().lost(second);
        var third = comesBack(here, new Connection(), first.lastId());
        failing.fail();
        alarms.fire(Journal.AGAIN);
        settle();
        assertThat(second.said).containsExactly("written");
        assertThat(third.said).containsExactly("written");
    }

    @Test
    void whoever_waits_for_a_stream_to_be_sent_that_is_taken_goes_on() {
        var stream = a.openStanding();
        var first = begun(stream);
        stream.lost(first);
        comesBack(b, first);
        stream.send(message("noticed"));
        var sent = new AtomicInteger();
        stream.whenSent(sent::incrementAndGet);
        assertThat(sent).hasValue(1);
        assertThat(stream.isSent()).isTrue();
    }

    @Test
    void a_stream_of_which_it_is_not_known_whether_it_is_taken_is_not_gone_on_with() {
        var deaf = new WrappedEvents(storage.node("a"));
        var here = log("a", background, deaf);
        var stream = here.openStanding();
        var first = begun(stream);
        stream.lost(first);
        var second = comesBack(b, first);
        b.find(first.lastId()).orElseThrow().send(message("there"));
        deaf.afterTake =
                () -> {
                    throw new Fault.StorageUnavailable("no answer");
                };
        assertThatThrownBy(() -> here.fetch(first.lastId()))
                .isInstanceOf(Fault.StorageUnavailable.class);
        assertThat(second.said).containsExactly("there");
        assertThat(comesBack(here, new Connection(), first.lastId()).said).containsExactly("there");
    }

    @Test
    void what_is_handed_on_while_it_is_not_known_whether_a_stream_is_taken_is_said_on_it() {
        var deaf = new WrappedEvents(storage.node("b"));
        var there = log("b", background, deaf);
        var stream = a.openStanding();
        var first = begun(stream);
        stream.lost(first);
        deaf.afterTake =
                () -> {
                    throw new Fault.StorageUnavailable("no answer");
                };
        assertThatThrownBy(() -> there.fetch(first.lastId()))
                .isInstanceOf(Fault.StorageUnavailable.class);
        stream.send(message("x"));
        assertThat(strays).containsExactly("x");
        assertThat(there.takes(message("x"))).isTrue();
        var taken = (EventStream) there.fetch(first.lastId()).orElseThrow();
        assertThat(there.takes(message("y"))).isTrue();
        var second = new Connection();
        taken.resume(first.lastId(), second);
        assertThat(second.said).containsExactly("x", "y");
        alarms.fire(Journal.AGAIN);
        assertThat(there.takes(message("late"))).isFalse();
    }

    @Test
    void what_is_said_here_while_a_stream_does_not_come_back_is_handed_on_then() {
        var deaf = new WrappedEvents(storage.node("a"));
        var here = log("a", background, deaf);
        var stream = here.openStanding();
        var first = begun(stream);
        stream.lost(first);
        comesBack(b, first);
        stream.send(message("noticed"));
        deaf.afterTake =
                () -> {
                    throw new Fault.StorageUnavailable("no answer");
                };
        assertThatThrownBy(() -> here.fetch(first.lastId()))
                .isInstanceOf(Fault.StorageUnavailable.class);
        stream.send(message("x"));
        assertThat(here.takes(message("told to all"))).isTrue();
        assertThat(strays).containsExactly("noticed");
        alarms.fire(Journal.AGAIN);
        assertThat(strays).containsExactly("noticed", "x");
    }

    /**
     * Its client is cut off at any moment and goes to whichever process, and of the questions to
     * the store some get no answer.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 10})
    void nothing_is_lost_or_doubled_wherever_the_client_goes(int unanswered) throws Exception {
        for (int round = 0; round < 40; round++) {
            new ToAndFro(unanswered).run();
        }
    }

    /** What is said at the process {@code a}, while its client goes to and fro. */
    private final class ToAndFro {
        private static final int MESSAGES = 60;
        private static final Duration CUT = Duration.ofMillis(5);

        private final Executor threads = Thread::startVirtualThread;
        private final Map<String, EventLog> processes = new HashMap<>();
        private final Map<String, EventStream> streams = new ConcurrentHashMap<>();
        private final List<String> heard = new ArrayList<>();
        private String last;

        ToAndFro(int unanswered) {
            handed = (from, message) -> threads.execute(() -> takenBy(other(from), message));
            logs.clear();
            for (var node : List.of("a", "b")) {
                var events = new WrappedEvents(storage.node(node));
                events.unanswered = unanswered;
                processes.put(node, log(node, threads, events));
            }
            var stream = at("a").openStanding();
            streams.put("a", stream);
            last = stream.beginning();
        }

        private EventLog at(String node) {
            return requireNonNull(processes.get(node));
        }

        private static String other(String node) {
            return node.equals("a") ? "b" : "a";
        }

        /** As a session does with what another process tells it. */
        private void takenBy(String node, Spliced message) {
            if (!at(node).takes(message)) {
                Optional.ofNullable(streams.get(node)).ifPresent(one -> one.send(message));
            }
        }

        void run() throws Exception {
            var sending = CompletableFuture.runAsync(this::send, threads);
            long until = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (heard.size() < MESSAGES && System.nanoTime() < until) {
                comeBack(ThreadLocalRandom.current().nextBoolean() ? "a" : "b");
            }
            sending.get();
            comeBack("a");
            assertThat(heard)
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.range(0, MESSAGES).mapToObj(i -> "m" + i).toList());
        }

        private void send() {
            for (int i = 0; i < MESSAGES; i++) {
                requireNonNull(streams.get("a")).send(message("m" + i));
                LockSupport.parkNanos(ThreadLocalRandom.current().nextInt(200_000));
            }
        }

        private void comeBack(String node) throws InterruptedException {
            try {
                var stream = (EventStream) at(node).fetch(last).orElseThrow();
                assertThat(stream.canResume(last)).isTrue();
                assertThat(stream.isOverAt(last)).isFalse();
                streams.put(node, stream);
                var connection = new Connection();
                stream.resume(last, connection);
                Thread.sleep(Duration.ofNanos(ThreadLocalRandom.current().nextLong(CUT.toNanos())));
                var said = List.copyOf(connection.said);
                heard.addAll(said);
                last = said.isEmpty() ? last : connection.ids.get(said.size() - 1);
                stream.lost(connection);
            } catch (Fault.StorageUnavailable unanswered) {
                // it tries again
            }
            for (int i = 1; i < 16; i *= 2) {
                alarms.fire(Journal.AGAIN.multipliedBy(i));
            }
        }
    }
}
