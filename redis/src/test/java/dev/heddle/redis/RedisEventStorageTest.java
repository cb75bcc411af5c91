package dev.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.sealing.Vault;
import dev.heddle.testkit.EventStorageContract;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.XAddArgs;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HashMap;
import java.util.List;
import java.util.Optional;

/** Against a real server. */
class RedisEventStorageTest {
    private static Store store;

    @BeforeAll
    static void start() {
        store = new Store();
    }

    @AfterAll
    static void stop() {
        store.close();
    }

    private static EventStorage node(Optional<Vault> vault) {
        return store.node(vault, Store.LIFE).events().orElseThrow();
    }

    private static String key(String stream) {
        return store.connection().sync().keys("*").stream()
                .filter(name -> name.endsWith(stream))
                .findAny()
                .orElseThrow();
    }

    private static Appended append(EventStorage node, String stream, long number) {
        var entry = new Entry(number, Kind.EVENT, "event " + number);
        var batch = new Batch("id", stream, 1, "[1]", 0, false, List.of(entry));
        return node.append(batch).toCompletableFuture().join();
    }

    /** As a newer version may write one that says something, behind what there is. */
    private static void addUnknown(String stream, String place) {
        var sync = store.connection().sync();
        var before = sync.xrevrange(key(stream), Range.create("-", "+"), Limit.from(1));
        var body = new HashMap<>(before.getFirst().getBody());
        body.put("k", "OF_TOMORROW");
        sync.xadd(key(stream), new XAddArgs().id(place), body);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void an_entry_of_a_kind_that_is_not_known_is_nothing_for_a_client(boolean isSealed) {
        var vault =
                isSealed ? Optional.of(Vault.of(List.of(Store.SECRET))) : Optional.<Vault>empty();
        var stream = "pnew." + isSealed;
        var writer = node(vault);
        var reader = node(vault);
        append(writer, stream, 1);
        addUnknown(stream, "1-2");
        assertThat(reader.read("id", stream, 0, 9).orElseThrow().ended()).isFalse();
        assertThat(append(writer, stream, 2)).isInstanceOf(Appended.Written.class);
        assertThat(reader.read("id", stream, 0, 9).orElseThrow().entries())
                .containsExactly(
                        new Entry(1, Kind.EVENT, "event 1"),
                        new Entry(1, Kind.TAKEN, ""),
                        new Entry(2, Kind.EVENT, "event 2"));
        assertThat(reader.take("id", stream, "2-1", 1)).isTrue();
    }

    @Nested
    class Sealed extends EventStorageContract {
        @Override
        protected EventStorage node(int number) {
            return RedisEventStorageTest.node(Optional.of(Vault.of(List.of(Store.SECRET))));
        }

        @Test
        void whoever_sees_the_store_learns_nothing_of_what_is_said() {
            var entry = new Entry(1, Kind.EVENT, "the answer is forty-two");
            var batch = new Batch("the-id", "pabc.1", 1, "[1]", 0, false, List.of(entry));
            node(0).append(batch).toCompletableFuture().join();
            assertThat(store.dump()).contains("pabc.1").doesNotContain("forty-two", "the-id");
        }

        @Test
        void what_nobody_has_a_key_for_is_not_known() {
            var entry = new Entry(1, Kind.EVENT, "a");
            var batch = new Batch("id", "pabc.2", 1, "[1]", 0, false, List.of(entry));
            node(0).append(batch).toCompletableFuture().join();
            var key = key("pabc.2");
            var foreign =
                    RedisEventStorageTest.node(
                            Optional.of(Vault.of(List.of("a quite different secret, as long"))));
            assertThat(foreign.read("id", "pabc.2", 0, 9)).isEmpty();
            assertThat(node(1).read("id", "pabc.2", 0, 9)).isPresent();
            store.connection().sync().rename(key, key.replace("pabc.2", "pabc.3"));
            assertThat(node(1).read("id", "pabc.3", 0, 9)).as("put into another place").isEmpty();
        }

        @Test
        void a_stream_is_kept_for_a_while() {
            var entry = new Entry(1, Kind.EVENT, "a");
            var batch = new Batch("id", "pabc.4", 1, "[1]", 0, false, List.of(entry));
            node(0).append(batch).toCompletableFuture().join();
            store.pass(EventStorage.KEPT.minusSeconds(10));
            assertThat(node(1).read("id", "pabc.4", 0, 9)).isPresent();
            store.pass(EventStorage.KEPT);
            await().until(() -> node(1).read("id", "pabc.4", 0, 9).isEmpty());
        }
    }

    @Nested
    class Plain extends EventStorageContract {
        @Override
        protected EventStorage node(int number) {
            return RedisEventStorageTest.node(Optional.empty());
        }
    }
}
