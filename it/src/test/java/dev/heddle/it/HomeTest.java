package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What cannot move of a session is at one node, and used from every one. */
class HomeTest {
    private static final Pattern ID = Pattern.compile("id: (\\S+)");
    private static final Pattern QUESTION = Pattern.compile("\"id\":(\"[a-z0-9]+-\\d+\")");
    private static final Pattern HOME = Pattern.compile("\"heddle.home\":\"\\S+ ([^\"]+)\"");
    private static final String KEEPER =
            "- {name: keeper, command: \"%s\", args: [\"%s\"]}"
                    .formatted(Peers.node(), Peers.fixture("keeper.mjs"));

    private static @TempDir Path folder;
    private static Optional<Nodes> shared = Optional.empty(); // until a test has ended one

    private Nodes nodes;

    @BeforeEach
    void begin() {
        nodes =
                shared.orElseGet(
                        () ->
                                Nodes.start(
                                        folder,
                                        2,
                                        KEEPER,
                                        "aggregation: {conflictResolution: prefix}"));
        shared = Optional.of(nodes);
    }

    @AfterEach
    void replaceWhatIsBroken() {
        if (!nodes.isWhole()) {
            end();
        }
    }

    @AfterAll
    static void end() {
        shared.ifPresent(Nodes::close);
        shared = Optional.empty();
    }

    private RawClient at(int node, RawClient client) {
        return client.at(nodes.node(node).endpoint());
    }

    private static String keeper(String tool) {
        return "keeper_" + tool;
    }

    @Test
    void one_process_answers_at_whichever_node_a_call_arrives() {
        var client = nodes.node(0).client().initialize();
        for (int i = 1; i < 20; i++) {
            var count = at(i % 2, client).call(keeper("count"), "{}");
            assertThat(count.text()).as(count.body()).isEqualTo(Integer.toString(i));
        }
        assertThat(at(0, client).call(keeper("pid"), "{}").text())
                .isEqualTo(at(1, client).call(keeper("pid"), "{}").text());
    }

    @Test
    void a_store_that_is_emptied_ends_no_process() {
        var client = nodes.node(0).client().initialize();
        int count = 0;
        for (int round = 0; round < 5; round++) {
            for (int node = 0; node < 2; node++) {
                var before = at(node, client).call(keeper("count"), "{}");
                assertThat(before.text()).as(before.body()).isEqualTo(Integer.toString(++count));
            }
            nodes.emptyStore();
            await().ignoreExceptions().untilAsserted(() -> assertThat(home()).isNotNull());
            for (int node = 1; node >= 0; node--) {
                var after = at(node, client).call(keeper("count"), "{}");
                assertThat(after.text()).as(after.body()).isEqualTo(Integer.toString(++count));
            }
        }
    }

