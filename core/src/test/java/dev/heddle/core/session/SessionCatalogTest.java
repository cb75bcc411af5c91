package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.PROFILE;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.Target;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;

class SessionCatalogTest {
    private static List<String> names(MultiSession session) {
        return session.tools().items().stream().map(item -> item.key()).toList();
    }

    @Test
    void a_known_catalog_is_shown_at_once_while_the_backend_hangs() {
        var catalogs = new Catalogs();
        var before = new ScriptedBackend("a").tools("x");
        SessionFixture.watchedBy(watches(catalogs, before), before).open().close();
        var hung = new ScriptedBackend("a").tools("x").holdUntil(new CountDownLatch(1));
        var session = SessionFixture.watchedBy(watches(catalogs, hung), hung).open();
        assertThat(names(session)).containsExactly("x");
    }

    private static Watches watches(Catalogs catalogs, ScriptedBackend backend) {
        var clock = new FakeClock();
        return new Watches(
                ScriptedBackend.connector(backend),
                catalogs,
                new Ids(),
                new HealthBoard(HealthRules.DEFAULT, clock),
                new FakeAlarms(clock),
                ClientProfile.gateway("test", "1"));
    }

    private static Catalog catalog(String... tools) {
        var entries =
                Arrays.stream(tools)
                        .map(
                                name ->
                                        new Catalog.Entry(
                                                name, Json.object(tool -> tool.put("name", name))))
                        .toList();
        return new Catalog(
                Introduction.unknown(Revision.LATEST), entries, List.of(), List.of(), List.of());
    }

    private static final HealthRules CALM =
            new HealthRules(
                    Duration.ofMinutes(10),
                    Duration.ofMinutes(5),
                    3,
                    OptionalInt.empty(),
                    Duration.ofSeconds(1));

    private static Watches watches(Catalogs catalogs, BackendConnector connector, FakeClock clock) {
        return new Watches(
                connector,
                catalogs,
                new Ids(),
                new HealthBoard(CALM, clock),
                new FakeAlarms(clock),
                ClientProfile.gateway("test", "1"));
    }

    private static CatalogKey key(ScriptedBackend backend) {
        return CatalogKey.of(backend.backend(), PROFILE);
    }

    private static CatalogKey clientKey(ScriptedBackend backend) {
        return CatalogKey.of(backend.backend(), SessionFixture.PROFILE);
    }

    private static CatalogKey gatewayKey(ScriptedBackend backend) {
        return CatalogKey.of(backend.backend(), ClientProfile.gateway("test", "1"));
    }

    private static void sayChanged(ScriptedBackend.Talk talk) {
        talk.events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
    }

    @Test
    void a_backend_that_is_known_is_opened_once_the_client_is_ready_and_not_before() {
        var known = new ScriptedBackend("known").tools("x");
        var unknown = new ScriptedBackend("unknown").tools("y");
        var catalogs = new Catalogs();
        catalogs.publish(key(known), known.asCatalog());
        var fixture = SessionFixture.watchedBy(watches(catalogs, known), known, unknown);
        var session = fixture.begin("1", Identity.NONE);
        await().until(() -> names(session).containsAll(List.of("x", "y")));
        assertThat(unknown.talks()).hasSize(1);
        assertThat(known.talks()).isEmpty();
        session.notice(Identity.NONE, JsonRpc.notification(Method.INITIALIZED));
        await().until(() -> known.talks().size() == 1);
    }

    @Test
    void what_a_watch_learns_for_clients_of_its_kind_a_session_shows_without_asking_again() {
        var backend = new ScriptedBackend("a").tools("x");
        var catalogs = new Catalogs();
        catalogs.publish(key(backend), catalog("x"));
        var session = SessionFixture.watchedBy(watches(catalogs, backend), backend).open();
        await().until(() -> backend.lastTalk().received().contains(Method.PROMPTS_LIST));
        catalogs.publish(key(backend), backend.asCatalog());
        int asked = backend.lastTalk().received().size();
        backend.tools("x", "y");
        catalogs.publish(key(backend), backend.asCatalog());
        assertThat(names(session)).containsExactly("x", "y");
        assertThat(backend.lastTalk().received()).hasSize(asked);
    }

