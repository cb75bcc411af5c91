package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A session in one process whose client listens at another one. */
class StandingStreamTest {
    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final Neighbours neighbours = new Neighbours(clock);
    private final Elsewhere elsewhere =
            new Elsewhere(new SessionRecord("id", Optional.of(neighbours)));
    private final StandingStream standing = new StandingStream(alarms, false, elsewhere);
    private final List<Spliced> answers = new ArrayList<>();
    private int lost;

    private Question question() {
        var asked = JsonRpc.request(Json.of(1), "elicitation/create", Json.EMPTY_OBJECT);
        return new Question(Spliced.of(asked), answers::add, () -> lost++);
    }

    @Test
    void a_question_for_a_client_elsewhere_loses_its_way_if_that_process_ends_meanwhile() {
        elsewhere.listens("other");
        standing.question(question());
        assertThat(neighbours.told()).singleElement().asString().contains("elicitation/create");
        neighbours.end("other");
        alarms.fire(RelayedQuestions.KNOWN);
        assertThat(lost).isEqualTo(1);
        assertThat(answers).isEmpty();
    }

    @Test
    void a_question_that_has_been_taken_elsewhere_is_left_there() {
        elsewhere.listens("other");
        standing.question(question());
        standing.taken(Json.of(1));
        alarms.fire(RelayedQuestions.KNOWN);
        assertThat(lost).isZero();
        assertThat(alarms.set(RelayedQuestions.KNOWN)).isZero();
    }

    @Test
    void a_question_that_nobody_has_taken_elsewhere_is_asked_again() {
        elsewhere.listens("other");
        standing.question(question());
        alarms.fire(RelayedQuestions.KNOWN);
        assertThat(lost).isEqualTo(1);
        standing.taken(Json.of(1));
    }

    @Test
    void what_waits_for_a_stream_goes_where_the_client_is_found_to_listen() {
        standing.question(question());
        elsewhere.listens("other");
        standing.handOver();
        assertThat(neighbours.told()).singleElement().asString().contains("elicitation/create");
        neighbours.end("other");
        alarms.fire(RelayedQuestions.KNOWN);
        assertThat(lost).isEqualTo(1);
    }

    private static Envelope update() {
        return JsonRpc.notification(Method.RESOURCE_UPDATED, Json.parse("{\"uri\":\"r:1\"}"));
    }

    private static Envelope asked() {
        return JsonRpc.request(Json.of("theirs"), "elicitation/create", Json.EMPTY_OBJECT);
    }

    @Test
    void who_asked_elsewhere_hears_that_the_client_has_gone_and_asks_again_if_it_must() {
        var stream = new RecordingSink();
        standing.attach(stream, 8);
        standing.relayed(asked());
        stream.nextQuestion().wayLost().run();
        assertThat(neighbours.told())
                .containsExactly(
                        new Relayed.Asked(Json.of("theirs")).text(),
                        new Relayed.Unasked(Json.of("theirs")).text());
        assertThat(stream.order()).containsExactly("question");
    }

    @Test
    void a_question_that_comes_on_two_ways_is_asked_once_until_it_has_lost_its_way() {
        var stream = new RecordingSink();
        standing.attach(stream, 8);
        standing.relayed(asked());
        standing.relayed(asked());
        assertThat(stream.order()).containsExactly("question");
        stream.nextQuestion().wayLost().run();
        standing.relayed(asked());
        assertThat(stream.order()).containsExactly("question", "question");
    }

    @Test
    void what_is_updated_elsewhere_while_the_client_is_away_is_told_on_its_next_stream() {
        var before = new RecordingSink();
        standing.attach(before, 8);
        standing.detach(before, () -> {});
        standing.relayed(update());
        var next = new RecordingSink();
        standing.attach(next, 8);
        assertThat(next.order()).containsExactly(Method.RESOURCE_UPDATED);
    }

    @Test
    void what_comes_while_it_is_being_noted_that_the_client_listens_here_is_told_here() {
        elsewhere.listens("other");
        elsewhere.comes();
        var stream = new RecordingSink();
        standing.attach(stream, 8);
        standing.relayed(asked());
        assertThat(stream.order()).containsExactly("question");
        elsewhere.listens("");
        elsewhere.listens("other");
        standing.relayed(asked());
        assertThat(stream.order()).containsExactly("question");
    }

    @Test
    void a_change_of_a_list_counts_as_told_only_where_the_client_hears_of_it() {
        elsewhere.listens("other");
        assertThat(standing.listChanged("notifications/tools/list_changed")).isFalse();
    }
}
