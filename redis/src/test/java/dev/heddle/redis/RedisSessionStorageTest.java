package dev.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.Metadata;
import dev.heddle.core.session.SessionStorage;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.testkit.SessionStorageContract;

import io.lettuce.core.SetArgs;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Against a real server. */
class RedisSessionStorageTest {
    private static final String OLDER = "an older secret, of as many characters too";
    private static final Map<String, String> FULL =
            Map.of(
                    Metadata.BINDING,
                    "https://issuer.example\0anna@example.com",
                    Metadata.BACKEND_IDS,
                    "git",
                    Metadata.BACKEND_SESSION + "git",
                    "the-session-at-git",
                    Metadata.BACKEND_COOKIES + "git",
                    "route=node-7",
                    Metadata.BACKEND_REVISION + "git",
                    "2025-11-25",
                    Metadata.SUBSCRIPTION + "file:///home/anna/notes",
                    "git",
                    Metadata.PROFILE,
                    "{\"revision\":\"2025-11-25\"}");

    private static Store store;

    @BeforeAll
    static void start() {
        store = new Store();
    }

    @AfterAll
    static void stop() {
        store.close();
    }

    @BeforeEach
    void empty() {
        store.empty();
    }

    @Nested
    class Sealed extends SessionStorageContract {
        @Override
        protected SessionStorage storage(Duration timeToLive) {
            return store.node(Optional.of(Vault.of(List.of(Store.SECRET))), timeToLive);
        }

        @Override
        protected void pass(Duration time) {
            store.pass(time);
        }
    }

    @Nested
    class Plain extends SessionStorageContract {
        @Override
        protected SessionStorage storage(Duration timeToLive) {
            return store.node(Optional.empty(), timeToLive);
        }

        @Override
        protected void pass(Duration time) {
            store.pass(time);
        }
    }

    @Test
    void whoever_reads_the_store_learns_no_id_and_no_owner() {
        var node = store.node();
        node.create("the-session-id", FULL);
        assertThat(store.dump())
                .contains("2025-11-25")
                .doesNotContain("the-session-id", "the-session-at-git", "node-7", "anna", "issuer");
        assertThat(node.load("the-session-id")).contains(FULL);
    }

    @Test
    void the_plain_form_is_a_json_object_under_the_sessions_id() {
        store.node(Optional.empty(), Store.LIFE).create("the-session-id", FULL);
        var text = store.connection().sync().get(Store.PREFIX + "the-session-id");
        assertThat(text).contains("\"vmcp.backend.session.git\":\"the-session-at-git\"");
    }

    @Test
    void a_sealed_value_is_worth_nothing_in_another_place() {
        var node = store.node();
        node.create("mine", FULL);
        var names = Vault.of(List.of(Store.SECRET));
        var sync = store.connection().sync();
        var text = sync.get(Store.PREFIX + names.names("mine").getFirst());
        sync.set(
                Store.PREFIX + names.names("other").getFirst(),
                text,
                SetArgs.Builder.ex(1_000_000));
        assertThatThrownBy(() -> node.load("other"))
                .isInstanceOf(Fault.StorageUnavailable.class)
                .hasMessageContaining("sealed");
        assertThat(node.load("mine")).contains(FULL);
    }

    @Test
    void a_secret_is_replaced_without_losing_a_session() {
        var before = store.node(Optional.of(Vault.of(List.of(OLDER))), Store.LIFE);
        before.create("a", FULL);
        var rotated = Optional.of(Vault.of(List.of(Store.SECRET, OLDER)));
        var during = store.node(rotated, Store.LIFE);
        assertThat(during.load("a")).contains(FULL);
        assertThat(during.touch(List.of("a", "none"))).containsExactly("none");
        var moved = Map.of(Metadata.BACKEND_SESSION + "git", "another");
        assertThat(during.update("a", Changes.set(moved))).isTrue();
        assertThat(during.load("a").orElseThrow()).containsAllEntriesOf(moved);
        var watched = Metadata.SUBSCRIPTION + "file:///home/anna/notes";
        during.update("a", new Changes(Map.of(), Set.of(watched)));
        assertThat(during.load("a").orElseThrow()).doesNotContainKey(watched);
        during.create("b", FULL);
        assertThat(store.node().load("b")).contains(FULL);
        during.delete("a");
        assertThat(before.load("a")).isEmpty();
    }