    @Test
    void a_session_that_hears_of_a_change_first_does_not_hide_it_from_the_others() {
        var backend = new ScriptedBackend("a").tools("x");
        var clock = new FakeClock();
        var catalogs = new Catalogs();
        try (var watches = watches(catalogs, ScriptedBackend.connector(backend), clock)) {
            watches.follow(new BackendRegistry(List.of(backend.backend())).snapshot());
            await().until(() -> watches.covers(gatewayKey(backend)));
            var fixture = SessionFixture.watchedBy(watches, backend);
            var first = fixture.open("1", Identity.NONE);
            await().until(() -> backend.talks().size() == 2 && names(first).contains("x"));
            var firstTalk = backend.lastTalk();
            var second = fixture.open("2", Identity.NONE);
            await().until(() -> backend.talks().size() == 3 && names(second).contains("x"));
            clock.advance(Duration.ofMinutes(1));
            watches.settle();
            await().until(() -> watches.covers(key(backend)));
            backend.tools("x", "y");
            sayChanged(firstTalk);
            await().until(() -> names(first).contains("y"));
            backend.talks().stream()
                    .filter(talk -> talk.opening().watch())
                    .forEach(SessionCatalogTest::sayChanged);
            await().untilAsserted(() -> assertThat(names(second)).containsExactly("x", "y"));
        }
    }

    @Test
    void a_session_to_which_a_backend_offers_something_of_its_own_keeps_it_and_asks_again() {
        var backend = new ScriptedBackend("a").tools("x");
        var catalogs = new Catalogs();
        var session = SessionFixture.watchedBy(watches(catalogs, backend), backend).open();
        await().until(() -> names(session).contains("x"));
        var others = backend.asCatalog();
        backend.tools("x", "extra");
        sayChanged(backend.lastTalk());
        await().until(() -> names(session).contains("extra"));
        catalogs.publish(key(backend), others);
        int asked = backend.lastTalk().received().size();
        backend.tools("x", "extra", "new");
        catalogs.publish(key(backend), catalog("x", "new"));
        await().untilAsserted(
                        () -> assertThat(names(session)).containsExactly("x", "extra", "new"));
        assertThat(backend.lastTalk().received().size()).isGreaterThan(asked);
    }

    @Test
    void a_new_session_is_not_shown_what_another_one_got_for_itself() {
        var backend = new ScriptedBackend("a").tools("x");
        var catalogs = new Catalogs();
        var fixture = SessionFixture.watchedBy(watches(catalogs, backend), backend);
        var special = fixture.open();
        await().until(() -> names(special).contains("x"));
        SessionFixture.call(special, "x").result();
        backend.tools("x", "extra");
        sayChanged(backend.lastTalk());
        await().until(() -> names(special).contains("extra"));
        backend.tools("x").holdUntil(new CountDownLatch(1));
        assertThat(names(fixture.open())).containsExactly("x");
    }

    @Test
    void what_the_call_that_opened_a_conversation_changed_there_is_not_shown_to_others() {
        var backend =
                new ScriptedBackend(
                        new Backend(new BackendId("a"), new Target.Command(List.of("true"))));
        backend.tools("enable")
                .onCall(
                        (_, asked) -> {
                            backend.tools("enable", "extra");
                            asked.answer(Json.EMPTY_OBJECT);
                        });
        var catalogs = new Catalogs();
        catalogs.publish(gatewayKey(backend), backend.asCatalog());
        catalogs.learn(clientKey(backend), backend.asCatalog());
        var fixture = SessionFixture.watchedBy(watches(catalogs, backend), backend);
        var first = fixture.open("1", Identity.NONE);
        SessionFixture.call(first, "enable").result();
        await().until(() -> names(first).contains("extra"));
        var second = fixture.open("2", Identity.NONE);
        assertThat(names(second)).containsExactly("enable");
    }

