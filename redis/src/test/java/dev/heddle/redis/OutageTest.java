package dev.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.Metadata;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.redis.testkit.RedisServer;

import io.lettuce.core.KillArgs;
import io.lettuce.core.SetArgs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** The store need not be there all the time. */
class OutageTest {
    private final Store store = new Store();

    @AfterEach
    void stop() {
        store.close();
    }

    @Test
    void what_was_loaded_is_believed_for_a_while_and_read_again_when_the_store_is_back() {
        var node = store.node();
        node.create("a", Map.of());
        try (var following = node.follow("a", new Heard())) {
            store.server.kill();
            await().until(() -> !node.isHearing());
            assertThatThrownBy(() -> node.load("a")).isInstanceOf(Fault.StorageUnavailable.class);
            assertThat(following.isCurrent()).isTrue();
            store.clock.advance(Store.PATIENCE);
            assertThat(following.isCurrent()).isFalse();
            assertThatThrownBy(() -> following.load(Optional::empty))
                    .isInstanceOf(Fault.StorageUnavailable.class);
            store.server.restart();
            Store.awaitThere(node);
            assertThat(following.isCurrent()).isFalse();
            var ours = Map.of("k", "1");
            assertThat(following.load(() -> Optional.of(ours)).orElseThrow())
                    .containsAllEntriesOf(ours);
            assertThat(following.isCurrent()).isTrue();
        }
    }

    @Test
    void a_node_that_starts_before_its_store_uses_it_when_it_is_there() {
        store.server.kill();
        var early =
                new RedisSessionStorage(
                        store.options(),
                        Store.PREFIX,
                        Optional.of(Vault.of(List.of(Store.SECRET))),
                        Store.LIFE,
                        Store.PATIENCE,
                        store.alarms,
                        store.clock);
        try (early) {
            assertThatThrownBy(() -> early.create("a", Map.of()))
                    .isInstanceOf(Fault.StorageUnavailable.class);
            store.server.restart();
            Store.awaitThere(early);
            assertThat(early.create("a", Map.of())).isTrue();
        }
    }

    @Test
    void a_node_that_does_not_hear_its_own_pulse_believes_nothing_to_be_current() {
        var node = store.node();
        node.create("a", Map.of());
        try (var following = node.follow("a", new Heard())) {
            store.clock.advance(Pushes.SILENCE);
            store.connection().sync().clientPause(1000); // nothing comes back in time
            store.alarms.fire(Pushes.PULSE);
            assertThat(node.isHearing()).isFalse();
            assertThat(following.isCurrent()).isTrue();
            await().until(node::isHearing); // by that pulse
            assertThat(following.isCurrent()).isFalse();
        }
    }

    @Test
    void connections_that_were_given_up_for_others_are_kept_when_the_store_is_back() {
        var node = store.node();
        store.server.kill();
        for (int i = 0; i < 10; i++) {
            store.clock.advance(Pushes.PULSE);
            store.alarms.fire(Pushes.PULSE);
        }
        store.server.restart();
        Store.awaitThere(node);
        var wire = store.wire();
        for (int i = 1; i <= 10; i++) {
            int pulses = i;
            store.clock.advance(Pushes.PULSE);
            store.alarms.fire(Pushes.PULSE);
            await().until(() -> wire.size() == pulses && node.isHearing());
        }
    }

    @Test
    void a_push_that_was_lost_with_its_connection_is_made_up_for_by_reading_again() {
        var node = store.node();
        var other = store.node();
        node.create("a", Map.of("k", "1"));
        var told = new AtomicInteger();
        try (var following = node.follow("a", new Heard(told))) {
            store.server.restart();
            Store.awaitThere(node);
            Store.awaitThere(other);
            other.create("a", Map.of("k", "2"));
            other.update("a", Changes.set(Map.of("k", "3")));
            assertThat(following.isCurrent()).isFalse();
            assertThat(following.load(Optional::empty).orElseThrow()).containsEntry("k", "3");
        }
    }

    @Test
    void a_store_that_was_emptied_gets_the_sessions_again_that_nodes_hold_and_no_others() {
        var node = store.node();
        var other = store.node();
        var held = Map.of("k", "1");
        node.create("held", held);
        node.create("ended", Map.of());
        var emptied = new AtomicInteger();
        node.whenEmptied(emptied::incrementAndGet);
        try (var following = node.follow("held", new Heard());
                var ended = node.follow("ended", new Heard())) {
            node.update("ended", Changes.set(Map.of(Metadata.TERMINATED, "true")));
            store.empty();
            assertThatThrownBy(() -> load(other, "held")).hasMessageContaining("written again");
            store.alarms.fire(Pushes.PULSE);
            await().until(() -> emptied.get() == 1);
            assertThat(following.isCurrent()).isFalse();
            assertThat(following.load(() -> Optional.of(held)).orElseThrow())
                    .containsAllEntriesOf(held);
            assertThat(following.isCurrent()).isTrue();
            assertThat(load(other, "held").orElseThrow()).containsAllEntriesOf(held);
            await().until(() -> node.load("ended").filter(Metadata::isTerminated).isPresent());
            assertThat(ended.load(() -> Optional.of(Map.of())).filter(Metadata::isTerminated))
                    .isPresent();
            store.clock.advance(Content.RECOVERY);
            assertThat(load(other, "never there")).isEmpty();
        }
    }

