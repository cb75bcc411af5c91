package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Streams outlive their connections, towards clients and towards servers. */
class ResumptionTest {
    private static final Pattern ID = Pattern.compile("id: (\\S+)");
    private static final Pattern PROGRESS = Pattern.compile("\"progress\":(\\d+)");

    private static final Pattern SAID = Pattern.compile("(\\d+) steps");
    private static final Pattern WORD = Pattern.compile("\"data\":\"(\\w+)\"");

    private static final Pattern TOLD = Pattern.compile("here|before|updated|after");

    @TempDir private Path folder;
    private Stub stub;
    private Heddle heddle;

    @BeforeEach
    void begin() {
        stub = Stub.start(Map.of("RESOURCES", "r:1"));
        heddle =
                Heddle.serve(
                        folder,
                        "backends:\n  - {name: stub, transport: streamable-http, url: \""
                                + stub.url()
                                + "\"}");
    }

    @AfterEach
    void end() {
        heddle.close();
        stub.close();
    }

    private static String slow(int millis, int every) {
        return "{\"name\":\"slow\",\"arguments\":{\"ms\":"
                + millis
                + ",\"every\":"
                + every
                + "},\"_meta\":{\"progressToken\":\"mine\"}}";
    }

    private static String lastId(String text) {
        var ids = ID.matcher(text).results().map(found -> found.group(1)).toList();
        return ids.getLast();
    }

    private static List<Integer> steps(CharSequence text) {
        return PROGRESS.matcher(text)
                .results()
                .map(found -> Integer.parseInt(found.group(1)))
                .toList();
    }

    /** How many steps the server has told of, as its result says. */
    private static int said(CharSequence text) {
        var result = SAID.matcher(text);
        assertThat(result.find()).as(text.toString()).isTrue();
        return Integer.parseInt(result.group(1));
    }

    private static Answer goOn(RawClient client, String last) {
        return client.send(
                client.builder()
                        .setHeader("Accept", "text/event-stream")
                        .setHeader("Last-Event-ID", last)
                        .GET());
    }

    @ParameterizedTest
    @CsvSource({"2025-11-25, true", "2025-06-18, false", "2025-03-26, false"})
    void an_answer_that_takes_long_becomes_a_stream_that_says_where_it_begins(
            String revision, boolean primed) {
        var client = heddle.client().initialize(revision, "{}");
        var quick = client.call("slow", "{\"ms\":100}");
        assertThat(quick.isStream()).isFalse();
        var slow = client.call("slow", "{\"ms\":1500}");
        assertThat(slow.isStream()).isTrue();
        assertThat(slow.body()).startsWith("id: p");
        assertThat(slow.body().contains("retry: ")).isEqualTo(primed);
        assertThat(slow.body()).contains("\"result\"");
    }

    /** The connection is cut at random places; what was complete by then counts as seen. */
    @Test
    void nothing_is_lost_or_doubled_when_connections_are_cut() {
        var client = heddle.client().initialize();
        var random = new Random(4);
        for (int round = 0; round < 20; round++) {
            var seen = new StringBuilder();
            try (var raw = RawHttp.to(heddle.endpoint())) {
                raw.post(
                        raw.hostHeader()
                                + "Accept: application/json, text/event-stream\r\nMcp-Session-Id: "
                                + client.session()
                                + "\r\n",
                        "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"tools/call\",\"params\":"
                                + slow(300, 2)
                                + "}");
                raw.head();
                for (int i = random.nextInt(20); i >= 0; i--) {
                    seen.append(raw.readTo("\n\n"));
                }
            }
            var rest = goOn(client, lastId(seen.toString()));
            seen.append(rest.body());
            assertThat(steps(seen))
                    .isEqualTo(IntStream.rangeClosed(1, said(seen)).boxed().toList());
            assertThat(rest.reply().path("id").asString("")).isEqualTo("mine");
            assertThat(rest.reply().has("result")).isTrue();
        }
    }