    @Test
    void what_a_restored_session_got_for_itself_is_not_shown_to_others() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var record = fixture.open().metadata();
        var restored = fixture.factory.restoreSession("id", record, fixture.configured());
        await().until(() -> backend.talks().size() == 2);
        backend.tools("x", "extra");
        await().until(
                        () -> {
                            sayChanged(backend.lastTalk());
                            return names(restored).contains("extra");
                        });
        backend.holdUntil(new CountDownLatch(1));
        var other = fixture.open("3", Identity.NONE);
        assertThat(names(other)).containsExactly("x");
    }

    /** Lets a test hold one method's request. */
    private record Holding(BackendSession next, String method, CountDownLatch gate)
            implements BackendSession {
        @Override
        public Optional<String> sessionId() {
            return next.sessionId();
        }

        @Override
        public void send(long id, Spliced request, Sink sink) {
            if (!request.envelope().method().equals(method)) {
                next.send(id, request, sink);
                return;
            }
            Thread.ofVirtual()
                    .start(
                            () -> {
                                try {
                                    gate.await();
                                    next.send(id, request, sink);
                                } catch (InterruptedException e) {
                                    throw new IllegalStateException(e);
                                }
                            });
        }

        @Override
        public void cancel(long id, String why) {
            next.cancel(id, why);
        }

        @Override
        public void notify(Spliced notification) {
            next.notify(notification);
        }

        @Override
        public void answer(Spliced response) {
            next.answer(response);
        }

        @Override
        public void listen(boolean wanted) {
            next.listen(wanted);
        }

        @Override
        public void close() {
            next.close();
        }
    }

    @Test
    void a_slow_reading_that_began_before_a_change_does_not_win() {
        var backend = new ScriptedBackend("a").tools("x");
        var gate = new CountDownLatch(1);
        var plain = ScriptedBackend.connector(backend);
        BackendConnector slow =
                (target, opening) -> {
                    var connected = plain.connect(target, opening);
                    var held = new Holding(connected.session(), Method.PROMPTS_LIST, gate);
                    return new BackendConnector.Connected(held, connected.introduction());
                };
        var clock = new FakeClock();
        var catalogs = new Catalogs();
        var factory =
                LiveSessionFactory.over(slow, new FakeAlarms(clock))
                        .watches(watches(catalogs, plain, clock))
                        .coldStart(Duration.ZERO)
                        .clock(clock)
                        .build();
        var session = factory.makeSession("1", Identity.NONE, PROFILE, List.of(backend.backend()));
        await().until(
                        () ->
                                backend.lastTalkIfAny()
                                        .filter(
                                                talk ->
                                                        talk.received()
                                                                .contains(Method.TEMPLATES_LIST))
                                        .isPresent());
        backend.tools("x", "y");
        catalogs.publish(key(backend), backend.asCatalog());
        assertThat(names(session)).containsExactly("x", "y");
        gate.countDown();
        await().until(
                        () ->
                                backend.lastTalk().received().stream()
                                                .filter(Method.PROMPTS_LIST::equals)
                                                .count()
                                        == 2);
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("x", "y"));
    }

    @Test
    void a_restored_session_keeps_its_tools_when_a_list_changes() {
        var backend = new ScriptedBackend("a").tools("x");
        var fixture = new SessionFixture(backend);
        var record = fixture.open().metadata();
        var restored = fixture.factory.restoreSession("id", record, fixture.configured());
        await().until(() -> backend.talks().size() == 2);
        assertThat(names(restored)).containsExactly("x");
        backend.tools("x", "y");
        await().until(
                        () -> {
                            sayChanged(backend.lastTalk());
                            return names(restored).equals(List.of("x", "y"));
                        });
    }

    @Test
    void a_restored_session_of_which_nothing_is_known_asks_for_everything() {
        var backend = new ScriptedBackend("a").tools("x").prompts("p");
        var record = new SessionFixture(backend).open().metadata();
        var elsewhere = new SessionFixture(backend);
        var restored = elsewhere.factory.restoreSession("id", record, elsewhere.configured());
        await().untilAsserted(() -> assertThat(names(restored)).containsExactly("x"));
        assertThat(restored.prompts().items()).hasSize(1);
        assertThat(backend.talks()).hasSize(2);
    }

    /** A program may offer more to those who can be asked something. */
    @Test
    void the_first_of_its_kind_asks_a_program_what_it_offers_and_the_next_does_not() {
        var program =
                new ScriptedBackend(
                                new Backend(
                                        new BackendId("a"), new Target.Command(List.of("true"))))
                        .tools("x");
        var catalogs = new Catalogs();
        catalogs.publish(gatewayKey(program), catalog("x"));
        program.tools("x", "asks");
        var fixture = SessionFixture.watchedBy(watches(catalogs, program), program);
        var first = fixture.open("1", Identity.NONE);
        await().until(() -> names(first).contains("asks"));
        var second = fixture.open("2", Identity.NONE);
        assertThat(names(second)).contains("asks");
        assertThat(program.openings()).isEqualTo(1);
    }

    @Test
    void what_the_watch_of_a_program_tells_reaches_all_whatever_one_session_has_read() {
        var program =
                new ScriptedBackend(
                                new Backend(
                                        new BackendId("a"), new Target.Command(List.of("true"))))
                        .tools("x");
        var catalogs = new Catalogs();
        var watches = watches(catalogs, program);
        catalogs.publish(gatewayKey(program), catalog("x"));
        catalogs.learn(clientKey(program), catalog("x"));
        var fixture = SessionFixture.watchedBy(watches, program);
        var first = fixture.open("1", Identity.NONE);
        SessionFixture.call(first, "x").result();
        await().until(() -> program.lastTalk().received().contains(Method.PROMPTS_LIST));
        first.close();
        var second = fixture.open("2", Identity.NONE);
        catalogs.publish(gatewayKey(program), catalog("x", "y"));
        var third = fixture.open("3", Identity.NONE);
        assertThat(names(second)).containsExactly("x", "y");
        assertThat(names(third)).containsExactly("x", "y");
        assertThat(program.openings()).isEqualTo(1);
    }

    @Test
    void a_watch_that_hears_nothing_is_no_cover() {
        var backend = new ScriptedBackend("a").tools("x");
        var plain = ScriptedBackend.connector(backend);
        BackendConnector silent =
                (target, opening) ->
                        new BackendConnector.Connected(
                                plain.connect(target, opening).session(),
                                new Introduction(
                                        Revision.LATEST,
                                        Json.parse("{\"tools\":{}}"),
                                        Json.EMPTY_OBJECT,
                                        Optional.empty()));
        var clock = new FakeClock();
        var catalogs = new Catalogs();
        try (var watches = watches(catalogs, silent, clock)) {
            watches.follow(new BackendRegistry(List.of(backend.backend())).snapshot());
            await().until(() -> catalogs.published(gatewayKey(backend)).isPresent());
            var factory =
                    LiveSessionFactory.over(silent, new FakeAlarms(clock))
                            .watches(watches)
                            .clock(clock)
                            .build();
            var session =
                    factory.makeSession("1", Identity.NONE, PROFILE, List.of(backend.backend()));
            await().until(() -> names(session).contains("x"));
            clock.advance(Duration.ofMinutes(1));
            watches.settle();
            await().until(() -> catalogs.published(key(backend)).isPresent());
            backend.tools("x", "y");
            backend.talks().stream()
                    .filter(talk -> talk.opening().watch() && !talk.isClosed())
                    .forEach(
                            talk ->
                                    talk.events()
                                            .lost(
                                                    Fault.BackendFailed.notSent(
                                                            "a", Reason.DISCONNECTED, "upgraded")));
            await().untilAsserted(() -> assertThat(names(session)).containsExactly("x", "y"));
            session.close();
        }
    }

    @Test
    void a_change_for_another_kind_of_client_makes_a_session_without_a_watch_ask_again() {
        var backend = new ScriptedBackend("a").tools("x");
        var catalogs = new Catalogs();
        var session = SessionFixture.watchedBy(watches(catalogs, backend), backend).open();
        await().until(() -> names(session).contains("x"));
        backend.tools("x", "z");
        var gateway = ClientProfile.gateway("test", "1");
        catalogs.publish(CatalogKey.of(backend.backend(), gateway), catalog("other"));
        await().untilAsserted(() -> assertThat(names(session)).containsExactly("x", "z"));
    }

    @Test
    void a_closed_session_wants_no_watch_any_more() {
        var backend = new ScriptedBackend("a").tools("x");
        var clock = new FakeClock();
        try (var watches =
                new Watches(
                        ScriptedBackend.connector(backend),
                        new Catalogs(),
                        new Ids(),
                        new HealthBoard(HealthRules.DEFAULT, clock),
                        new FakeAlarms(clock),
                        ClientProfile.gateway("test", "1"))) {
            watches.follow(new BackendRegistry(List.of(backend.backend())).snapshot());
            var session = SessionFixture.watchedBy(watches, backend).open();
            clock.advance(Duration.ofMinutes(1));
            watches.settle();
            var key = CatalogKey.of(backend.backend(), SessionFixture.PROFILE);
            await().until(() -> watches.covers(key));
            session.close();
            assertThat(watches.covers(key)).isFalse();
        }
    }
}