    @Test
    void a_call_at_a_home_that_has_gone_without_a_word_is_given_up() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        var home = nodes.node(0).child();
        home.signal("STOP");
        try {
            var lost = at(1, client).call(keeper("count"), "{}");
            assertThat(lost.status()).as(lost.body()).isEqualTo(502);
            assertThat(lost.errorText()).contains("may have been carried out");
        } finally {
            home.signal("CONT");
        }
        await().until(() -> nodes.node(0).client().tryInitialize().status() == 200);
    }

    @Test
    void a_node_that_is_stopped_waits_for_what_the_home_carries_out() throws Exception {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        var moved = at(1, client);
        client.request("ping", "{}").result(); // so that its next id is another one
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var slow = threads.submit(() -> moved.call(keeper("slow"), "{\"ms\":3000}"));
            await().until(() -> client.call(keeper("running"), "{}").text().equals("1"));
            nodes.restart(1);
            assertThat(slow.get().status()).isEqualTo(200);
            assertThat(slow.get().errorCode()).as(slow.get().body()).isZero();
        }
    }

    @Test
    void what_a_client_tells_all_servers_reaches_that_which_cannot_move() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        var told = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}";
        assertThat(at(1, client).post(told).status()).isEqualTo(202);
        await().until(() -> client.call(keeper("heard"), "{}").text().contains("roots"));
        assertThat(client.call(keeper("heard"), "{}").text())
                .isEqualTo("notifications/roots/list_changed");
    }

    @Test
    void of_two_nodes_that_want_to_begin_the_process_at_once_one_does() throws Exception {
        for (int round = 0; round < 10; round++) {
            var client = nodes.node(0).client().initialize();
            var moved = at(1, client);
            moved.request("ping", "{}").result(); // so that its next id is another one
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var one = threads.submit(() -> client.call(keeper("pid"), "{}"));
                var other = threads.submit(() -> moved.call(keeper("pid"), "{}"));
                assertThat(one.get().text()).as(one.get().body()).isNotEmpty();
                assertThat(other.get().text()).as(other.get().body()).isEqualTo(one.get().text());
            }
        }
    }

    @Test
    void what_its_process_tells_of_a_call_reaches_the_client_where_it_calls() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        try (var raw = RawHttp.to(nodes.node(1).endpoint())) {
            raw.post(
                    raw.hostHeader()
                            + "Accept: application/json, text/event-stream\r\nMcp-Session-Id: "
                            + client.session()
                            + "\r\n",
                    "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"tools/call\",\"params\":{\"name\":\""
                            + keeper("slow")
                            + "\",\"arguments\":{},\"_meta\":{\"progressToken\":\"my token\"}}}");
            assertThat(raw.readTo("steps"))
                    .contains("\"progressToken\":\"my token\"")
                    .contains("\"progress\":3");
        }
    }

    @Test
    void an_answer_that_is_cut_goes_on_at_any_node() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        for (int node = 0; node < 2; node++) {
            var seen = new StringBuilder();
            try (var raw =
                    RawHttp.calling(nodes.node(1), client, keeper("slow"), "{\"ms\": 2000}")) {
                raw.head();
                seen.append(raw.readTo("id: ")).append(raw.readTo("\n\n"));
            }
            var id = ID.matcher(seen);
            assertThat(id.find()).isTrue();
            var header = "Last-Event-ID: " + id.group(1) + "\r\n";
            try (var back = RawHttp.listening(nodes.node(node), client, header)) {
                assertThat(back.readTo("steps")).contains("\"mine\"");
            }
        }
    }

    @Test
    void it_asks_the_client_and_hears_the_answer_wherever_that_is_given() {
        var client = nodes.node(0).client().initialize("2025-11-25", "{\"elicitation\":{}}");
        client.call(keeper("count"), "{}");
        for (int i = 0; i < 6; i++) {
            try (var raw = RawHttp.calling(nodes.node(1), client, keeper("ask"), "{}")) {
                var text = raw.readTo("elicitation/create") + raw.readTo("\n\n");
                var question = QUESTION.matcher(text);
                assertThat(question.find()).as(text).isTrue();
                at(i % 2, client)
                        .post(
                                "{\"jsonrpc\":\"2.0\",\"id\":"
                                        + question.group(1)
                                        + ",\"result\":{\"action\":\"accept\",\"content\":{}}}");
                assertThat(raw.readTo("\"mine\"") + raw.readTo("\n\n")).contains("accept");
            }
        }
    }

    @Test
    void a_call_is_cancelled_from_any_node() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        try (var raw = RawHttp.calling(nodes.node(1), client, keeper("slow"), "{\"ms\": 60000}")) {
            raw.head();
            raw.readTo("\n\n");
            at(1, client)
                    .post(
                            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                                + "{\"requestId\":\"mine\"}}");
            assertThat(raw.readTo("0\r\n\r\n")).doesNotContain("result");
        }
    }

    /** At once, while the nodes are still telling each other where that is. */
    @Test
    void what_it_says_outside_of_calls_reaches_the_client_where_it_listens() {
        for (int round = 0; round < 20; round++) {
            var client = nodes.node(round % 2).client().initialize();
            client.call(keeper("count"), "{}");
            var other = at(1 - round % 2, client);
            try (var stream = RawHttp.listening(nodes.node(1 - round % 2), other)) {
                stream.head();
                other.request("resources/subscribe", "{\"uri\":\"kept:1\"}").result();
                for (int i = 0; i < 3; i++) {
                    at(i % 2, client).call(keeper("touch"), "{}").result();
                    assertThat(stream.readTo("kept:1")).contains("resources/updated");
                }
            }
        }
    }

    @Test
    void a_tool_that_it_has_learned_is_there_at_every_node() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("grow"), "{}").result();
        await().until(() -> client.tools().contains(keeper("extra")));
        assertThat(at(1, client).tools()).contains(keeper("extra"));
        assertThat(at(1, client).call(keeper("extra"), "{}").text()).isEqualTo("extra");
    }

    @Test
    void when_its_node_is_killed_the_next_call_says_so_and_the_one_after_goes_on_afresh() {
        var client = nodes.node(0).client().initialize();
        assertThat(client.call(keeper("count"), "{}").text()).isEqualTo("1");
        assertThat(at(1, client).call(keeper("count"), "{}").text()).isEqualTo("2");
        nodes.kill(0);
        var told = at(1, client).call(keeper("count"), "{}");
        if (told.errorText().contains("may have been carried out")) { // it was dying just then
            told = at(1, client).call(keeper("count"), "{}");
        }
        assertThat(told.errorText()).contains("afresh");
        assertThat(told.reply().path("error").path("data").path("reason").asString(""))
                .isEqualTo("state_lost");
        assertThat(at(1, client).call(keeper("count"), "{}").text()).isEqualTo("1");
        nodes.restart(0);
        assertThat(at(0, client).call(keeper("count"), "{}").text()).isEqualTo("2");
    }

    @Test
    void when_its_node_is_stopped_the_next_call_says_so_too() {
        var client = nodes.node(0).client().initialize();
        assertThat(client.call(keeper("count"), "{}").text()).isEqualTo("1");
        nodes.restart(0);
        assertThat(at(1, client).call(keeper("count"), "{}").errorText()).contains("afresh");
        assertThat(at(0, client).call(keeper("count"), "{}").text()).isEqualTo("1");
    }

    @Test
    void a_call_inside_a_node_that_is_killed_ends_with_an_error_that_says_that_it_may_have_run() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        String seen;
        try (var raw = RawHttp.calling(nodes.node(1), client, keeper("slow"), "{\"ms\": 600000}")) {
            raw.head();
            seen = raw.readTo("id: ") + raw.readTo("\n\n");
            nodes.kill(0);
            raw.readTo("the end of the connection");
        }
        var id = ID.matcher(seen);
        assertThat(id.find()).isTrue();
        var moved = at(1, client);
        var rest =
                moved.send(
                        moved.builder()
                                .setHeader("Accept", "text/event-stream")
                                .setHeader("Last-Event-ID", id.group(1))
                                .GET());
        assertThat(rest.errorText()).contains("may have been carried out");
    }

    /** Where the one session's home listens, as the store says. */
    private URI home() {
        var uri = RedisURI.create("redis://127.0.0.1:" + nodes.redis().port());
        try (var store = RedisClient.create(uri)) {
            var commands = store.connect().sync();
            return commands.keys("*").stream()
                    .filter(key -> commands.type(key).equals("string"))
                    .map(key -> HOME.matcher(commands.get(key)))
                    .filter(Matcher::find)
                    .map(found -> URI.create("http://" + found.group(1) + "/"))
                    .findAny()
                    .orElseThrow();
        }
    }

    @Test
    void nobody_else_is_let_in_where_nodes_meet() {
        var client = nodes.node(0).client().initialize();
        client.call(keeper("count"), "{}");
        var stranger = client.at(home());
        assertThat(stranger.call(keeper("count"), "{}").status()).isEqualTo(403);
        assertThat(stranger.header("Heddle-Peer", "1abc").call(keeper("count"), "{}").status())
                .isEqualTo(403);
        assertThat(at(1, client).call(keeper("count"), "{}").text()).isEqualTo("2");
    }
}
