package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.PROFILE;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.protocol.Json;
import dev.heddle.testkit.BreakableStorage;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.WrappedStorage;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class SessionManagerTest {
    private static final Identity ANNA = new Identity("https://idp", "anna", "t");
    private static final Identity BERT = new Identity("https://idp", "bert", "t");
    private static final SessionLimits LIMITS = SessionLimits.DEFAULT;

    private final ScriptedBackend backend = new ScriptedBackend("a").tools("x");
    private final SessionFixture fixture = new SessionFixture(backend);
    private final SessionManager manager = fixture.manager(LIMITS);

    private MultiSession open(Identity owner) {
        return manager.createSession(manager.generate(), owner, PROFILE, "here");
    }

    @Test
    void ids_are_long_random_and_visible() {
        var ids = new HashSet<String>();
        for (int i = 0; i < 1000; i++) {
            var id = manager.generate();
            assertThat(id).matches("[\\x21-\\x7E]{32}");
            ids.add(id);
        }
        assertThat(ids).hasSize(1000);
    }

    @Test
    void a_session_has_a_placeholder_first_and_a_full_record_then() {
        var id = manager.generate();
        assertThat(fixture.storage.load(id)).contains(Map.of());
        assertThat(manager.validate(id)).isTrue();
        manager.createSession(id, ANNA, PROFILE, "here");
        assertThat(fixture.storage.load(id).orElseThrow())
                .containsEntry(Metadata.BINDING, "https://idp\0anna")
                .containsEntry(Metadata.BACKEND_IDS, "a")
                .containsEntry(Metadata.BACKEND_SESSION + "a", "a-1")
                .containsKey(Metadata.PROFILE);
    }

    @Test
    void a_placeholder_that_was_terminated_never_becomes_a_session() {
        var id = manager.generate();
        manager.terminate(id, Identity.NONE);
        assertThatThrownBy(() -> manager.createSession(id, ANNA, PROFILE, "here"))
                .isInstanceOf(Fault.SessionNotFound.class);
        assertThat(manager.validate(id)).isFalse();
        assertThat(fixture.storage.load(id))
                .hasValueSatisfying(record -> assertThat(Metadata.isTerminated(record)).isTrue());
        assertThatThrownBy(() -> manager.getMultiSession(id))
                .isInstanceOf(Fault.SessionNotFound.class);
    }

    @Test
    void a_termination_during_the_making_wins_and_leaves_nothing_open() throws Exception {
        var gate = new CountDownLatch(1);
        var making = new CountDownLatch(1);
        var held = manager(new Pausing(fixture.factory, making, gate));
        var id = held.generate();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var created = threads.submit(() -> held.createSession(id, ANNA, PROFILE, "here"));
            making.await();
            held.terminate(id, Identity.NONE);
            gate.countDown();
            assertThatThrownBy(() -> created.get(10, TimeUnit.SECONDS))
                    .hasRootCauseInstanceOf(Fault.SessionNotFound.class);
        }
        assertThat(held.live(id)).isEmpty();
        assertThat(backend.open()).isZero();
    }

    @Test
    void however_making_and_terminating_race_nothing_comes_back_and_nothing_leaks()
            throws Exception {
        for (int round = 0; round < 300; round++) {
            var id = manager.generate();
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                threads.submit(() -> manager.createSession(id, Identity.NONE, PROFILE, "here"));
                threads.submit(() -> manager.terminate(id, Identity.NONE));
            }
            var record = fixture.storage.load(id);
            assertThat(record.isEmpty() || Metadata.isTerminated(record.get())).isTrue();
            assertThat(manager.live(id)).isEmpty();
        }
        await().until(() -> backend.open() == 0);
        assertThat(manager.sessions()).isEmpty();
    }

    /** Makes sessions, but not before it is let. */
    private record Pausing(MultiSessionFactory next, CountDownLatch making, CountDownLatch gate)
            implements MultiSessionFactory {
        @Override
        public MultiSession makeSession(
                String id, Identity identity, ClientProfile profile, Collection<Backend> backends) {
            making.countDown();
            try {
                gate.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return next.makeSession(id, identity, profile, backends);
        }

        @Override
        public MultiSession restoreSession(
                String id, Map<String, String> metadata, Collection<Backend> backends) {
            return next.restoreSession(id, metadata, backends);
        }

        @Override
        public boolean endSession(
                String id, Map<String, String> metadata, Collection<Backend> backends) {
            return next.endSession(id, metadata, backends);
        }
    }

    private SessionManager manager(MultiSessionFactory factory) {
        return fixture.manager(fixture.storage, factory, LIMITS);
    }

    @Test
    void terminating_a_session_marks_closes_and_deletes_it() {
        var session = open(ANNA);
        manager.terminate(session.id(), ANNA);
        assertThat(manager.live(session.id())).isEmpty();
        await().until(() -> fixture.storage.load(session.id()).isEmpty());
        assertThat(backend.open()).isZero();
        assertThatThrownBy(() -> manager.terminate(session.id(), ANNA))
                .isInstanceOf(Fault.SessionNotFound.class);
    }

    @Test
    void a_wrong_caller_cannot_terminate_a_session() {
        var session = open(ANNA);
        assertThatThrownBy(() -> manager.terminate(session.id(), BERT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThatThrownBy(() -> manager.getAdaptedTools(session.id(), BERT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThat(manager.getAdaptedTools(session.id(), ANNA).items()).hasSize(1);
    }

    @Test
    void a_termination_does_not_wait_for_the_call_that_is_in_flight() {
        backend.onCall((_, _) -> {});
        var session = open(Identity.NONE);
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        var sink = SessionFixture.call(session, "x");
        manager.terminate(session.id(), Identity.NONE);
        assertThat(manager.live(session.id())).isEmpty();
        assertThat(stream.isEnded()).isTrue();
        assertThat(SessionFixture.send(session, Json.of(1), "ping", "{}").fault())
                .isInstanceOf(Fault.SessionClosed.class);
        await().until(() -> fixture.alarms.fire(LiveSession.GRACE) == 1);
        assertThat(sink.fault()).hasMessageContaining("may have been carried out");
    }

    /** Stops a terminating thread between its load and its update. */
    private static final class Reluctant extends WrappedStorage {
        private final CountDownLatch loaded;
        private final CountDownLatch goOn;

        Reluctant(SessionStorage next, CountDownLatch loaded, CountDownLatch goOn) {
            super(next);
            this.loaded = loaded;
            this.goOn = goOn;
        }

        @Override
        public Optional<Map<String, String>> load(String id) {
            var record = super.load(id);
            if (Thread.currentThread().getName().equals("terminator")) {
                loaded.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return record;
        }
    }

    @Test
    void a_termination_that_saw_the_placeholder_ends_the_session_made_meanwhile() throws Exception {
        var loaded = new CountDownLatch(1);
        var goOn = new CountDownLatch(1);
        var paused =
                fixture.manager(
                        new Reluctant(fixture.storage, loaded, goOn), fixture.factory, LIMITS);
        var id = paused.generate();
        var terminator =
                Thread.ofVirtual()
                        .name("terminator")
                        .start(() -> paused.terminate(id, Identity.NONE));
        loaded.await();
        var session = paused.createSession(id, Identity.NONE, PROFILE, "here");
        goOn.countDown();
        terminator.join();
        assertThat(paused.live(id)).isEmpty();
        assertThat(SessionFixture.call(session, "x").fault())
                .isInstanceOf(Fault.SessionClosed.class);
        assertThatThrownBy(() -> paused.getMultiSession(id))
                .isInstanceOf(Fault.SessionNotFound.class);
    }

    @Test
    void an_id_that_has_a_session_is_given_no_other_and_the_first_lives_on() {
        var id = manager.generate();
        var first = manager.createSession(id, ANNA, PROFILE, "here");
        assertThatThrownBy(() -> manager.createSession(id, BERT, PROFILE, "there"))
                .isInstanceOf(Fault.SessionNotFound.class);
        manager.getMultiSession(id).authorize(ANNA);
        assertThat(manager.getMultiSession(id)).isEqualTo(first);
        SessionFixture.call(first, "x");
        assertThat(manager.sessions()).hasSize(1);
    }

    @Test
    void closing_waits_for_the_sessions_that_are_ending_already() {
        backend.onCall((_, _) -> {});
        var session = open(Identity.NONE);
        SessionFixture.call(session, "x");
        manager.terminate(session.id(), Identity.NONE);
        await().until(() -> fixture.alarms.set(LiveSession.GRACE) == 1);
        var closing = Thread.ofVirtual().start(manager::close);
        await().until(() -> closing.getState() == Thread.State.TIMED_WAITING);
        assertThat(backend.open()).isEqualTo(1);
        fixture.alarms.fire(LiveSession.GRACE);
        await().until(() -> !closing.isAlive());
        assertThat(backend.open()).isZero();
    }

    @RepeatedTest(100)
    void a_session_that_begins_while_all_are_closed_does_not_leak() {
        var empty = new SessionFixture(builder -> builder.coldStart(Duration.ZERO));
        var closing = empty.manager(LIMITS);
        var made = new ConcurrentLinkedQueue<MultiSession>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 3; i++) {
                threads.submit(
                        () -> {
                            while (true) {
                                made.add(closing.begin(Identity.NONE, PROFILE, "here"));
                            }
                        });
            }
            await().pollInterval(Duration.ofMillis(1)).until(() -> made.size() > 20);
            closing.close();
        }
        for (var session : made) {
            assertThat(SessionFixture.send(session, Json.of(1), "ping", "{}").fault())
                    .isInstanceOf(Fault.SessionClosed.class);
        }
        assertThat(closing.sessions()).isEmpty();
    }

    @Test
    void a_session_that_is_not_used_ends_and_one_in_use_lives_on() {
        var used = open(Identity.NONE);
        var left = open(Identity.NONE);
        for (int i = 0; i < 40; i++) {
            fixture.clock.advance(LIMITS.idle().dividedBy(20));
            SessionFixture.call(used, "x").result();
            manager.sweep();
        }
        assertThat(manager.live(used.id())).isPresent();
        assertThat(manager.live(left.id())).isEmpty();
        assertThatThrownBy(() -> manager.getMultiSession(left.id()))
                .isInstanceOf(Fault.SessionNotFound.class);
        await().until(() -> backend.open() == 1);
    }

    @Test
    void an_open_stream_is_use() {
        var session = open(Identity.NONE);
        var stream = session.attach(Identity.NONE, new RecordingSink());
        for (int i = 0; i < 40; i++) {
            fixture.clock.advance(LIMITS.idle().dividedBy(20));
            manager.sweep();
        }
        assertThat(manager.live(session.id())).isPresent();
        stream.detach();
        for (int i = 0; i < 21; i++) {
            fixture.clock.advance(LIMITS.idle().dividedBy(20));
            manager.sweep();
        }
        assertThat(manager.live(session.id())).isEmpty();
    }

    @Test
    void a_lifetime_ends_a_session_however_much_it_is_used() {
        var limited =
                fixture.manager(
                        new SessionLimits(LIMITS.idle(), Optional.of(Duration.ofHours(1)), 10, 10));
        var session = limited.createSession(limited.generate(), Identity.NONE, PROFILE, "here");
        session.attach(Identity.NONE, new RecordingSink());
        for (int i = 0; i < 61; i++) {
            fixture.clock.advance(Duration.ofMinutes(1));
            limited.sweep();
        }
        assertThat(limited.live(session.id())).isEmpty();
    }

    @Test
    void caps_refuse_the_newcomer_and_free_their_place_with_the_session() {
        var limited = fixture.manager(new SessionLimits(LIMITS.idle(), Optional.empty(), 3, 2));
        var first = limited.createSession(limited.generate(), ANNA, PROFILE, "here");
        limited.createSession(limited.generate(), ANNA, PROFILE, "there");
        assertThatThrownBy(() -> limited.createSession(limited.generate(), ANNA, PROFILE, "here"))
                .isInstanceOf(Fault.LimitReached.class)
                .hasMessageContaining("this owner has 2");
        limited.createSession(limited.generate(), Identity.NONE, PROFILE, "here");
        assertThatThrownBy(() -> limited.createSession(limited.generate(), BERT, PROFILE, "here"))
                .isInstanceOf(Fault.LimitReached.class)
                .hasMessageContaining("there are 3");
        limited.terminate(first.id(), ANNA);
        await().until(() -> fixture.storage.load(first.id()).isEmpty());
        limited.createSession(limited.generate(), BERT, PROFILE, "here");
    }

    @Test
    void anonymous_sessions_are_counted_by_address() {
        var limited = fixture.manager(new SessionLimits(LIMITS.idle(), Optional.empty(), 10, 1));
        limited.createSession(limited.generate(), Identity.NONE, PROFILE, "10.0.0.1");
        limited.createSession(limited.generate(), Identity.NONE, PROFILE, "10.0.0.2");
        assertThatThrownBy(
                        () ->
                                limited.createSession(
                                        limited.generate(), Identity.NONE, PROFILE, "10.0.0.1"))
                .isInstanceOf(Fault.LimitReached.class);
    }

    @Test
    void what_a_newer_process_has_noted_does_not_disturb_an_older_one_and_is_kept() {
        var id = open(ANNA).id();
        var future =
                Map.of(
                        "heddle.future",
                        "x",
                        "heddle.backend.future.a",
                        "y",
                        Metadata.PROFILE,
                        withMore(
                                fixture.storage
                                        .load(id)
                                        .orElseThrow()
                                        .getOrDefault(Metadata.PROFILE, "")));
        fixture.storage.update(id, Changes.set(future));
        var session = manager(fixture.factory).getMultiSession(id);
        awaitTakenOver(session);
        assertThat(fixture.storage.load(id).orElseThrow()).containsAllEntriesOf(future);
    }

    private static void awaitTakenOver(MultiSession session) {
        await().until(() -> "a-1".equals(session.metadata().get(Metadata.BACKEND_SESSION + "a")));
    }

    private static String withMore(String json) {
        return Json.parse(json).with("future", Json.of(1)).toString();
    }

    @Test
    void what_an_older_process_has_not_noted_a_newer_one_does_without() {
        var id = open(ANNA).id();
        var needed =
                Set.of(
                        Metadata.BACKEND_IDS,
                        Metadata.BACKEND_SESSION + "a",
                        Metadata.BACKEND_REVISION + "a",
                        Metadata.BINDING,
                        Metadata.PROFILE);
        var more =
                fixture.storage.load(id).orElseThrow().keySet().stream()
                        .filter(field -> !needed.contains(field))
                        .collect(Collectors.toSet());
        assertThat(more).isNotEmpty();
        fixture.storage.update(id, new Changes(Map.of(), more));
        var session = manager(fixture.factory).getMultiSession(id);
        awaitTakenOver(session);
        assertThat(session.tools()).isEqualTo(manager.getMultiSession(id).tools());
    }

    @Test
    void a_session_that_another_manager_made_is_restored_once_however_many_ask() throws Exception {
        var id = open(ANNA).id();
        var restored = new AtomicInteger();
        var other = manager(new Counting(fixture.factory, restored));
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var asked =
                    IntStream.range(0, 50)
                            .mapToObj(_ -> threads.submit(() -> other.getMultiSession(id)))
                            .toList();
            var sessions = new HashSet<MultiSession>();
            for (var session : asked) {
                sessions.add(session.get(10, TimeUnit.SECONDS));
            }
            assertThat(sessions).hasSize(1);
        }
        assertThat(restored).hasValue(1);
        assertThatThrownBy(() -> other.getMultiSession(id).authorize(BERT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
    }

    @Test
    void a_session_that_another_manager_made_is_terminated_by_its_owner_only() {
        var id = open(ANNA).id();
        var other = manager(fixture.factory);
        assertThatThrownBy(() -> other.terminate(id, BERT))
                .isInstanceOf(Fault.UnauthorizedCaller.class);
        assertThat(other.getMultiSession(id)).isNotNull();
        manager(fixture.factory).terminate(id, ANNA);
        assertThatThrownBy(() -> manager(fixture.factory).getMultiSession(id))
                .isInstanceOf(Fault.SessionNotFound.class);
    }

    /** Whatever is asked then, the session's own conversations with backends included. */
    @ParameterizedTest
    @ValueSource(ints = {1, 50})
    void to_go_on_with_a_session_takes_one_look_into_the_store_however_many_ask(int requests) {
        var store = new CountingLoads(new Neighbours(fixture.clock));
        var shared = new SessionFixture(builder -> builder.forClients(store), backend);
        var id =
                shared.manager(store, shared.factory, LIMITS)
                        .begin(Identity.NONE, PROFILE, "here")
                        .id();
        await().until(() -> store.holds(id, Metadata.BACKEND_CATALOG + "a"));
        store.loads.set(0);
        var other = shared.manager(store, shared.factory, LIMITS);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < requests; i++) {
                threads.submit(() -> SessionFixture.call(other.getMultiSession(id), "x").result());
            }
        }
        assertThat(backend.lastTalk().received()).contains("tools/call");
        assertThat(store.loads).hasValue(1);
    }

    private static final class CountingLoads extends WrappedStorage {
        private final AtomicInteger loads = new AtomicInteger();

        CountingLoads(SessionStorage next) {
            super(next);
        }

        boolean holds(String id, String field) {
            return records().load(id).orElseThrow().containsKey(field);
        }

        @Override
        public Optional<Map<String, String>> load(String id) {
            loads.incrementAndGet();
            return super.load(id);
        }
    }

    private record Counting(MultiSessionFactory next, AtomicInteger restored)
            implements MultiSessionFactory {
        @Override
        public MultiSession makeSession(
                String id, Identity identity, ClientProfile profile, Collection<Backend> backends) {
            return next.makeSession(id, identity, profile, backends);
        }

        @Override
        public MultiSession restoreSession(
                String id, Map<String, String> metadata, Collection<Backend> backends) {
            restored.incrementAndGet();
            return next.restoreSession(id, metadata, backends);
        }

        @Override
        public boolean endSession(
                String id, Map<String, String> metadata, Collection<Backend> backends) {
            return next.endSession(id, metadata, backends);
        }
    }

    @Test
    void a_session_terminated_elsewhere_ends_here_at_the_next_sweep() {
        var session = open(ANNA);
        fixture.storage.delete(session.id());
        manager.sweep();
        assertThat(manager.live(session.id())).isEmpty();
        await().until(() -> backend.open() == 0);
    }

    @Test
    void trouble_with_the_store_refuses_newcomers_and_ends_nobody() {
        var broken = new BreakableStorage(fixture.storage);
        var careful = fixture.manager(broken, fixture.factory, LIMITS);
        var session = careful.createSession(careful.generate(), ANNA, PROFILE, "here");
        var id = careful.generate();
        broken.away(true);
        assertThatThrownBy(careful::generate).isInstanceOf(Fault.StorageUnavailable.class);
        assertThatThrownBy(() -> careful.createSession(id, ANNA, PROFILE, "here"))
                .isInstanceOf(Fault.StorageUnavailable.class);
        assertThatThrownBy(() -> careful.getMultiSession("unknown"))
                .isInstanceOf(Fault.StorageUnavailable.class);
        assertThatThrownBy(() -> careful.terminate(session.id(), ANNA))
                .isInstanceOf(Fault.StorageUnavailable.class);
        careful.sweep();
        assertThat(careful.live(session.id())).isPresent();
        broken.away(false);
        careful.sweep();
        assertThat(careful.live(session.id())).isPresent();
        careful.terminate(session.id(), ANNA);
        assertThat(careful.live(session.id())).isEmpty();
    }

    @Test
    void draining_refuses_new_sessions_and_closing_ends_all() {
        var session = open(ANNA);
        manager.drain();
        assertThatThrownBy(() -> open(BERT)).isInstanceOf(Fault.LimitReached.class);
        SessionFixture.send(session, Json.of(1), "ping", "{}");
        manager.close();
        assertThat(backend.open()).isZero();
        assertThat(manager.sessions()).isEmpty();
    }

    @Test
    void a_decorator_that_fails_or_returns_nothing_closes_what_was_made() {
        SessionDecorator failing =
                _ -> {
                    throw new IllegalStateException("as scripted");
                };
        SessionDecorator nothing = _ -> null;
        for (var decorator : new SessionDecorator[] {failing, nothing}) {
            var decorated = DecoratingSessionFactory.over(fixture.factory, List.of(decorator));
            assertThatThrownBy(
                            () -> decorated.makeSession("id", ANNA, PROFILE, fixture.configured()))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(backend.open()).isZero();
        }
    }

    @Test
    void decorators_are_applied_in_order_to_made_and_restored_sessions() {
        var order = new StringBuilder();
        SessionDecorator first =
                session -> {
                    order.append('1');
                    return session;
                };
        SessionDecorator second =
                session -> {
                    order.append('2');
                    return session;
                };
        var decorated = DecoratingSessionFactory.over(fixture.factory, List.of(first, second));
        var made = decorated.makeSession("id", ANNA, PROFILE, fixture.configured());
        decorated.restoreSession("id", made.metadata(), fixture.configured());
        assertThat(order).hasToString("1212");
        assertThat(DecoratingSessionFactory.over(fixture.factory, List.of()))
                .isSameAs(fixture.factory);
    }
}