    /** The responses to a batch are events of one stream, which goes on where it was cut. */
    @Test
    void nothing_of_a_batch_is_lost_or_doubled_when_its_connection_is_cut() {
        var client = heddle.client().initialize("2025-03-26", "{}");
        var random = new Random(5);
        for (int round = 0; round < 10; round++) {
            var seen = new StringBuilder();
            try (var raw = RawHttp.to(heddle.endpoint())) {
                raw.post(
                        raw.hostHeader()
                                + "Accept: application/json, text/event-stream\r\nMcp-Session-Id: "
                                + client.session()
                                + "\r\n",
                        "[{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":\"tools/call\",\"params\":"
                                + slow(200, 2)
                                + "},{\"jsonrpc\":\"2.0\",\"id\":\"other\",\"method\":\"ping\"}]");
                raw.head();
                for (int i = random.nextInt(20); i >= 0; i--) {
                    seen.append(raw.readTo("\n\n"));
                }
            }
            seen.append(goOn(client, lastId(seen.toString())).body());
            assertThat(steps(seen))
                    .containsExactlyInAnyOrderElementsOf(
                            IntStream.rangeClosed(1, said(seen)).boxed().toList());
            assertThat(seen.toString().split("\"id\":\"mine\"", -1)).hasSize(2);
            assertThat(seen.toString().split("\"id\":\"other\"", -1)).hasSize(2);
        }
    }

    @Test
    void a_result_that_came_meanwhile_is_told_to_who_comes_back_and_not_twice() {
        var client = heddle.client().initialize();
        String last;
        try (var raw = RawHttp.calling(heddle, client, "slow", "{\"ms\":1300}")) {
            raw.head();
            last = lastId(raw.readTo("\n\n"));
        }
        await().until(() -> stub.count("running") == 0);
        var first = goOn(client, last);
        assertThat(first.reply().has("result")).isTrue();
        var second = goOn(client, lastId(first.body()));
        assertThat(second.status()).as("nothing more comes there").isEqualTo(204);
    }

    @ParameterizedTest
    @ValueSource(ints = {300_000, 1_500_000, 2_700_000})
    void a_large_result_that_was_cut_is_told_whole_to_who_comes_back(int bytes) {
        var client = heddle.client().initialize();
        String last;
        var arguments = "{\"events\":true,\"bytes\":" + bytes + "}";
        try (var raw = RawHttp.calling(heddle, client, "big", arguments)) {
            raw.head();
            var text = raw.readTo("notifications/") + raw.readTo("\n\n");
            raw.readTo("\"text\":\"y");
            last = lastId(text);
        }
        var rest = goOn(client, last);
        assertThat(rest.messages()).hasSize(1);
        assertThat(rest.reply().path("id").asString("")).isEqualTo("mine");
        assertThat(rest.text().equals("y\u00e9".repeat(bytes / 3))).isTrue();
    }

    @Test
    void who_comes_back_for_an_answer_that_was_cancelled_learns_that_there_is_none() {
        var client = heddle.client().initialize();
        String last;
        try (var raw = RawHttp.calling(heddle, client, "slow", "{\"ms\":60000}")) {
            raw.head();
            last = lastId(raw.readTo("\n\n"));
        }
        client.post(
                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"
                    + "\"mine\"}}");
        await().until(() -> stub.count("cancelled") == 1);
        await().until(() -> goOn(client, last).status() == 204);
    }

