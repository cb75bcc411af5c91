package dev.heddle.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;

import org.junit.jupiter.api.Test;

import java.time.Duration;

/** What a node can know of another one by what it hears, and does not hear. */
class PushesTest {
    private static final Duration MOMENT = Duration.ofSeconds(1);

    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);
    private final Pushes here = new Pushes(alarms, Duration.ofMinutes(2));
    private final Pushes other = new Pushes(alarms, Duration.ofMinutes(2));

    private void begin() {
        here.subscribed("channel", 1);
        here.message("channel", other.pulse());
    }

    private void hearOwn() {
        here.message("channel", here.pulse());
    }

    @Test
    void a_node_that_is_not_heard_while_others_are_is_gone() {
        begin();
        for (int i = 0; i < 10; i++) {
            assertThat(here.isAlive(other.node())).isTrue();
            clock.advance(MOMENT);
            hearOwn();
        }
        clock.advance(MOMENT);
        hearOwn();
        assertThat(here.isAlive(other.node())).isFalse();
        here.message("channel", other.pulse());
        assertThat(here.isAlive(other.node())).isTrue();
        here.message("channel", other.farewell());
        assertThat(here.isAlive(other.node())).isFalse();
    }

    /** Whenever the way falls silent, and however long before that each was heard last. */
    @Test
    void a_node_that_hears_nothing_takes_nobody_for_gone() {
        for (int before = 0; before <= Pushes.PULSE.toSeconds(); before++) {
            begin();
            clock.advance(Duration.ofSeconds(before));
            hearOwn();
            for (int i = 0; i < 60; i++) {
                assertThat(here.isAlive(other.node())).isTrue();
                clock.advance(MOMENT);
                if (i % Pushes.PULSE.toSeconds() == 0) {
                    here.checkPulse();
                }
            }
        }
    }
}
