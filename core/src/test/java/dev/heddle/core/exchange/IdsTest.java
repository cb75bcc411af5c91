package dev.heddle.core.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.List;
import java.util.stream.LongStream;

class IdsTest {
    private static final long LARGEST = (1L << 53) - 1;

    private static List<Long> some(Ids ids) {
        return LongStream.range(0, 1000).mapToObj(_ -> ids.next()).toList();
    }

    @Test
    void of_many_processes_no_two_begin_alike() {
        var all = new HashSet<Long>();
        for (int i = 0; i < 100; i++) {
            all.addAll(some(new Ids()));
        }
        assertThat(all).hasSize(100 * 1000);
    }

    @Test
    void an_id_is_the_same_for_readers_that_know_floating_point_numbers_only() {
        for (int i = 0; i < 100; i++) {
            assertThat(some(new Ids()))
                    .allSatisfy(
                            id ->
                                    assertThat(id)
                                            .isBetween(0L, LARGEST)
                                            .isEqualTo((long) (double) id));
        }
    }

    @Test
    void behind_the_largest_comes_the_smallest() {
        var ids = new Ids(LARGEST - 1);
        assertThat(List.of(ids.next(), ids.next(), ids.next())).containsExactly(LARGEST, 0L, 1L);
    }
}