    /** The server goes on talking to whoever has only lost a connection. */
    @Test
    void what_is_said_outside_of_calls_is_told_to_who_comes_back_once_and_in_order() {
        var client = heddle.client().initialize();
        var said = new ArrayList<String>();
        var heard = new StringBuilder();
        var since = "";
        for (int i = 0; i < 10; i++) {
            try (var raw = RawHttp.listening(heddle, client, since)) {
                for (var word : said) {
                    heard.append(raw.readTo(word + "\"")).append(raw.readTo("\n\n"));
                }
                said.clear();
                await().until(() -> stub.count("streams") == 2); // with the watch
                stub.say("open" + i);
                heard.append(raw.readTo("open" + i + "\"")).append(raw.readTo("\n\n"));
                since = "Last-Event-ID: " + lastId(heard.toString()) + "\r\n";
            }
            said.add("gone" + i);
            said.add("still" + i);
            said.forEach(stub::say);
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

    /** Also what is kept for whoever does not come back, but opens another stream. */
    @Test
    void an_update_is_told_in_its_turn_and_once() {
        var client = heddle.client().initialize();
        client.request("resources/subscribe", "{\"uri\":\"r:1\"}");
        var since = "";
        for (int i = 0; i < 10; i++) {
            var heard = new StringBuilder();
            try (var raw = RawHttp.listening(heddle, client, since)) {
                if (i > 0) {
                    heard.append(raw.readTo("after\"")).append(raw.readTo("\n\n"));
                }
                await().until(() -> stub.count("streams") == 2); // with the watch
                stub.say("here");
                heard.append(raw.readTo("here\"")).append(raw.readTo("\n\n"));
                since = "Last-Event-ID: " + lastId(heard.toString()) + "\r\n";
            }
            stub.say("before");
            stub.update("r:1");
            stub.say("after");
            var told = TOLD.matcher(heard).results().map(MatchResult::group).toList();
            assertThat(told)
                    .isEqualTo(
                            i == 0
                                    ? List.of("here")
                                    : List.of("before", "updated", "after", "here"));
        }
        try (var raw = RawHttp.listening(heddle, client, "")) {
            assertThat(raw.readTo("updated") + raw.readTo("\n\n")).contains("r:1");
        }
    }

    @Test
    void a_place_that_nobody_knows_is_no_place_to_go_on() {
        var client = heddle.client().initialize();
        var answer = goOn(client, "p99-1");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.errorText()).contains("p99-1");
        assertThat(goOn(heddle.client().initialize(), "nonsense").status()).isEqualTo(400);
    }

    @Test
    void a_question_whose_connection_is_lost_is_asked_again_where_the_client_comes_back() {
        var client = heddle.client().initialize("2025-11-25", "{\"elicitation\":{}}");
        String last;
        try (var raw = RawHttp.calling(heddle, client, "ask", "{}")) {
            raw.head();
            last = lastId(raw.readTo("\n\n"));
        }
        try (var back = RawHttp.listening(heddle, client, "Last-Event-ID: " + last + "\r\n")) {
            var text = back.readTo("elicitation/create");
            text += back.readTo("\n\n");
            var question = Pattern.compile("\"id\":(\\d+)").matcher(text);
            assertThat(question.find()).isTrue();
            client.post(
                    "{\"jsonrpc\":\"2.0\",\"id\":"
                            + question.group(1)
                            + ",\"result\":{\"action\":\"accept\",\"content\":{}}}");
            assertThat(back.readTo("\"mine\"") + back.readTo("\n\n")).contains("accept");
        }
    }

    /** The server ends its stream before it has answered, and tells who comes back. */
    @Test
    void a_server_that_breaks_off_its_stream_is_asked_for_the_rest() {
        var ids = new ArrayList<String>();
        try (var server =
                        Child.start(
                                Map.of(),
                                Peers.node(),
                                Peers.fixture("conformant.mjs"),
                                "sessions");
                var other =
                        Heddle.serve(
                                folder,
                                "backends:\n  - {name: only, transport: streamable-http, url: \""
                                        + server.line(line -> line.startsWith("http"))
                                        + "\"}")) {
            var client = other.client().initialize();
            for (int i = 0; i < 5; i++) {
                ids.add(client.call("test_reconnection", "{}").text());
            }
        }
        assertThat(ids).containsOnly("You have come back.");
    }
}
