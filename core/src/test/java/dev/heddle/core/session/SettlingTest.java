package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.RepeatedTest;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

class SettlingTest {
    @RepeatedTest(200)
    void those_who_want_to_see_everything_at_once_all_see_it() throws Exception {
        var backend = new ScriptedBackend("a").tools("x");
        var session =
                new SessionFixture(backend)
                        .factory.makeSession(
                                "id",
                                Identity.NONE,
                                new ClientProfile(
                                        Revision.STATELESS, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT),
                                List.of(backend.backend()));
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
}
