package dev.heddle.core.rounds;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.sealing.Vault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

class RoundsTest {
    private static final Envelope REQUEST =
            JsonRpc.request(Json.of(1), "tools/call", Json.EMPTY_OBJECT);

    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final ParkedExchanges parked = new ParkedExchanges(alarms);
    private final AtomicInteger cancelled = new AtomicInteger();
    private final AtomicInteger over = new AtomicInteger();
    private final List<Spliced> answers = new CopyOnWriteArrayList<>();
    private final List<Exchange> begun = new ArrayList<>();

    /** A round that keeps what it is asked. */
    private static final class Kept implements Round {
        private final RecordingSink sink = new RecordingSink();
        private final List<Map<String, Question>> asked = new CopyOnWriteArrayList<>();
        private final List<Ticket> tickets = new CopyOnWriteArrayList<>();

        @Override
        public Sink sink() {
            return sink;
        }

        @Override
        public void ask(Map<String, Question> questions, Ticket ticket) {
            asked.add(questions);
            tickets.add(ticket);
        }

        List<String> keys() {
            return List.copyOf(asked.getLast().keySet());
        }
    }

    private Running begin(Round first) {
        return parked.begin(
                REQUEST,
                first,
                _ -> over.incrementAndGet(),
                exchange -> {
                    begun.add(exchange);
                    return cancelled::incrementAndGet;
                });
    }

    private Sink server() {
        return begun.getLast().sink();
    }

    private Question question(int id) {
        var request = JsonRpc.request(Json.of(id), "elicitation/create", Json.EMPTY_OBJECT);
        return new Question(Spliced.of(request), answers::add);
    }

    /** The server asks, and the client is asked. */
    private void ask(int... ids) {
        for (int id : ids) {
            assertThat(server().question(question(id))).isTrue();
        }
        alarms.fire(ParkedExchanges.GATHERING);
    }

    private static Reply result(String text) {
        return new Reply.Response(
                Spliced.of(JsonRpc.result(Json.of(1), Json.object(r -> r.put("text", text)))));
    }

    private static Map<String, Json> all(Kept round) {
        var given = new HashMap<String, Json>();
        round.keys().forEach(key -> given.put(key, Json.object(a -> a.put("action", "accept"))));
        return given;
    }

    @Test
    void a_question_ends_the_round_and_its_answer_comes_with_the_next() {
        var first = new Kept();
        begin(first);
        ask(5);
        assertThat(parked.size()).isOne();
        var second = new Kept();
        assertThat(parked.resume(first.tickets.getLast(), all(first), second)).isPresent();
        assertThat(answers.getLast())
                .hasToString("{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"action\":\"accept\"}}");
        server().reply(result("done"));
        assertThat(second.sink.result().text("text")).contains("done");
        assertThat(parked.size()).isZero();
        assertThat(over).hasValue(1);
    }

    @Test
    void what_was_not_answered_is_asked_again_with_what_came_meanwhile() {
        var first = new Kept();
        begin(first);
        ask(5);
        ask(6);
        var second = new Kept();
        parked.resume(first.tickets.getLast(), Map.of("other", Json.EMPTY_OBJECT), second);
        assertThat(answers).isEmpty();
        assertThat(second.asked.getLast().values())
                .extracting(one -> one.id().toString())
                .containsExactly("5", "6");
        var third = new Kept();
        parked.resume(second.tickets.getLast(), all(second), third);
        assertThat(answers).hasSize(2);
    }

    @Test
    void what_the_server_says_meanwhile_is_said_first_in_the_next_round() {
        var first = new Kept();
        begin(first);
        ask(5);
        server().notification(Spliced.of(JsonRpc.notification("notifications/progress")));
        assertThat(first.sink.isQuiet()).isTrue();
        var second = new Kept();
        ask(6);
        parked.resume(first.tickets.getLast(), all(first), second);
        assertThat(second.sink.order()).containsExactly("notifications/progress");
        server().notification(Spliced.of(JsonRpc.notification("notifications/message")));
        server().reply(result("done"));
        var third = new Kept();
        parked.resume(second.tickets.getLast(), all(second), third);
        assertThat(third.sink.order()).containsExactly("notifications/message", "reply");
    }

    @Test
    void questions_that_are_asked_together_end_the_round_together() {
        var first = new Kept();
        begin(first);
        ask(5, 6, 7);
        assertThat(first.asked).hasSize(1);
        assertThat(first.keys()).hasSize(3);
        parked.resume(first.tickets.getLast(), all(first), new Kept());
        assertThat(answers).hasSize(3);
    }

    @Test
    void a_reply_that_comes_right_behind_a_question_ends_the_round_instead() {
        var first = new Kept();
        begin(first);
        server().question(question(5));
        server().reply(result("early"));
        alarms.fire(ParkedExchanges.GATHERING);
        assertThat(first.asked).isEmpty();
        assertThat(first.sink.result().text("text")).contains("early");
        assertThat(over).hasValue(1);
    }