    @Test
    void a_record_of_ten_backends_is_small() {
        var record = new HashMap<String, String>();
        record.put(Metadata.BINDING, "https://issuer.example\0anna@example.com");
        record.put(
                Metadata.PROFILE,
                "{\"revision\":\"2025-11-25\",\"capabilities\":{\"elicitation\":{},\"sampling\":{},"
                    + "\"roots\":{\"listChanged\":true}},\"clientInfo\":{\"name\":\"an-ide\",\"version\":\"1.2.3\"}}");
        var backends = IntStream.range(0, 10).mapToObj(i -> "backend-" + i).toList();
        record.put(Metadata.BACKEND_IDS, String.join(",", backends));
        for (var backend : backends) {
            record.put(Metadata.BACKEND_SESSION + backend, UUID.randomUUID().toString());
            record.put(Metadata.BACKEND_REVISION + backend, "2025-11-25");
            record.put(Metadata.BACKEND_COOKIES + backend, "");
            record.put(Metadata.BACKEND_OPENED + backend, "1");
            record.put(Metadata.BACKEND_CATALOG + backend, "0123abcd");
        }
        record.put(Metadata.HOME, "3w5e11264sgsf 10.42.117.203:8080");
        record.put(Metadata.LISTENER, "3w5e11264sgsf");
        record.put(Metadata.LOG_LEVEL, "warning");
        record.put(Metadata.CREATED, "1790000000000");
        record.put(Metadata.USED, "1790000000000");
        record.put(Metadata.SHOWN + "notifications/tools/list_changed", "0123abcd");
        record.put(Metadata.SHOWN + "notifications/resources/list_changed", "0123abcd4567ef89");
        record.put(Metadata.SHOWN + "notifications/prompts/list_changed", "0123abcd");
        record.put(Metadata.SUBSCRIPTION + "file:///home/anna/project/README.md", "backend-1");
        record.put(Metadata.SUBSCRIPTION + "file:///home/anna/project/pom.xml", "backend-1");
        record.put(Metadata.SUBSCRIPTION + "postgres://db/orders/schema", "backend-2");
        store.node().create("a", record);
        assertThat(store.node().load("a")).contains(record);
        var name = Vault.of(List.of(Store.SECRET)).names("a").getFirst();
        assertThat(store.connection().sync().strlen(Store.PREFIX + name)).isLessThan(3300);
    }

    @Test
    void a_change_is_told_to_the_other_nodes_and_not_to_its_own() {
        var mine = store.node();
        var other = store.node();
        mine.create("a", Map.of());
        var told = new AtomicInteger();
        try (var here = mine.follow("a", new Heard(told));
                var there = other.follow("a", new Heard(told))) {
            assertThat(there.load(Optional::empty)).isPresent();
            mine.update("a", Changes.set(Map.of("k", "1")));
            await().until(() -> !there.isCurrent());
            assertThat(told).hasValue(1);
            assertThat(here.isCurrent()).isTrue();
            assertThat(there.load(Optional::empty).orElseThrow()).containsEntry("k", "1");
            assertThat(there.isCurrent()).isTrue();
            assertThat(mine.touch("a")).isTrue();
            other.update("a", Changes.set(Map.of("q", "1")).quietly());
            other.update("b", Changes.set(Map.of("k", "1")));
            other.delete("a");
            await().until(() -> !here.isCurrent());
            assertThat(told).as("of no use, and of what is quiet neither").hasValue(2);
            assertThat(there.isCurrent()).isTrue();
            assertThat(here.load(Optional::empty)).isEmpty();
        }
    }

