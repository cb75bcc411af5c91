package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.exchange.SparseMap;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.concurrent.Executors;

class SilenceWatchTest {
    private final FakeAlarms alarms = new FakeAlarms(new FakeClock());
    private final SilenceWatch watch = new SilenceWatch(alarms, new SparseMap<>());

    private void look(long nanos) {
        watch.look(alarms.now(), nanos);
    }

    private long set(long nanos) {
        return alarms.set(Duration.ofNanos(nanos));
    }

    @Test
    void calls_share_the_alarm_that_goes_first() {
        look(100);
        look(200);
        assertThat(alarms.size()).isEqualTo(1);
        look(50);
        assertThat(alarms.size()).isEqualTo(1);
        assertThat(set(50)).isEqualTo(1);
    }

    @Test
    void a_session_that_has_ended_leaves_no_alarm_behind() {
        look(100);
        watch.close();
        assertThat(alarms.size()).isZero();
    }

    @RepeatedTest(500)
    void of_alarms_that_are_set_at_once_the_first_to_go_stays() {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (long nanos : new long[] {300, 100, 200, 400}) {
                threads.execute(() -> look(nanos));
            }
        }
        assertThat(set(100)).isEqualTo(1);
        assertThat(alarms.size()).isEqualTo(1);
    }
}
