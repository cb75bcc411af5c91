package dev.heddle.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.session.Metadata;
import dev.heddle.core.session.SessionStorage;
import dev.heddle.core.session.SessionStorage.Changes;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What every store of session records does. */
public abstract class SessionStorageContract {
    /** An empty store whose records live for {@code timeToLive}. */
    protected abstract SessionStorage storage(Duration timeToLive);

    /** Lets time pass. */
    protected abstract void pass(Duration time);

    private static final Duration LIFE = Duration.ofSeconds(10);

    @Test
    void a_record_is_created_only_where_there_is_none() {
        var storage = storage(LIFE);
        assertThat(storage.create("a", Map.of("k", "1"))).isTrue();
        assertThat(storage.create("a", Map.of("k", "2"))).isFalse();
        assertThat(storage.load("a")).contains(Map.of("k", "1"));
    }

    @Test
    void an_empty_record_is_a_record() {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        assertThat(storage.load("a")).contains(Map.of());
        assertThat(storage.load("b")).isEmpty();
    }

    @Test
    void one_of_many_creators_wins() throws Exception {
        var storage = storage(LIFE);
        var winners = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                threads.submit(() -> storage.create("a", Map.of()) ? winners.incrementAndGet() : 0);
            }
            threads.shutdown();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(winners).hasValue(1);
    }

    @Test
    void an_update_sets_and_removes_fields_and_leaves_the_others() {
        var storage = storage(LIFE);
        storage.create("a", Map.of("x", "1", "y", "1", "z", "1"));
        assertThat(storage.update("a", new Changes(Map.of("x", "2"), Set.of("y")))).isTrue();
        assertThat(storage.load("a")).contains(Map.of("x", "2", "z", "1"));
    }

    @Test
    void concurrent_updates_of_different_fields_are_all_kept() throws Exception {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                var field = "f" + i;
                threads.submit(() -> storage.update("a", Changes.set(Map.of(field, "1"))));
            }
            threads.shutdown();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(storage.load("a").orElseThrow()).hasSize(50);
    }

    @Test
    void an_update_that_expects_something_else_changes_nothing() {
        var storage = storage(LIFE);
        storage.create("a", Map.of("n", "1", "x", "old"));
        var changes = new Changes(Map.of("n", "2"), Set.of("x"));
        assertThat(storage.update("a", changes.where("n", "2"))).isFalse();
        assertThat(storage.update("a", changes.where("m", "1"))).isFalse();
        assertThat(storage.load("a")).contains(Map.of("n", "1", "x", "old"));
        assertThat(storage.update("a", changes.where("n", "1"))).isTrue();
        assertThat(storage.load("a")).contains(Map.of("n", "2"));
        assertThat(storage.update("a", Changes.set(Map.of("m", "1")).where("m", ""))).isTrue();
    }

    @Test
    void one_of_many_who_expect_the_same_wins() throws Exception {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        var winners = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                var mine = Changes.set(Map.of("n", "won by " + i)).where("n", "");
                threads.submit(() -> storage.update("a", mine) ? winners.incrementAndGet() : 0);
            }
            threads.shutdown();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(winners).hasValue(1);
    }

    @Test
    void values_may_hold_any_text() {
        var storage = storage(LIFE);
        var record =
                Map.of("issuer\0subject", "a\0b \"q\" \\ / \u00e9 \uD83D\uDE00 \n", "empty", "");
        storage.create("a", record);
        assertThat(storage.load("a")).contains(record);
        storage.update("a", Changes.set(Map.of("more", "1")));
        assertThat(storage.load("a").orElseThrow()).containsAllEntriesOf(record);
    }

    @Test
    void of_many_that_are_touched_those_are_named_that_are_not_there() {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        storage.create("b", Map.of());
        storage.update("b", Changes.set(Map.of(Metadata.TERMINATED, "true")));
        assertThat(storage.touch(List.of("a", "b", "c"))).containsExactlyInAnyOrder("b", "c");
    }

    @Test
    void an_update_never_creates() {
        var storage = storage(LIFE);
        assertThat(storage.update("a", Changes.set(Map.of("k", "1")))).isFalse();
        assertThat(storage.load("a")).isEmpty();
    }

    @Test
    void a_touch_never_creates() {
        var storage = storage(LIFE);
        assertThat(storage.touch("a")).isFalse();
        assertThat(storage.load("a")).isEmpty();
    }

    @Test
    void what_was_terminated_does_not_come_back() {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        assertThat(storage.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")))).isTrue();
        assertThat(storage.update("a", Changes.set(Map.of(Metadata.TERMINATED, "false"))))
                .isFalse();
        assertThat(storage.upsert("a", Map.of("k", "1"))).isFalse();
        assertThat(storage.create("a", Map.of())).isFalse();
        assertThat(storage.load("a"))
                .hasValueSatisfying(record -> assertThat(Metadata.isTerminated(record)).isTrue());
    }

    @Test
    void an_upsert_adds_or_changes() {
        var storage = storage(LIFE);
        assertThat(storage.upsert("a", Map.of("x", "1"))).isTrue();
        assertThat(storage.upsert("a", Map.of("y", "1"))).isTrue();
        assertThat(storage.load("a")).contains(Map.of("x", "1", "y", "1"));
    }

    @Test
    void a_deleted_record_is_gone_and_deleting_again_is_no_error() {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        storage.delete("a");
        storage.delete("a");
        assertThat(storage.load("a")).isEmpty();
        assertThat(storage.touch("a")).isFalse();
    }

    @Test
    void a_record_expires_unless_it_is_touched() {
        var storage = storage(LIFE);
        storage.create("touched", Map.of());
        storage.create("left", Map.of());
        for (int i = 0; i < 4; i++) {
            pass(LIFE.dividedBy(2));
            assertThat(storage.touch("touched")).isTrue();
        }
        assertThat(storage.load("touched")).isPresent();
        assertThat(storage.load("left")).isEmpty();
    }

    @Test
    void loading_does_not_extend_a_life() {
        var storage = storage(LIFE);
        storage.create("a", Map.of());
        pass(LIFE.multipliedBy(3).dividedBy(4));
        assertThat(storage.load("a")).isPresent();
        pass(LIFE.dividedBy(2));
        assertThat(storage.load("a")).isEmpty();
        assertThat(storage.update("a", Changes.set(Map.of("k", "1")))).isFalse();
        assertThat(storage.touch("a")).isFalse();
    }

    @Test
    void an_expired_id_can_be_created_again() {
        var storage = storage(LIFE);
        storage.create("a", Map.of("k", "old"));
        pass(LIFE);
        assertThat(storage.create("a", Map.of("k", "new"))).isTrue();
        assertThat(storage.load("a")).contains(Map.of("k", "new"));
    }
}