    @Test
    void a_message_reaches_the_other_nodes_that_follow_and_nobody_can_read_it() {
        var mine = store.node();
        var other = store.node();
        var stranger = store.node(Optional.of(Vault.of(List.of(OLDER))), Store.LIFE);
        var here = new Heard();
        var there = new Heard();
        var beside = new Heard();
        var foreign = new Heard();
        var wire = store.wire();
        try (var _ = mine.follow("a", here);
                var _ = other.follow("a", there);
                var _ = other.follow("b", beside);
                var _ = stranger.follow("a", foreign)) {
            mine.tell("a", "{\"id\": \"a b\"}");
            await().until(() -> there.messages().equals(List.of("{\"id\": \"a b\"}")));
            assertThat(there.changes()).hasValue(0);
            assertThat(List.of(here, beside, foreign))
                    .allMatch(one -> one.messages().isEmpty() && one.changes().get() == 0);
            await().until(() -> !wire.isEmpty());
            assertThat(wire).noneMatch(text -> text.contains("a b"));
        }
    }

    /** The nodes are given other keys one after the other. */
    @Test
    void nodes_between_which_the_keys_are_changed_know_each_others_sessions_and_messages() {
        var steps =
                List.of(
                        List.of(OLDER),
                        List.of(OLDER, Store.SECRET),
                        List.of(Store.SECRET, OLDER),
                        List.of(Store.SECRET));
        for (int step = 1; step < steps.size(); step++) {
            var before = store.node(Optional.of(Vault.of(steps.get(step - 1))), Store.LIFE);
            var after = store.node(Optional.of(Vault.of(steps.get(step))), Store.LIFE);
            agree(before, after, "first-" + step);
            agree(after, before, "second-" + step);
        }
    }

    private static void agree(RedisSessionStorage one, RedisSessionStorage other, String id) {
        one.create(id, Map.of(Metadata.BINDING, "1"));
        assertThat(other.update(id, Changes.set(Map.of(Metadata.BINDING, "2")))).isTrue();
        assertThat(one.load(id).orElseThrow()).containsEntry(Metadata.BINDING, "2");
        var here = new Heard();
        var there = new Heard();
        try (var _ = one.follow(id, here);
                var _ = other.follow(id, there)) {
            one.tell(id, "to other");
            other.tell(id, "to one");
            await().until(() -> there.messages().equals(List.of("to other")));
            await().until(() -> here.messages().equals(List.of("to one")));
        }
        streamMoves(one.events().orElseThrow(), other.events().orElseThrow(), id);
    }

    /** What is written by one process goes on at another one. */
    static void streamMoves(EventStorage one, EventStorage other, String id) {
        assertThat(appended(one, event(id, 1))).isTrue();
        var kept = other.read(id, "g.1", 0, 10).orElseThrow();
        assertThat(other.take(id, "g.1", kept.place(), 1)).isTrue();
        assertThat(appended(other, event(id, 2))).isTrue();
        assertThat(appended(one, event(id, 3))).isFalse();
        assertThat(one.read(id, "g.1", 0, 10).orElseThrow().entries())
                .filteredOn(entry -> entry.kind() == Kind.EVENT)
                .extracting(Entry::text)
                .containsExactly("event 1", "event 2");
    }

    private static boolean appended(EventStorage to, Batch batch) {
        return to.append(batch).toCompletableFuture().join() instanceof Appended.Written;
    }

    private static Batch event(String id, long number) {
        var entry = new Entry(number, Kind.EVENT, "event " + number);
        return new Batch(id, "g.1", 1, "[]", 0, false, List.of(entry));
    }

    @Test
    void whoever_has_read_an_older_record_than_this_node_knows_of_is_told_so() {
        var mine = store.node();
        var other = store.node();
        mine.create("a", Map.of("k", "1"));
        try (var following = mine.follow("a", new Heard())) {
            var first = following.load(Optional::empty).orElseThrow();
            assertThat(following.isOutdated(first)).isFalse();
            mine.update("a", Changes.set(Map.of("k", "2")));
            assertThat(following.isOutdated(first)).isTrue();
            var second = following.load(Optional::empty).orElseThrow();
            assertThat(following.isOutdated(second)).isFalse();
            other.update("a", Changes.set(Map.of("k", "3")));
            var third = following.load(Optional::empty).orElseThrow();
            assertThat(third).containsEntry("k", "3");
            assertThat(following.isOutdated(second)).isTrue();
            assertThat(following.isOutdated(third)).isFalse();
        }
    }

