package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.PROFILE;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.WrappedStorage;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

class ManySessionsTest {
    private final ScriptedBackend backend = new ScriptedBackend("a").tools("x");
    private final SessionFixture fixture = new SessionFixture(backend);
    private final TouchedStorage storage = new TouchedStorage(fixture.storage);
    private final SessionManager manager =
            fixture.manager(storage, fixture.factory, SessionLimits.DEFAULT);

    private MultiSession open() {
        var session = manager.createSession(manager.generate(), Identity.NONE, PROFILE, "here");
        session.notice(Identity.NONE, JsonRpc.notification(Method.INITIALIZED));
        return session;
    }

    @Test
    void a_sweep_writes_only_the_records_of_sessions_that_were_in_use() {
        var used = open();
        var idle = open();
        fixture.clock.advance(Duration.ofMinutes(1));
        manager.sweep();
        assertThat(storage.touched).containsExactlyInAnyOrder(used.id(), idle.id());
        storage.touched.clear();
        fixture.clock.advance(Duration.ofMinutes(1));
        SessionFixture.call(used, "x").result();
        manager.sweep();
        assertThat(storage.touched).containsExactly(used.id());
    }

    @Test
    void what_a_sweep_could_not_write_the_next_one_writes() {
        var used = open();
        manager.sweep();
        fixture.clock.advance(Duration.ofMinutes(1));
        SessionFixture.call(used, "x").result();
        storage.touched.clear();
        storage.broken = true;
        fixture.clock.advance(Duration.ofMinutes(1));
        manager.sweep();
        storage.broken = false;
        fixture.clock.advance(Duration.ofMinutes(1));
        manager.sweep();
        assertThat(storage.touched).containsExactly(used.id());
    }

    @Test
    void an_idle_session_that_was_terminated_elsewhere_ends_at_the_next_sweep() {
        var session = open();
        manager.sweep();
        fixture.clock.advance(Duration.ofMinutes(1));
        storage.update(
                session.id(), SessionStorage.Changes.set(Map.of(Metadata.TERMINATED, "true")));
        manager.sweep();
        assertThat(manager.live(session.id())).isEmpty();
    }

    @Test
    void a_sweep_that_rests_on_its_way_reaches_all() {
        for (int i = 0; i < 250; i++) {
            open();
        }
        fixture.clock.advance(SessionLimits.DEFAULT.idle());
        manager.sweep();
        assertThat(manager.sessions()).isEmpty();
        fixture.storage.sweep();
        await().until(() -> fixture.storage.size() == 0);
    }

    @Test
    void when_all_sessions_end_no_more_than_some_take_leave_of_their_backends_at_once() {
        var exit = new CountDownLatch(1);
        backend.keepUntil(exit);
        for (int i = 0; i < Goodbyes.MOST + 50; i++) {
            open();
        }
        await().until(() -> backend.open() == Goodbyes.MOST + 50);
        var stopping = Thread.ofVirtual().start(manager::close);
        await().until(() -> backend.closingNow() == Goodbyes.MOST);
        assertThat(backend.open()).isEqualTo(Goodbyes.MOST + 50);
        assertThat(stopping.isAlive()).isTrue();
        exit.countDown();
        await().until(() -> !stopping.isAlive());
        assertThat(backend.open()).isZero();
    }

    @Test
    void a_stop_does_not_wait_longer_for_a_backend_that_hangs_than_it_was_told_to() {
        var exit = new CountDownLatch(1);
        backend.keepUntil(exit);
        open();
        manager.close(Duration.ofMillis(50));
        assertThat(backend.open()).isOne();
        assertThat(manager.sessions()).isEmpty();
        exit.countDown();
        await().until(() -> backend.open() == 0);
    }

    /** Notes what is touched, and can be taken away. */
    private static final class TouchedStorage extends WrappedStorage {
        private final List<String> touched = new ArrayList<>();
        private volatile boolean broken;

        TouchedStorage(SessionStorage next) {
            super(next);
        }

        @Override
        public boolean touch(String id) {
            if (broken) {
                throw new Fault.StorageUnavailable("broken as scripted");
            }
            touched.add(id);
            return super.touch(id);
        }
    }
}
