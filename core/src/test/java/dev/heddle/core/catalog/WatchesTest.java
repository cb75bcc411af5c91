package dev.heddle.core.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.health.Health.State;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

class WatchesTest {
    private static final ClientProfile GATEWAY = ClientProfile.gateway("test", "1");

    private final ScriptedBackend backend = new ScriptedBackend("a").tools("x");
    private final Catalogs catalogs = new Catalogs();
    private final HealthRules rules =
            new HealthRules(
                    Duration.ofMillis(20),
                    Duration.ofMillis(10),
                    2,
                    OptionalInt.empty(),
                    Duration.ofSeconds(1));
    private final HealthBoard health = new HealthBoard(rules, InstantSource.system());
    private final FakeClock clock = new FakeClock();
    private final Watches watches =
            new Watches(
                    ScriptedBackend.connector(backend),
                    catalogs,
                    new Ids(),
                    health,
                    new FakeAlarms(clock),
                    GATEWAY);
    private final BackendRegistry registry = new BackendRegistry(List.of(backend.backend()));
    private final CatalogKey key = CatalogKey.of(backend.backend(), GATEWAY);

    @AfterEach
    void close() {
        watches.close();
        assertThat(backend.open()).isZero();
    }

    private List<String> tools() {
        return catalogs.published(key)
                .map(catalog -> catalog.tools().stream().map(Catalog.Entry::key).toList())
                .orElse(List.of());
    }

    @Test
    void a_watch_learns_what_a_backend_offers_and_when_that_changes() {
        watches.follow(registry.snapshot());
        await().until(() -> tools().equals(List.of("x")));
        assertThat(backend.lastTalk().isListening()).isTrue();
        backend.tools("y");
        backend.lastTalk().events().notification(JsonRpc.notification(Method.TOOLS_CHANGED));
        await().until(() -> tools().equals(List.of("y")));
        assertThat(backend.openings()).isEqualTo(1);
    }

    @Test
    void a_backend_that_ends_the_conversation_is_watched_in_a_new_one() {
        watches.follow(registry.snapshot());
        await().until(() -> !tools().isEmpty());
        backend.tools("x", "y");
        backend.lastTalk()
                .events()
                .lost(Fault.BackendFailed.notSent("a", Reason.DISCONNECTED, "ended"));
        await().until(() -> tools().size() == 2);
        assertThat(backend.open()).isEqualTo(1);
    }

    @Test
    void one_that_stops_answering_becomes_unhealthy_and_is_found_when_it_is_back() {
        watches.follow(registry.snapshot());
        await().until(() -> health.health(backend.id()).state() == State.HEALTHY);
        backend.onCall((_, _) -> {}).failing(Reason.UNREACHABLE);
        await().until(() -> health.health(backend.id()).state() == State.UNHEALTHY);
        backend.onCall((_, request) -> request.answer(Json.EMPTY_OBJECT)).working();
        await().until(() -> health.health(backend.id()).state() == State.HEALTHY);
    }

    private long reads() {
        return backend.lastTalk().received().stream().filter(Method.TOOLS_LIST::equals).count();
    }

    private long pings() {
        return backend.lastTalk().received().stream().filter(Method.PING::equals).count();
    }

    @Test
    void what_is_good_for_a_while_is_not_read_again_before_that_has_passed() {
        backend.introducing(Revision.STATELESS, "{\"tools\":{}}").lasting(3_600_000);
        watches.follow(registry.snapshot());
        await().until(() -> backend.lastTalkIfAny().isPresent() && pings() >= 5);
        assertThat(reads()).isEqualTo(1);
    }

    @Test
    void what_was_good_for_a_while_is_read_again_although_changes_are_announced() {
        backend.introducing(Revision.STATELESS, "{\"tools\":{\"listChanged\":true}}").lasting(1);
        watches.follow(registry.snapshot());
        await().until(() -> !tools().isEmpty());
        backend.tools("y");
        await().until(() -> tools().equals(List.of("y")));
        assertThat(pings()).isZero();
    }

    @Test
    void an_error_is_an_answer_too() {
        backend.onCall((_, request) -> request.error(-32601, "no ping here"));
        watches.follow(registry.snapshot());
        await().until(
                        () ->
                                backend.lastTalkIfAny()
                                        .filter(
                                                talk ->
                                                        talk.received().stream()
                                                                        .filter(Method.PING::equals)
                                                                        .count()
                                                                > 3)
                                        .isPresent());
        assertThat(health.health(backend.id()).state()).isEqualTo(State.HEALTHY);
    }

