package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.CatalogKey;
import dev.heddle.core.catalog.Catalogs;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.RepeatedTest;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

class SettlingTest {
    private static final ClientProfile WITHOUT_SESSION =
            new ClientProfile(Revision.STATELESS, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT);

    @RepeatedTest(200)
    void those_who_want_to_see_everything_at_once_all_see_it() throws Exception {
        var backend = new ScriptedBackend("a").tools("x");
        var session =
                new SessionFixture(backend)
                        .factory.makeSession(
                                "id", Identity.NONE, WITHOUT_SESSION, List.of(backend.backend()));
        assertThat(session.isSettled()).isFalse();
        assertThat(backend.openings()).isZero();
        var start = new CyclicBarrier(4);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < 4; i++) {
                all.add(
                        threads.submit(
                                () -> {
                                    start.await();
                                    session.settle();
                                    assertThat(session.tools().items()).hasSize(1);
                                    return null;
                                }));
            }
            for (var one : all) {
                one.get();
            }
        }
        session.close();
    }

    /** The session's own conversation does not open, so that only the watch can tell. */
    @RepeatedTest(500)
    void what_a_watch_tells_in_the_same_moment_is_neither_missed_nor_seen_by_halves()
            throws Exception {
        var tools = IntStream.range(0, 200).mapToObj(i -> "t" + i).toArray(String[]::new);
        var never = new CountDownLatch(1);
        var backend = new ScriptedBackend("a").tools(tools).holdUntil(never);
        var catalogs = new Catalogs();
        var clock = new FakeClock();
        var gateway = ClientProfile.gateway("test", "1");
        var watches =
                new Watches(
                        ScriptedBackend.connector(backend),
                        catalogs,
                        new Ids(),
                        new HealthBoard(HealthRules.DEFAULT, clock),
                        new FakeAlarms(clock),
                        gateway);
        var session =
                SessionFixture.watchedBy(watches, backend)
                        .factory
                        .makeSession(
                                "id", Identity.NONE, WITHOUT_SESSION, List.of(backend.backend()));
        var start = new CyclicBarrier(2);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var told =
                    threads.submit(
                            () -> {
                                start.await();
                                catalogs.publish(
                                        CatalogKey.of(backend.backend(), gateway),
                                        backend.asCatalog());
                                return null;
                            });
            start.await();
            session.settle();
            assertThat(session.tools().items()).hasSize(200);
            told.get();
        }
        never.countDown();
        session.close();
    }
}