    @Test
    void who_has_stopped_following_hears_nothing() {
        var mine = store.node();
        var other = store.node();
        var stopped = new AtomicInteger();
        var told = new AtomicInteger();
        var first = mine.follow("a", new Heard(stopped));
        try (var second = mine.follow("a", new Heard(told))) {
            first.close();
            other.upsert("a", Map.of());
            await().until(() -> told.get() == 1);
            assertThat(second.isCurrent()).isFalse();
            assertThat(stopped).hasValue(0);
        }
    }

    @Test
    void what_has_expired_is_claimed_by_one_node_at_a_time_and_kept_until_it_is_settled() {
        var nodes = IntStream.range(0, 3).mapToObj(_ -> store.node()).toList();
        nodes.getFirst().create("left", FULL);
        nodes.getFirst().create("used", FULL);
        store.pass(Store.LIFE.dividedBy(2));
        nodes.getFirst().touch("used");
        assertThat(nodes.getFirst().claimLeftovers()).isEmpty();
        store.pass(Store.LIFE.dividedBy(2));
        assertThat(nodes.getFirst().load("left")).isEmpty();
        var claimed = nodes.stream().flatMap(node -> node.claimLeftovers().stream()).toList();
        assertThat(claimed).hasSize(1);
        assertThat(claimed.getFirst().record()).containsAllEntriesOf(FULL);
        assertThat(nodes.getLast().claimLeftovers()).isEmpty();
        nodes.getLast().settle(claimed.getFirst());
        assertThat(store.records()).isEqualTo(1);
        assertThat(nodes.getFirst().load("used")).isPresent();
    }

    @Test
    void a_session_that_was_terminated_and_left_is_a_leftover_after_a_while() {
        var node = store.node();
        node.create("a", FULL);
        node.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")));
        assertThat(node.claimLeftovers()).isEmpty();
        store.clock.advance(DueList.CLAIM);
        var claimed = node.claimLeftovers();
        assertThat(claimed).hasSize(1);
        assertThat(claimed.getFirst().record()).containsAllEntriesOf(FULL);
    }

    @Test
    void what_cannot_be_settled_is_claimed_ever_more_rarely() {
        var node = store.node();
        node.create("a", FULL);
        store.pass(Store.LIFE.plusHours(10));
        assertThat(node.claimLeftovers()).hasSize(1);
        var due = store.connection().sync().zrangeWithScores(Store.PREFIX + "due", 0, 0);
        double next = due.getFirst().getScore() - store.clock.millis();
        assertThat(next)
                .isBetween(
                        (double) Duration.ofHours(5).toMillis(),
                        (double) Duration.ofHours(5).plusMinutes(1).toMillis());
    }

    @Test
    void many_leftovers_are_claimed_although_one_of_them_cannot_be_read() {
        store.node(Optional.of(Vault.of(List.of(OLDER))), Store.LIFE).create("foreign", FULL);
        var node = store.node();
        IntStream.range(0, 250).forEach(i -> node.create("session " + i, FULL));
        store.pass(Store.LIFE);
        int claimed = 0;
        for (var some = node.claimLeftovers(); !some.isEmpty(); some = node.claimLeftovers()) {
            claimed += some.size();
            some.forEach(node::settle);
        }
        assertThat(claimed).isEqualTo(250);
        assertThat(store.records()).isEqualTo(1);
    }

    @Test
    void a_session_that_ended_properly_leaves_nothing() {
        var node = store.node();
        node.create("a", FULL);
        node.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")));
        node.delete("a");
        assertThat(store.records()).isZero();
        assertThat(store.dump()).doesNotContain("due");
    }

    @Test
    void fields_that_this_version_does_not_know_are_kept() {
        var node = store.node();
        node.create("a", Map.of("heddle.of.tomorrow", "x"));
        node.update("a", new Changes(Map.of("k", "1"), Set.of("none")));
        node.touch("a");
        assertThat(node.load("a").orElseThrow()).containsEntry("heddle.of.tomorrow", "x");
    }
}
