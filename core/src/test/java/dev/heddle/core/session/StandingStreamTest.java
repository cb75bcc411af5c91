package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A session in one process whose client listens at another one. */
class StandingStreamTest {
    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final List<String> told = new ArrayList<>();
    private final Set<String> alive = new HashSet<>(Set.of("other"));
    private final Elsewhere elsewhere =
            new Elsewhere(new SessionRecord("id", Optional.of(new Neighbours())));
    private final StandingStream standing = new StandingStream(alarms, false, elsewhere);
    private final List<Spliced> answers = new ArrayList<>();
    private int lost;

    /** A store that processes share. */
    private final class Neighbours implements SessionStorage {
        private final SessionStorage records =
                new LocalSessionStorage(Duration.ofMinutes(1), clock);

        @Override
        public boolean isShared() {
            return true;
        }

        @Override
        public boolean isAlive(String node) {
            return alive.contains(node);
        }

        @Override
        public void tell(String id, String message) {
            told.add(message);
        }

        @Override
        public boolean create(String id, Map<String, String> record) {
            return records.create(id, record);
        }

        @Override
        public Optional<Map<String, String>> load(String id) {
            return records.load(id);
        }

        @Override
        public boolean touch(String id) {
            return records.touch(id);
        }

        @Override
        public boolean update(String id, Changes changes) {
            return records.update(id, changes);
        }

        @Override
        public boolean upsert(String id, Map<String, String> record) {
            return records.upsert(id, record);
        }

        @Override
        public void delete(String id) {
            records.delete(id);
        }
    }

    private Question question() {
        var asked = JsonRpc.request(Json.of(1), "elicitation/create", Json.EMPTY_OBJECT);
        return new Question(Spliced.of(asked), answers::add, () -> lost++);
    }

    @Test
    void a_question_for_a_client_elsewhere_loses_its_way_if_that_process_ends_meanwhile() {
        elsewhere.listens("other");
        standing.question(question());
        assertThat(told).singleElement().asString().contains("elicitation/create");
        alive.clear();
        alarms.fire(StandingStream.KNOWN);
        assertThat(lost).isEqualTo(1);
        assertThat(answers).isEmpty();
    }

    @Test
    void a_question_that_has_been_taken_elsewhere_is_left_there() {
        elsewhere.listens("other");
        standing.question(question());
        alarms.fire(StandingStream.KNOWN);
        assertThat(lost).isZero();
        assertThat(alarms.set(StandingStream.KNOWN)).isZero();
    }

    @Test
    void what_waits_for_a_stream_goes_where_the_client_is_found_to_listen() {
        standing.question(question());
        elsewhere.listens("other");
        standing.handOver();
        assertThat(told).singleElement().asString().contains("elicitation/create");
        alive.clear();
        alarms.fire(StandingStream.KNOWN);
        assertThat(lost).isEqualTo(1);
    }

    @Test
    void a_change_of_a_list_counts_as_told_only_where_the_client_hears_of_it() {
        elsewhere.listens("other");
        assertThat(standing.listChanged("notifications/tools/list_changed")).isFalse();
    }
}
