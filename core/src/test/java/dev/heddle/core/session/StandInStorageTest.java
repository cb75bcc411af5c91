package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.core.session.SessionStorage.Listener;
import dev.heddle.testkit.BreakableStorage;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.SessionStorageContract;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

class StandInStorageTest {
    private static final Duration LIFE = Duration.ofMinutes(1);
    private static final Listener NOBODY =
            new Listener() {
                @Override
                public void changed() {}

                @Override
                public void told(String message) {}
            };

    private final FakeClock clock = new FakeClock();
    private final FakeAlarms alarms = new FakeAlarms(clock);

    private final LocalSessionStorage records = new LocalSessionStorage(LIFE, clock);
    private final BreakableStorage shared = new BreakableStorage(records);
    private final StandInStorage storage = before(shared, LIFE);

    private StandInStorage before(SessionStorage next, Duration life) {
        var here = new LocalSessionStorage(life, clock);
        return new StandInStorage(next, here, alarms, Runnable::run);
    }

    @Test
    void a_session_that_no_other_process_knows_ends_at_its_backends_when_it_is_not_used() {
        var backend = new ScriptedBackend("a").tools("x");
        var next = new BreakableStorage(new Neighbours(clock));
        var storage = before(next, LIFE);
        var fixture = new SessionFixture(builder -> builder.forClients(storage), backend);
        var manager = fixture.manager(storage, fixture.factory, SessionLimits.DEFAULT);
        next.away(true);
        var alone = manager.begin(Identity.NONE, SessionFixture.PROFILE, "here");
        SessionFixture.call(alone, "x").result();
        fixture.clock.advance(SessionLimits.DEFAULT.idle());
        manager.sweep();
        await().until(() -> backend.lastTalk().isClosed());
        var last = manager.begin(Identity.NONE, SessionFixture.PROFILE, "here");
        SessionFixture.call(last, "x").result();
        assertThat(backend.lastTalk().isClosed()).isFalse();
        manager.close();
        assertThat(backend.lastTalk().isClosed()).isTrue();
    }

    /** As long as the store is there, nothing is different. */
    @Nested
    class WhileThere extends SessionStorageContract {
        @Override
        protected SessionStorage storage(Duration timeToLive) {
            return before(new LocalSessionStorage(timeToLive, clock), timeToLive);
        }

        @Override
        protected void pass(Duration time) {
            clock.advance(time);
        }
    }

    /** Records that have begun in the meantime are records like others. */
    @Nested
    class WhenJustBack extends SessionStorageContract {
        @Override
        protected SessionStorage storage(Duration timeToLive) {
            var next = new BreakableStorage(new LocalSessionStorage(timeToLive, clock));
            var storage = before(next, timeToLive);
            next.away(true);
            storage.create("another", Map.of());
            next.away(false);
            return storage;
        }

        @Override
        protected void pass(Duration time) {
            clock.advance(time);
        }
    }

    @Test
    void a_session_that_begins_while_the_store_is_away_is_there_for_all_when_it_is_back() {
        shared.away(true);
        assertThat(storage.create("a", Map.of("k", "1"))).isTrue();
        assertThat(storage.create("a", Map.of())).isFalse();
        var following = storage.follow("a", NOBODY);
        assertThat(following.isCurrent()).isTrue();
        assertThat(storage.update("a", Changes.set(Map.of("k", "2")))).isTrue();
        assertThat(storage.upsert("a", Map.of("l", "1"))).isTrue();
        assertThat(storage.touch("a")).isTrue();
        assertThat(following.load(Optional::empty)).contains(Map.of("k", "2", "l", "1"));
        alarms.fire(StandInStorage.AGAIN);
        assertThat(storage.load("a")).as("still").isPresent();
        shared.away(false);
        alarms.fire(StandInStorage.AGAIN);
        assertThat(records.load("a")).contains(Map.of("k", "2", "l", "1"));
        assertThat(storage.update("a", Changes.set(Map.of("k", "3")))).isTrue();
        assertThat(records.load("a").orElseThrow()).containsEntry("k", "3");
        assertThat(following.load(Optional::empty)).isEqualTo(records.load("a"));
        assertThat(alarms.set(StandInStorage.AGAIN)).as("nothing left").isZero();
    }

    @Test
    void what_has_ended_before_the_store_is_back_never_gets_there() {
        shared.away(true);
        storage.create("a", Map.of());
        storage.create("b", Map.of());
        storage.delete("a");
        clock.advance(LIFE);
        shared.away(false);
        alarms.fire(StandInStorage.AGAIN);
        assertThat(records.load("a")).isEmpty();
        assertThat(records.load("b")).isEmpty();
        assertThat(alarms.set(StandInStorage.AGAIN)).isZero();
    }

    @Test
    void what_is_not_known_when_the_store_is_just_back_may_be_known_in_a_moment() {
        var following = storage.follow("a", NOBODY);
        assertThat(following.load(Optional::empty)).isEmpty();
        shared.justBack(true);
        assertThatThrownBy(() -> following.load(Optional::empty))
                .isInstanceOf(Fault.StorageUnavailable.class);
        shared.justBack(false);
        assertThat(following.load(Optional::empty)).isEmpty();
    }

    @Test
    void what_already_was_in_the_store_is_not_to_be_had_while_it_is_away() {
        storage.create("a", Map.of());
        shared.away(true);
        assertThatThrownBy(() -> storage.load("a")).isInstanceOf(Fault.StorageUnavailable.class);
        assertThatThrownBy(() -> storage.delete("a")).isInstanceOf(Fault.StorageUnavailable.class);
        assertThatThrownBy(() -> storage.touch(Set.of("a")))
                .isInstanceOf(Fault.StorageUnavailable.class);
    }

    @RepeatedTest(100)
    void no_change_is_lost_while_a_record_moves() throws Exception {
        shared.away(true);
        storage.create("a", Map.of("gone", "1"));
        shared.away(false);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            threads.submit(() -> alarms.fire(StandInStorage.AGAIN));
            for (int i = 0; i < 20; i++) {
                var field = "f" + i;
                threads.submit(() -> storage.update("a", Changes.set(Map.of(field, "1"))));
            }
            threads.submit(() -> storage.update("a", new Changes(Map.of(), Set.of("gone"))));
        }
        alarms.fire(StandInStorage.AGAIN);
        assertThat(records.load("a").orElseThrow())
                .containsOnlyKeys(IntStream.range(0, 20).mapToObj(i -> "f" + i).toList());
    }

    @RepeatedTest(100)
    void what_ends_while_its_record_moves_does_not_come_back() throws Exception {
        shared.away(true);
        storage.create("a", Map.of());
        shared.away(false);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            threads.submit(() -> alarms.fire(StandInStorage.AGAIN));
            threads.submit(
                    () -> {
                        storage.update("a", Changes.set(Map.of(Metadata.TERMINATED, "true")));
                        storage.delete("a");
                    });
        }
        alarms.fire(StandInStorage.AGAIN);
        assertThat(storage.load("a")).isEmpty();
        assertThat(records.load("a")).isEmpty();
    }
}
