package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.exchange.Ids;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.SharedSubscriptions.Share;
import dev.heddle.core.session.SharedSubscriptions.Topic;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;

class SharedSubscriptionsTest {
    private static final String URI = "r:///1";

    private final ScriptedBackend backend = new ScriptedBackend("a").resources(URI);
    private final ScriptedBackend second = new ScriptedBackend("b").resources("r:///2");
    private final SessionFixture fixture = new SessionFixture(backend, second);
    private final MultiSession session = fixture.open();
    private final FakeAlarms alarms = new FakeAlarms(new FakeClock());
    private final SharedSubscriptions subscriptions = new SharedSubscriptions(new Ids(), alarms);

    private Share join(Set<String> uris) throws InterruptedException {
        BlockingQueue<Share> told = new LinkedBlockingQueue<>();
        var wanted =
                uris.stream()
                        .collect(
                                Collectors.toMap(
                                        uri -> new Topic(Topic.Kind.RESOURCE, uri), _ -> session));
        subscriptions.join(wanted, Identity.NONE, told::add);
        return told.take();
    }

    private static List<String> uris(Share share) {
        return share.topics().stream().map(Topic::name).toList();
    }

    /** What the backend was asked about subscriptions, in order. */
    private List<String> asked() {
        return backend.lastTalk().received().stream()
                .filter(
                        method ->
                                method.equals(Method.RESOURCES_SUBSCRIBE)
                                        || method.equals(Method.RESOURCES_UNSUBSCRIBE))
                .toList();
    }

    @Test
    void a_backend_is_asked_for_the_first_and_told_after_the_last() throws Exception {
        var one = join(Set.of(URI));
        var other = join(Set.of(URI));
        assertThat(uris(one)).containsExactly(URI);
        assertThat(uris(other)).containsExactly(URI);
        one.leave().run();
        assertThat(asked()).containsExactly(Method.RESOURCES_SUBSCRIBE);
        other.leave().run();
        await().until(() -> asked().contains(Method.RESOURCES_UNSUBSCRIBE));
        join(Set.of(URI));
        assertThat(asked())
                .containsExactly(
                        Method.RESOURCES_SUBSCRIBE,
                        Method.RESOURCES_UNSUBSCRIBE,
                        Method.RESOURCES_SUBSCRIBE);
    }

    @Test
    void what_no_backend_has_is_not_agreed_to_and_the_rest_is() throws Exception {
        backend.onCall((_, read) -> read.error(ErrorCode.RESOURCE_NOT_FOUND, "not here"));
        second.onCall((_, read) -> read.error(ErrorCode.INVALID_PARAMS, "nor here"));
        assertThat(uris(join(Set.of(URI, "nowhere:///1")))).containsExactly(URI);
        assertThat(uris(join(Set.of()))).isEmpty();
    }

    @Test
    void what_is_there_but_not_listed_is_agreed_to() throws Exception {
        backend.onCall((_, read) -> read.error(ErrorCode.RESOURCE_NOT_FOUND, "not here"));
        assertThat(uris(join(Set.of("made:///1")))).containsExactly("made:///1");
        assertThat(second.lastTalk().received()).containsOnlyOnce(Method.RESOURCES_SUBSCRIBE);
        assertThat(asked()).isEmpty();
    }

    @Test
    void a_backend_that_does_not_answer_holds_nobody_up_for_ever() throws Exception {
        var slow = new ScriptedBackend("b").resources("r:///2");
        var late = new SessionFixture(backend, slow).open();
        var told = new LinkedBlockingQueue<Share>();
        slow.holdingSubscriptions();
        subscriptions.join(
                Map.of(
                        new Topic(Topic.Kind.RESOURCE, URI),
                        late,
                        new Topic(Topic.Kind.RESOURCE, "r:///2"),
                        late),
                Identity.NONE,
                told::add);
        await().until(() -> !slow.lastTalk().pending().isEmpty());
        assertThat(told).isEmpty();
        alarms.fire(SharedSubscriptions.PATIENCE);
        assertThat(uris(told.take())).containsExactly(URI);
        slow.lastTalk().pending().getFirst().answer(Json.EMPTY_OBJECT);
        await().until(
                        () ->
                                slow.lastTalk().pending().stream()
                                        .anyMatch(
                                                one ->
                                                        one.message()
                                                                .method()
                                                                .equals(
                                                                        Method
                                                                                .RESOURCES_UNSUBSCRIBE)));
    }

    @RepeatedTest(100)
    void those_who_come_and_go_at_once_leave_nothing_behind() throws Exception {
        var start = new CyclicBarrier(4);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var all = new ArrayList<Future<?>>();
            for (int i = 0; i < 4; i++) {
                all.add(
                        threads.submit(
                                () -> {
                                    start.await();
                                    var share = join(Set.of(URI));
                                    assertThat(uris(share)).containsExactly(URI);
                                    share.leave().run();
                                    return null;
                                }));
            }
            for (var one : all) {
                one.get();
            }
        }
        await().until(() -> asked().size() % 2 == 0);
        for (int i = 0; i < asked().size(); i++) {
            assertThat(asked().get(i))
                    .isEqualTo(
                            i % 2 == 0 ? Method.RESOURCES_SUBSCRIBE : Method.RESOURCES_UNSUBSCRIBE);
        }
    }
}
