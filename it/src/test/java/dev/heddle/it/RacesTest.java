package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.it.Relay.Way;
import dev.heddle.redis.testkit.RedisServer;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * What meets what on two nodes, of which one is made to wait for the store in the middle of it: its
 * questions are held back, or the answers to them.
 */
class RacesTest {
    private static final int WATCHES = 2;
    private static final int TIMES = 10;

    @TempDir private static Path folder;

    private static RedisServer redis;
    private static Relay relay;
    private static Nodes nodes;
    private RawClient client;
    private RawClient elsewhere; // at the node that waits

    @BeforeAll
    static void begin() {
        redis = RedisServer.start();
        relay = new Relay(redis.port());
        nodes =
                Nodes.on(
                        redis,
                        node -> Nodes.address(node == 0 ? redis.port() : relay.port()),
                        folder,
                        2,
                        "");
    }

    @AfterAll
    static void end() {
        relay.close();
        nodes.close();
    }

    @BeforeEach
    void beginSession() {
        relay.release();
        client = nodes.node(0).client().initialize();
        elsewhere = client.at(nodes.node(1).endpoint());
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
    }

    private static <T> Future<T> meanwhile(Supplier<T> task) {
        return CompletableFuture.supplyAsync(task, Thread::startVirtualThread);
    }

    /** The node that waits has asked, or been asked, as far as can be told from outside. */
    private void awaitHeld() {
        await().until(relay::isHolding);
    }

    private void endsEverywhere() {
        assertThat(client.call("count", "{}").status()).isEqualTo(404);
        await().until(() -> elsewhere.call("count", "{}").status() == 404);
        await().until(() -> nodes.stub().count("sessions") <= WATCHES);
    }

    /** The call of the one that waits is the second one in the other's conversation. */
    private void bothGoOnInOne(Future<String> late) throws Exception {
        assertThat(late.get()).isEqualTo("2");
        assertThat(client.call("count", "{}").text()).isEqualTo("3");
        await().until(() -> nodes.stub().count("sessions") <= WATCHES + 1);
        client.delete();
        endsEverywhere();
    }

    @RepeatedTest(TIMES)
    void a_session_that_is_terminated_while_a_node_reads_its_record_ends_there_too()
            throws Exception {
        relay.hold(Way.BACK);
        var call = meanwhile(() -> elsewhere.call("count", "{}").status());
        awaitHeld();
        assertThat(client.delete().status()).isEqualTo(200);
        relay.release();
        assertThat(call.get()).isIn(200, 404);
        endsEverywhere();
    }

    @RepeatedTest(TIMES)
    void a_session_that_is_terminated_before_a_node_gets_to_read_its_record_is_not_found_there()
            throws Exception {
        relay.hold(Way.THERE);
        var call = meanwhile(() -> elsewhere.call("count", "{}").status());
        awaitHeld();
        assertThat(client.delete().status()).isEqualTo(200);
        relay.release();
        assertThat(call.get()).isEqualTo(404);
        endsEverywhere();
    }

    @RepeatedTest(TIMES)
    void what_a_node_writes_late_does_not_bring_back_a_session_that_was_terminated_meanwhile()
            throws Exception {
        assertThat(elsewhere.call("count", "{}").text()).isEqualTo("2");
        relay.hold(Way.THERE);
        var subscribed =
                meanwhile(
                        () ->
                                elsewhere
                                        .request("resources/subscribe", "{\"uri\":\"r:1\"}")
                                        .status());
        awaitHeld();
        assertThat(client.delete().status()).isEqualTo(200);
        relay.release();
        assertThat(subscribed.get()).isIn(200, 404);
        endsEverywhere();
    }

    @RepeatedTest(TIMES)
    void a_node_that_hears_late_of_a_termination_ends_the_session_then() {
        assertThat(elsewhere.call("count", "{}").text()).isEqualTo("2");
        relay.hold(Way.BACK);
        assertThat(client.delete().status()).isEqualTo(200);
        awaitHeld();
        relay.release();
        endsEverywhere();
    }

    @RepeatedTest(TIMES)
    void of_two_nodes_that_heal_a_conversation_the_one_that_waits_takes_over_the_others()
            throws Exception {
        assertThat(elsewhere.call("count", "{}").text()).isEqualTo("2");
        nodes.stub().forget(404, "{}");
        relay.hold(Way.THERE);
        var late = meanwhile(() -> elsewhere.call("count", "{}").text());
        awaitHeld();
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
        relay.release();
        bothGoOnInOne(late);
    }

    /** It has opened one, and has yet to note that in the record. */
    @RepeatedTest(TIMES)
    void a_node_whose_fresh_conversation_is_noted_too_late_gives_it_up_for_the_others()
            throws Exception {
        assertThat(elsewhere.call("count", "{}").text()).isEqualTo("2");
        nodes.stub().forget(404, "{}");
        nodes.stub().hold("raw");
        var late = meanwhile(() -> elsewhere.call("count", "{}").text());
        await().until(() -> nodes.stub().count("held") == 1);
        relay.hold(Way.THERE);
        nodes.stub().release();
        awaitHeld();
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
        relay.release();
        bothGoOnInOne(late);
    }

    @RepeatedTest(TIMES)
    void two_terminations_at_once_are_both_answered() throws Exception {
        assertThat(elsewhere.call("count", "{}").text()).isEqualTo("2");
        relay.hold(Way.THERE);
        var late = meanwhile(() -> elsewhere.delete().status());
        awaitHeld();
        assertThat(client.delete().status()).isEqualTo(200);
        relay.release();
        assertThat(late.get()).isIn(200, 404);
        endsEverywhere();
    }
}
