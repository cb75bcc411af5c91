package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.SessionStorageContract;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Map;

class LocalSessionStorageTest extends SessionStorageContract {
    private final FakeClock clock = new FakeClock();

    @Override
    protected SessionStorage storage(Duration timeToLive) {
        return new LocalSessionStorage(timeToLive, clock);
    }

    @Override
    protected void pass(Duration time) {
        clock.advance(time);
    }

    @Test
    void a_sweep_forgets_what_has_expired() {
        var storage = new LocalSessionStorage(Duration.ofSeconds(1), clock);
        storage.create("a", Map.of());
        clock.advance(Duration.ofSeconds(2));
        storage.create("b", Map.of());
        storage.sweep();
        assertThat(storage.size()).isEqualTo(1);
    }
}
