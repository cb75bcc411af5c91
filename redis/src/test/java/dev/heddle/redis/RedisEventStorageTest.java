package dev.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.sealing.Vault;
import dev.heddle.testkit.EventStorageContract;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

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
            var key =
                    store.connection().sync().keys("*").stream()
                            .filter(name -> name.endsWith("pabc.2"))
                            .findAny()
                            .orElseThrow();
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