    @Test
    void in_a_store_that_is_full_sessions_live_on_and_nodes_hear_each_other() {
        try (var small =
                new Store(
                        RedisServer.start(
                                "--maxmemory", "4mb", "--maxmemory-policy", "noeviction"))) {
            var node = small.node();
            node.create("a", Map.of("k", "1"));
            fill(small);
            assertThatThrownBy(() -> node.create("b", Map.of("k", "1")))
                    .isInstanceOf(Fault.StorageUnavailable.class);
            var wire = small.wire();
            for (int i = 1; i <= 4; i++) {
                int pulses = i;
                small.clock.advance(Pushes.PULSE);
                small.alarms.fire(Pushes.PULSE);
                await().until(() -> wire.size() == pulses && node.isHearing());
            }
            small.pass(Store.LIFE.dividedBy(2));
            assertThat(node.touch("a")).isTrue();
            small.pass(Store.LIFE.dividedBy(2));
            assertThat(node.load("a")).isPresent();
        }
    }

    /** Up to the last byte. */
    private static void fill(Store full) {
        for (int size = 10_000; size > 0; size /= 10) {
            var junk = "x".repeat(size);
            assertThatThrownBy(() -> fill(full, junk)).hasMessageContaining("OOM");
        }
    }

    private static void fill(Store full, String junk) {
        for (int i = 0; i < 10_000_000; i++) {
            full.connection().sync().set("junk " + junk.length() + " " + i, junk);
        }
    }

    @Test
    void what_is_to_be_done_when_the_store_was_emptied_is_tried_again_if_it_fails() {
        var node = store.node();
        var tries = new AtomicInteger();
        node.whenEmptied(
                () -> {
                    if (tries.incrementAndGet() < 3) {
                        throw new Fault.StorageUnavailable("away as scripted");
                    }
                });
        store.empty();
        store.alarms.fire(Pushes.PULSE);
        await().until(() -> tries.get() == 3);
    }

    @Test
    void what_was_loaded_and_is_doubted_is_loaded_again() {
        var node = store.node();
        node.create("a", Map.of());
        try (var following = node.follow("a", new Heard())) {
            following.load(Optional::empty);
            assertThat(following.isCurrent()).isTrue();
            following.doubt();
            assertThat(following.isCurrent()).isFalse();
            following.load(Optional::empty);
            assertThat(following.isCurrent()).isTrue();
        }
    }

    private static Optional<Map<String, String>> load(RedisSessionStorage node, String id) {
        try (var following = node.follow(id, new Heard())) {
            return following.load(Optional::empty);
        }
    }

    @Test
    void a_termination_that_the_store_has_lost_is_made_again() {
        var node = store.node();
        node.create("a", Map.of());
        var name = Vault.of(List.of(Store.SECRET)).names("a").getFirst();
        var before = store.connection().sync().get(Store.PREFIX + name);
        node.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")));
        store.connection().sync().set(Store.PREFIX + name, before, SetArgs.Builder.ex(1_000_000));
        assertThat(node.load("a").filter(Metadata::isTerminated)).isEmpty();
        store.connection().sync().clientKill(KillArgs.Builder.typePubsub());
        await().until(() -> node.load("a").filter(Metadata::isTerminated).isPresent());
    }

    @Test
    void what_is_terminated_before_it_is_noticed_that_the_store_is_empty_stays_so() {
        var node = store.node();
        var other = store.node();
        var held = Map.of("k", "1");
        node.create("a", held);
        try (var following = other.follow("a", new Heard())) {
            store.empty();
            node.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")));
            following.load(() -> Optional.of(held)); // which writes it again
            store.alarms.fire(Pushes.PULSE);
            await().until(() -> other.load("a").filter(Metadata::isTerminated).isPresent());
        }
    }

    @Test
    void whoever_looks_while_another_writes_a_lost_record_again_finds_it() {
        var node = store.node();
        var held = Map.of("k", "1");
        for (int i = 0; i < 100; i++) {
            var id = "held-" + i;
            node.create(id, held);
            try (var following = node.follow(id, new Heard())) {
                store.empty();
                var looking =
                        IntStream.range(0, 4)
                                .mapToObj(
                                        _ ->
                                                CompletableFuture.supplyAsync(
                                                        () ->
                                                                following.load(
                                                                        () -> Optional.of(held)),
                                                        Thread::startVirtualThread))
                                .toList();
                looking.forEach(one -> assertThat(one.join()).as(id).isPresent());
            }
        }
    }

    @Test
    void what_is_terminated_while_the_store_is_filled_again_stays_so() {
        var node = store.node();
        var other = store.node();
        var held = Map.of("k", "1");
        node.create("a", held);
        try (var following = other.follow("a", new Heard())) {
            following.load(Optional::empty);
            store.empty();
            store.alarms.fire(Pushes.PULSE);
            await().until(() -> !following.isCurrent());
            node.create("a", held);
            node.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")));
            node.delete("a");
            assertThat(following.load(() -> Optional.of(held)).filter(Metadata::isTerminated))
                    .isPresent();
        }
    }

    @Test
    void a_change_that_was_heard_and_could_not_be_read_is_not_forgotten() {
        var node = store.node();
        var other = store.node();
        node.create("a", Map.of("k", "1"));
        try (var following = node.follow("a", new Heard())) {
            other.update("a", Changes.set(Map.of("k", "2")));
            await().until(() -> !following.isCurrent());
            var name = Vault.of(List.of(Store.SECRET)).names("a").getFirst();
            var whole = store.connection().sync().get(Store.PREFIX + name);
            store.connection().sync().set(Store.PREFIX + name, "{}x", SetArgs.Builder.keepttl());
            assertThatThrownBy(() -> following.load(Optional::empty))
                    .isInstanceOf(Fault.StorageUnavailable.class);
            assertThat(following.isCurrent()).isFalse();
            store.connection().sync().set(Store.PREFIX + name, whole, SetArgs.Builder.keepttl());
            assertThat(following.load(Optional::empty).orElseThrow()).containsEntry("k", "2");
            assertThat(following.isCurrent()).isTrue();
        }
    }
}
