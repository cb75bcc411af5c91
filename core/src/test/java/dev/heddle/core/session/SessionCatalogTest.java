package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
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

    @Test
    void what_a_watch_learns_for_clients_of_its_kind_a_session_shows_without_asking_again() {
        var backend = new ScriptedBackend("a").tools("x");
        var catalogs = new Catalogs();
        var session = SessionFixture.watchedBy(watches(catalogs, backend), backend).open();
        var key = CatalogKey.of(backend.backend(), SessionFixture.PROFILE);
        await().until(() -> catalogs.known(key).isPresent() && names(session).contains("x"));
        int asked = backend.lastTalk().received().size();
        catalogs.publish(key, catalog("x", "y"));
        assertThat(names(session)).containsExactly("x", "y");
        assertThat(backend.lastTalk().received()).hasSize(asked);
    }

    @Test
    void a_session_to_which_a_backend_offers_something_of_its_own_asks_again() {
        var backend = new ScriptedBackend("a").tools("x");
        var catalogs = new Catalogs();
        var fixture = SessionFixture.watchedBy(watches(catalogs, backend), backend);
        var special = fixture.open();
        var key = CatalogKey.of(backend.backend(), SessionFixture.PROFILE);
        await().until(() -> catalogs.known(key).isPresent() && names(special).contains("x"));
        catalogs.remember(key, catalog("others see this"));
        backend.tools("x", "z");
        catalogs.publish(key, catalog("others see this", "and this"));
        await().untilAsserted(() -> assertThat(names(special)).containsExactly("x", "z"));
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
            assertThat(watches.covers(key)).isTrue();
            session.close();
            assertThat(watches.covers(key)).isFalse();
        }
    }
}