    @Test
    void a_question_that_is_taken_back_at_once_is_not_asked() {
        var first = new Kept();
        begin(first);
        server().question(question(5));
        var params = Json.object(members -> members.put("requestId", 5));
        server().notification(Spliced.of(JsonRpc.notification("notifications/cancelled", params)));
        alarms.fire(ParkedExchanges.GATHERING);
        assertThat(first.asked).isEmpty();
        ask(6);
        assertThat(first.asked).hasSize(1);
    }

    @Test
    void a_ticket_is_good_once() {
        var first = new Kept();
        begin(first);
        ask(5);
        var ticket = first.tickets.getLast();
        assertThat(parked.resume(ticket, all(first), new Kept())).isPresent();
        assertThat(parked.resume(ticket, all(first), new Kept())).isEmpty();
        assertThat(parked.resume(new Ticket("unknown", 1), Map.of(), new Kept())).isEmpty();
    }

    @Test
    void a_reply_that_came_while_nobody_waited_is_told_to_who_comes_back() {
        var first = new Kept();
        begin(first);
        ask(5);
        server().reply(result("early"));
        var second = new Kept();
        parked.resume(first.tickets.getLast(), all(first), second);
        assertThat(second.sink.result().text("text")).contains("early");
        assertThat(answers).isEmpty();
    }

    @Test
    void a_client_that_does_not_come_back_ends_the_call_at_its_backend() {
        var first = new Kept();
        begin(first);
        ask(5);
        assertThat(alarms.fire(ParkedExchanges.PATIENCE)).isOne();
        assertThat(cancelled).hasValue(1);
        assertThat(answers.getLast().envelope().error()).isPresent();
        assertThat(over).hasValue(1);
        assertThat(parked.resume(first.tickets.getLast(), all(first), new Kept())).isEmpty();
        assertThat(parked.size()).isZero();
    }

    @Test
    void a_client_that_leaves_while_it_waits_ends_the_call_and_one_that_was_asked_does_not() {
        var first = new Kept();
        var running = begin(first);
        ask(5);
        running.cancel();
        assertThat(cancelled).hasValue(0);
        var second = new Kept();
        var resumed = parked.resume(first.tickets.getLast(), all(first), second).orElseThrow();
        resumed.cancel();
        assertThat(cancelled).hasValue(1);
    }

    @Test
    void a_question_that_its_server_takes_back_is_not_waited_for() {
        var first = new Kept();
        begin(first);
        ask(5);
        ask(6);
        var params = Json.object(members -> members.put("requestId", 6));
        server().notification(Spliced.of(JsonRpc.notification("notifications/cancelled", params)));
        var second = new Kept();
        parked.resume(first.tickets.getLast(), all(first), second);
        assertThat(second.asked).isEmpty();
        assertThat(answers).hasSize(1);
    }

    @RepeatedTest(200)
    void of_two_that_come_back_with_one_ticket_one_goes_on() throws Exception {
        var first = new Kept();
        begin(first);
        ask(5);
        var start = new CyclicBarrier(2);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var tries = new ArrayList<Future<Boolean>>();
            for (int i = 0; i < 2; i++) {
                tries.add(
                        threads.submit(
                                () -> {
                                    start.await();
                                    return parked.resume(
                                                    first.tickets.getLast(), all(first), new Kept())
                                            .isPresent();
                                }));
            }
            assertThat(tries.get(0).get() ^ tries.get(1).get()).isTrue();
        }
        assertThat(answers).hasSize(1);
    }

    @Test
    void a_sealed_state_is_good_for_its_use_its_time_and_this_process_only() {
        var states = new RequestStates(Vault.ofThisProcess(), clock);
        var sealed = states.seal("content", "anna's call", Duration.ofMinutes(1));
        assertThat(sealed).doesNotContain("content");
        assertThat(states.open(sealed, "anna's call")).contains("content");
        assertThat(states.open(sealed, "bert's call")).isEmpty();
        assertThat(states.open(sealed + "A", "anna's call")).isEmpty();
        assertThat(states.open("", "anna's call")).isEmpty();
        assertThat(states.open("not sealed at all!", "anna's call")).isEmpty();
        assertThat(new RequestStates(Vault.ofThisProcess(), clock).open(sealed, "anna's call"))
                .isEmpty();
        clock.advance(Duration.ofMinutes(1));
        assertThat(states.open(sealed, "anna's call")).isEmpty();
    }

    @Test
    void no_bit_of_a_sealed_state_can_be_changed() {
        var states = new RequestStates(Vault.ofThisProcess(), clock);
        var sealed = states.seal("content", "call", Duration.ofMinutes(1));
        for (int i = 0; i < sealed.length(); i++) {
            char other = sealed.charAt(i) == 'A' ? 'B' : 'A';
            var changed = sealed.substring(0, i) + other + sealed.substring(i + 1);
            boolean last = i == sealed.length() - 1; // some of its bits stand for nothing
            assertThat(last || states.open(changed, "call").isEmpty()).isTrue();
        }
    }
}
