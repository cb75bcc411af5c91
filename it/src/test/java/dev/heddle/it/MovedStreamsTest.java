package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.it.RawClient.Answer;
import dev.heddle.redis.testkit.Topology;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A client that has lost its connection goes on at another node where it was. */
class MovedStreamsTest {
    private static final Pattern ID = Pattern.compile("id: (\\S+)");
    private static final Pattern PROGRESS = Pattern.compile("\"progress\":(\\d+)");
    private static final Pattern SAID = Pattern.compile("(\\d+) steps");
    private static final Pattern WORD = Pattern.compile("\"data\":\"(\\w+)\"");
    private static final Pattern QUESTION = Pattern.compile("\"id\":(\"[a-z0-9]+-\\d+\")");

    private static @TempDir Path folder;
    private static Optional<Nodes> shared = Optional.empty(); // until a test has ended one

    private Nodes nodes;

    @BeforeEach
    void begin() {
        nodes = shared.orElseGet(() -> Nodes.start(folder, 2, ""));
        shared = Optional.of(nodes);
        nodes.stub().reset();
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

    private RawHttp calling(RawClient client, String tool, String arguments) {
        return RawHttp.calling(nodes.node(0), client, tool, arguments);
    }

    private static String lastId(CharSequence text) {
        return ID.matcher(text).results().map(found -> found.group(1)).toList().getLast();
    }

    /** What a client has understood of what has reached it. */
    private static String whole(String text) {
        int end = text.lastIndexOf("\n\n");
        return end < 0 ? "" : text.substring(0, end + 2);
    }

    private static List<Integer> steps(CharSequence text) {
        return PROGRESS.matcher(text)
                .results()
                .map(found -> Integer.parseInt(found.group(1)))
                .toList();
    }

    private static int said(CharSequence text) {
        var result = SAID.matcher(text);
        assertThat(result.find()).as(text.toString()).isTrue();
        return Integer.parseInt(result.group(1));
    }

    private Answer goOn(int node, RawClient client, String last) {
        return client.send(
                at(node, client)
                        .builder()
                        .setHeader("Accept", "text/event-stream")
                        .setHeader("Last-Event-ID", last)
                        .GET());
    }

    private RawHttp goingOn(int node, RawClient client, CharSequence seen) {
        var headers = "Connection: close\r\nLast-Event-ID: " + lastId(seen) + "\r\n";
        return RawHttp.listening(nodes.node(node), client, headers);
    }

    private static boolean isUnanswered(StringBuilder seen) {
        return seen.indexOf("\"id\":\"mine\"") < 0;
    }

    /** At random offsets, again and again, each time to the other node. */
    @Test
    void nothing_of_an_answer_is_lost_or_doubled_or_out_of_order_when_connections_are_cut() {
        var client = nodes.node(0).client().initialize();
        var random = new Random(8);
        for (int round = 0; round < Form.either(20, 1_000); round++) {
            var seen = new StringBuilder();
            try (var raw = RawHttp.to(nodes.node(0).endpoint())) {
                raw.post(
                        raw.hostHeader()
                                + "Accept: application/json, text/event-stream\r\nMcp-Session-Id: "
                                + client.session()
                                + "\r\n",
                        "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"tools/call\",\"params\":"
                                + "{\"name\":\"slow\",\"arguments\":{\"ms\":400,\"every\":2},"
                                + "\"_meta\":{\"progressToken\":\"mine\"}}}");
                raw.head();
                seen.append(raw.readTo("\n\n"));
                seen.append(whole(raw.read(random.nextInt(2000))));
            }
            for (int cut = 1; cut < 4 && isUnanswered(seen); cut++) {
                try (var raw = goingOn(cut % 2, client, seen)) {
                    assertThat(raw.status()).isEqualTo(200);
                    seen.append(whole(raw.read(random.nextInt(3000))));
                }
            }
            for (int i = 0; i < 3 && isUnanswered(seen); i++) {
                seen.append(goOn(round % 2, client, lastId(seen)).body());
            }
            assertThat(steps(seen))
                    .isEqualTo(IntStream.rangeClosed(1, said(seen)).boxed().toList());
            assertThat(seen).containsOnlyOnce("\"id\":\"mine\"");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_result_that_came_meanwhile_is_told_once_wherever_the_client_comes_back(boolean killed) {
        var client = nodes.node(0).client().initialize();
        String last;
        try (var raw = calling(client, "slow", "{\"ms\":1300}")) {
            raw.head();
            last = lastId(raw.readTo("\n\n"));
        }
        await().until(() -> nodes.stub().count("running") == 0);
        await().until(() -> goOn(1, client, last).reply().has("result"));
        if (killed) {
            nodes.kill(0);
        }
        var first = goOn(1, client, last);
        assertThat(first.reply().has("result")).isTrue();
        assertThat(goOn(1, client, lastId(first.body())).status())
                .as("nothing more comes there")
                .isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(ints = {300_000, 2_700_000})
    void a_large_result_that_was_cut_is_told_whole(int bytes) {
        var client = nodes.node(0).client().initialize();
        String last;
        var arguments = "{\"events\":true,\"bytes\":" + bytes + "}";
        try (var raw = calling(client, "big", arguments)) {
            raw.head();
            var text = raw.readTo("notifications/") + raw.readTo("\n\n");
            raw.readTo("\"text\":\"y");
            last = lastId(text);
        }
        var rest = goOn(1, client, last);
        assertThat(rest.messages()).hasSize(1);
        assertThat(rest.text().equals("y\u00e9".repeat(bytes / 3))).isTrue();
    }

    @Test
    void a_call_whose_node_is_killed_ends_with_an_error_that_says_that_it_may_have_run() {
        var client = nodes.node(0).client().initialize();
        String last;
        try (var raw = calling(client, "slow", "{\"ms\":600000}")) {
            raw.head();
            last = lastId(raw.readTo("\n\n"));
            nodes.kill(0);
        }
        var rest = goOn(1, client, last);
        assertThat(rest.reply().path("id").asString("")).isEqualTo("mine");
        assertThat(rest.errorText()).contains("may have been carried out");
        assertThat(rest.reply().path("error").path("data").path("mayHaveRun").asBoolean()).isTrue();
        assertThat(goOn(1, client, lastId(rest.body())).status()).isEqualTo(204);
    }

    @Test
    void a_cancelled_call_ends_where_its_client_has_come_back() {
        var client = nodes.node(0).client().initialize();
        try (var raw = calling(client, "slow", "{\"ms\":60000}")) {
            raw.head();
            var seen = raw.readTo("\n\n");
            try (var back = goingOn(1, client, seen)) {
                back.head();
                at(1, client)
                        .post(
                                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                                        + "\"params\":{\"requestId\":\"mine\"}}");
                await().until(() -> nodes.stub().count("cancelled") == 1);
                assertThat(back.readTo("0\r\n\r\n")).doesNotContain("result");
            }
            assertThat(goOn(1, client, lastId(seen)).status()).isEqualTo(204);
        }
    }

    @Test
    void a_connection_whose_client_goes_on_elsewhere_is_ended() {
        var client = nodes.node(0).client().initialize();
        try (var first = calling(client, "slow", "{\"ms\":5000}")) {
            first.head();
            var seen = first.readTo("\n\n");
            try (var second = goingOn(1, client, seen)) {
                second.head();
                first.readTo("0\r\n\r\n");
                try (var third = goingOn(0, client, seen)) {
                    third.head();
                    second.readTo("0\r\n\r\n");
                    assertThat(third.readTo("\"mine\"") + third.readTo("\n\n")).contains("steps");
                }
            }
        }
    }

    @Test
    void what_is_said_outside_of_calls_is_told_once_and_in_order() {
        end();
        begin(); // so that nobody else listens
        var client = nodes.node(0).client().initialize();
        client.call("count", "{}");
        var said = new ArrayList<String>();
        var heard = new StringBuilder();
        for (int i = 0; i < 10; i++) {
            int listening = nodes.stub().count("opened");
            try (var raw =
                    i == 0
                            ? RawHttp.listening(nodes.node(0), client)
                            : goingOn(i % 2, client, heard)) {
                for (var word : said) {
                    heard.append(raw.readTo(word + "\"")).append(raw.readTo("\n\n"));
                }
                said.clear();
                await().until(() -> nodes.stub().count("opened") > listening); // from here
                nodes.stub().say("open" + i);
                heard.append(raw.readTo("open" + i + "\"")).append(raw.readTo("\n\n"));
            }
            said.add("gone" + i);
            said.add("still" + i);
            long before = kept();
            said.forEach(nodes.stub()::say);
            await().until(() -> kept() == before + 2); // the node has them from the backend
        }
        var words = WORD.matcher(heard).results().map(found -> found.group(1)).toList();
        assertThat(words)
                .isEqualTo(
                        IntStream.range(0, 10)
                                .boxed()
                                .flatMap(i -> Stream.of("open" + i, "gone" + i, "still" + i))
                                .limit(words.size())
                                .toList())
                .hasSize(28);
    }

    /** How much the store has of streams for what belongs to no call. */
    private long kept() {
        return Topology.ask(
                nodes.redis(),
                server -> server.keys("*:g*").stream().mapToLong(server::xlen).sum());
    }

    /** At random offsets, each time to the other node. */
    @Test
    void nothing_that_is_said_outside_of_calls_is_lost_or_doubled_when_connections_are_cut() {
        end();
        begin(); // so that nobody else listens
        var client = nodes.node(0).client().initialize();
        client.call("count", "{}");
        var random = new Random(9);
        var heard = new StringBuilder();
        int rounds = Form.either(15, 1_000);
        for (int i = 0; i < rounds; i++) {
            int listening = nodes.stub().count("opened");
            try (var raw = hearing(i % 2, client, heard)) {
                raw.head();
                if (i == 0) {
                    heard.append(raw.readTo("\n\n"));
                }
                await().until(() -> nodes.stub().count("opened") > listening); // from here
                for (int word = 0; word < 3; word++) {
                    nodes.stub().say("r" + i + "w" + word);
                }
                var last = "r" + i + "w2\"}}\n\n";
                await().until(() -> raw.has(last)); // the node has it from the backend
                var arrived = raw.arrived();
                boolean all = i % 20 == 19; // no more is kept than a thousand
                int cut = all ? arrived.length() : random.nextInt(arrived.length());
                heard.append(whole(arrived.substring(0, cut)));
            }
        }
        try (var raw = hearing(0, client, heard)) {
            heard.append(raw.readTo("r" + (rounds - 1) + "w2\"")).append(raw.readTo("\n\n"));
        }
        assertThat(WORD.matcher(heard).results().map(found -> found.group(1)))
                .containsExactlyElementsOf(
                        IntStream.range(0, 3 * rounds)
                                .mapToObj(i -> "r" + i / 3 + "w" + i % 3)
                                .toList());
    }

    private RawHttp hearing(int node, RawClient client, CharSequence heard) {
        return heard.isEmpty()
                ? RawHttp.listening(nodes.node(node), client)
                : goingOn(node, client, heard);
    }

    @Test
    void a_question_waits_for_its_answer_wherever_the_client_is() {
        var client = nodes.node(0).client().initialize("2025-11-25", "{\"elicitation\":{}}");
        for (int i = 0; i < 10; i++) {
            String seen;
            try (var raw = calling(client, "ask", "{}")) {
                raw.head();
                seen = raw.readTo("\n\n");
            }
            try (var back = goingOn(1, client, seen)) {
                var text = back.readTo("elicitation/create") + back.readTo("\n\n");
                var question = QUESTION.matcher(text);
                assertThat(question.find()).isTrue();
                at(i % 2, client)
                        .post(
                                "{\"jsonrpc\":\"2.0\",\"id\":"
                                        + question.group(1)
                                        + ",\"result\":{\"action\":\"accept\",\"content\":{}}}");
                assertThat(back.readTo("\"mine\"") + back.readTo("\n\n")).contains("accept");
            }
        }
    }
}