    @Test
    void a_backend_that_is_configured_no_more_is_left_alone() {
        watches.follow(registry.snapshot());
        await().until(() -> backend.open() == 1);
        registry.replace(List.of());
        watches.follow(registry.snapshot());
        await().until(() -> backend.open() == 0);
    }

    @Test
    void nobody_can_be_asked_in_a_watch() {
        watches.follow(registry.snapshot());
        await().until(() -> backend.open() == 1);
        backend.lastTalk().ask(Method.ROOTS_LIST, Json.EMPTY_OBJECT);
        assertThat(backend.lastTalk().answers().getFirst().error()).isPresent();
    }

    private static final ClientProfile SAMPLER =
            new ClientProfile(Revision.LATEST, Json.parse("{\"sampling\":{}}"), Json.EMPTY_OBJECT);

    private long watchesAs(ClientProfile profile) {
        return backend.talks().stream()
                .filter(talk -> !talk.isClosed())
                .filter(talk -> talk.opening().profile().kind().equals(profile.kind()))
                .count();
    }

    @Test
    void another_kind_of_client_gets_one_watch_once_a_session_of_it_has_lasted() {
        watches.follow(registry.snapshot());
        watches.attend(backend.backend(), SAMPLER);
        watches.attend(backend.backend(), SAMPLER);
        watches.settle();
        assertThat(watches.covers(CatalogKey.of(backend.backend(), SAMPLER))).isFalse();
        clock.advance(Watches.SETTLING);
        watches.settle();
        watches.settle();
        await().until(() -> watches.covers(CatalogKey.of(backend.backend(), SAMPLER)));
        assertThat(watchesAs(SAMPLER)).isEqualTo(1);
        watches.leave(backend.backend(), SAMPLER);
        assertThat(watches.covers(CatalogKey.of(backend.backend(), SAMPLER))).isTrue();
        watches.leave(backend.backend(), SAMPLER);
        await().until(() -> watchesAs(SAMPLER) == 0);
        assertThat(watchesAs(GATEWAY)).isEqualTo(1);
    }

    @Test
    void a_kind_of_client_like_the_gateway_itself_needs_no_watch_of_its_own() {
        watches.follow(registry.snapshot());
        await().until(() -> watches.covers(key));
        watches.attend(backend.backend(), GATEWAY);
        clock.advance(Watches.SETTLING);
        watches.settle();
        watches.leave(backend.backend(), GATEWAY);
        assertThat(backend.openings()).isEqualTo(1);
        assertThat(watches.covers(key)).isTrue();
    }

    @Test
    void a_program_is_watched_once_whatever_clients_there_are() {
        var program = new Backend(new BackendId("a"), new Target.Command(List.of("true")));
        registry.replace(List.of(program));
        watches.follow(registry.snapshot());
        await().until(() -> backend.open() == 1);
        watches.attend(program, SAMPLER);
        clock.advance(Watches.SETTLING);
        watches.settle();
        assertThat(backend.openings()).isEqualTo(1);
    }

    @Test
    void a_watch_ends_while_its_backend_hangs() {
        backend.holdUntil(new CountDownLatch(1));
        watches.follow(registry.snapshot());
        await().until(() -> backend.openings() == 1);
        assertThatCode(() -> CompletableFuture.runAsync(watches::close).get(5, TimeUnit.SECONDS))
                .doesNotThrowAnyException();
    }

    @Test
    void a_watch_that_is_stopped_while_it_connects_accuses_nobody() {
        backend.holdUntil(new CountDownLatch(1));
        watches.follow(registry.snapshot());
        await().until(() -> backend.openings() == 1);
        registry.replace(List.of());
        watches.follow(registry.snapshot());
        watches.close();
        assertThat(health.health(backend.id()).failures()).isZero();
    }

    @Test
    void the_kinds_of_clients_that_are_watched_for_are_bounded() {
        watches.follow(registry.snapshot());
        for (int i = 0; i < 40; i++) {
            var capabilities = Json.parse("{\"experimental\":{\"x\":" + i + "}}");
            watches.attend(
                    backend.backend(),
                    new ClientProfile(Revision.LATEST, capabilities, Json.EMPTY_OBJECT));
        }
        clock.advance(Watches.SETTLING);
        watches.settle();
        await().until(() -> backend.open() == 16);
        watches.settle();
        assertThat(backend.openings()).isEqualTo(16);
    }
}
