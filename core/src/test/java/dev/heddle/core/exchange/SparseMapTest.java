package dev.heddle.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

class SparseMapTest {

    @Test
    void it_does_what_any_map_does() {
        var random = new Random(3);
        var map = new SparseMap<Integer, Integer>();
        var like = new HashMap<Integer, Integer>();
        for (int i = 0; i < 20_000; i++) {
            int key = random.nextInt(4);
            int value = random.nextInt(3);
            switch (random.nextInt(6)) {
                case 0 -> assertThat(map.put(key, value)).isEqualTo(like.put(key, value));
                case 1 ->
                        assertThat(map.putIfAbsent(key, value))
                                .isEqualTo(like.putIfAbsent(key, value));
                case 2 -> assertThat(map.remove(key)).isEqualTo(like.remove(key));
                case 3 -> assertThat(map.remove(key, value)).isEqualTo(like.remove(key, value));
                case 4 ->
                        assertThat(map.replace(key, value, value + 1))
                                .isEqualTo(like.replace(key, value, value + 1));
                default -> assertThat(map.get(key)).isEqualTo(like.get(key));
            }
            assertThat(map.size()).isEqualTo(like.size());
            assertThat(map.isEmpty()).isEqualTo(like.isEmpty());
            assertThat(map.keys()).containsExactlyInAnyOrderElementsOf(like.keySet());
            assertThat(map.values()).containsExactlyInAnyOrderElementsOf(like.values());
            var seen = new HashMap<Integer, Integer>();
            map.forEach(seen::put);
            assertThat(seen).isEqualTo(like);
        }
    }

    @RepeatedTest(50)
    void of_many_that_come_at_once_none_is_lost_and_each_leaves_once() {
        var map = new SparseMap<Integer, String>();
        var left = new AtomicInteger();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 50; i++) {
                int key = i;
                threads.execute(() -> map.put(key, "v"));
            }
        }
        assertThat(new HashSet<>(map.keys())).hasSize(50);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 100; i++) {
                int key = i % 50;
                threads.execute(
                        () -> {
                            if (map.remove(key, "v")) {
                                left.incrementAndGet();
                            }
                        });
            }
        }
        assertThat(left).hasValue(50);
        assertThat(map.isEmpty()).isTrue();
    }

    @Test
    void equal_values_become_one_and_too_many_are_forgotten() {
        var interner = new Interner<String>();
        var first = interner.intern("a".repeat(3));
        assertThat(interner.intern("a".repeat(3))).isSameAs(first);
        for (int i = 0; i < 5000; i++) {
            interner.intern("other " + i);
        }
        assertThat(interner.intern("aaa")).isEqualTo(first);
    }
}
