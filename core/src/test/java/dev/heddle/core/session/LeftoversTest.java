package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.Reply;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.identity.Identity;
import dev.heddle.testkit.BreakableStorage;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.WrappedStorage;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What sessions leave behind in a store that is shared, and at their backends. */
class LeftoversTest {
    private final BreakableStorage kept = new BreakableStorage(new Neighbours(new FakeClock()));
    private final Shared store = new Shared();
    private final ScriptedBackend backend = new ScriptedBackend("a").tools("x");
    private final SessionFixture fixture =
            new SessionFixture(builder -> builder.forClients(store), backend);
    private final SessionManager manager =
            fixture.manager(store, fixture.factory, SessionLimits.DEFAULT);

    /** A store whose records are believed, and that says what is left. */
    private final class Shared extends WrappedStorage {
        private final Queue<Leftover> left = new ConcurrentLinkedQueue<>();
        private final AtomicInteger settled = new AtomicInteger();
        private final AtomicInteger loads = new AtomicInteger();
        private Runnable emptied = () -> {};

        Shared() {
            super(kept);
        }

        @Override
        public List<Leftover> claimLeftovers() {
            return Stream.generate(left::poll).limit(100).takeWhile(one -> one != null).toList();
        }

        @Override
        public void settle(Leftover leftover) {
            settled.incrementAndGet();
        }

        @Override
        public void whenEmptied(Runnable task) {
            emptied = task;
        }

        @Override
        public Following follow(String id, Listener listener) {
            return new Believed(id);
        }
    }

    private final class Believed implements SessionStorage.Following {
        private final String id;
        private volatile boolean current = true;

        Believed(String id) {
            this.id = id;
        }

        @Override
        public boolean isCurrent() {
            return current;
        }

        @Override
        public Optional<Map<String, String>> load(Supplier<Optional<Map<String, String>>> ours) {
            store.loads.incrementAndGet();
            return store.load(id);
        }

        @Override
        public void doubt() {
            current = false;
        }

        @Override
        public boolean isOutdated(Map<String, String> record) {
            return false;
        }

        @Override
        public void close() {}
    }

    private static SessionStorage.Leftover leftover(int number) {
        var name = "theirs-" + number;
        return new SessionStorage.Leftover(name, Map.of(Metadata.BACKEND_SESSION + "a", name));
    }

    private MultiSession begun() {
        var session = manager.begin(Identity.NONE, SessionFixture.PROFILE, "here");
        SessionFixture.call(session, "x").result();
        return session;
    }

    @Test
    void however_many_are_left_one_sweep_ends_them_all() {
        IntStream.range(0, 250).forEach(i -> store.left.add(leftover(i)));
        manager.sweep();
        await().until(() -> store.settled.get() == 250);
        assertThat(backend.talks()).hasSize(250).allMatch(ScriptedBackend.Talk::isClosed);
    }

    @Test
    void what_a_backend_has_not_heard_is_told_again_at_the_next_claim() {
        backend.deaf(true);
        store.left.add(leftover(1));
        manager.sweep();
        await().until(() -> backend.talks().size() == 1 && backend.lastTalk().isClosed());
        backend.deaf(false);
        store.left.add(leftover(1));
        manager.sweep();
        await().until(() -> backend.talks().size() == 2 && store.settled.get() == 1);
    }

    @Test
    void a_record_outlives_its_session_until_the_backends_have_heard_of_the_end() {
        var heard = begun();
        manager.terminate(heard.id(), Identity.NONE);
        await().until(() -> store.load(heard.id()).isEmpty());
        var unheard = begun();
        backend.deaf(true);
        manager.terminate(unheard.id(), Identity.NONE);
        manager.close();
        assertThat(backend.lastTalk().isClosed()).isTrue();
        assertThat(store.load(unheard.id()).orElseThrow()).containsEntry("terminated", "true");
    }

    @Test
    void a_record_outlives_its_session_while_a_conversation_is_being_opened() {
        var session = begun();
        var gate = new CountDownLatch(1);
        backend.holdUntil(gate);
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.DISCONNECTED, "as scripted"));
        var call = SessionFixture.call(session, "x");
        await().until(() -> backend.openings() == 2);
        manager.terminate(session.id(), Identity.NONE);
        await().until(() -> fixture.alarms.fire(LiveSession.GRACE) > 0);
        assertThat(call.nextReply()).isInstanceOf(Reply.Failed.class);
        manager.close();
        assertThat(store.load(session.id())).isPresent();
        gate.countDown();
    }

    @Test
    void a_termination_without_an_answer_that_was_carried_out_is_noticed() {
        var session = begun();
        kept.mute(true);
        assertThatThrownBy(() -> manager.terminate(session.id(), Identity.NONE))
                .isInstanceOf(Fault.StorageUnavailable.class);
        kept.mute(false);
        assertThatThrownBy(() -> manager.getMultiSession(session.id()))
                .isInstanceOf(Fault.SessionNotFound.class);
    }

    @Test
    void what_an_emptied_store_has_lost_is_written_again_however_much_it_is_believed() {
        begun();
        begun();
        store.loads.set(0);
        store.emptied.run();
        assertThat(store.loads).hasValue(2);
        kept.away(true);
        assertThatThrownBy(store.emptied::run)
                .as("so that it is tried again")
                .isInstanceOf(Fault.StorageUnavailable.class);
    }
}
