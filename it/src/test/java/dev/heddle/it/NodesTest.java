package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;

/** Any node goes on with any session. */
class NodesTest {
    private static final String CALL = "{\"ms\":5000}";

    @TempDir private Path folder;

    @Test
    void a_session_goes_on_at_whichever_node_gets_its_next_message() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            nodes.stub().reset();
            for (int i = 2; i < 20; i++) {
                client = client.at(nodes.node(i % 2).endpoint());
                assertThat(client.call("count", "{}").text()).isEqualTo(Integer.toString(i));
            }
            assertThat(nodes.stub().count("initializes")).isZero();
            assertThat(nodes.stub().count("repeatedIds")).isZero();
        }
    }

    @Test
    void no_request_and_no_progress_of_one_node_is_taken_for_that_of_another() throws Exception {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                var answers = new ArrayList<Future<Answer>>();
                for (int i = 0; i < 40; i++) {
                    var there = client.at(nodes.node(i % 2).endpoint());
                    var call =
                            """
                            {"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"slow",\
                            "arguments":{"ms":300,"every":20},"_meta":{"progressToken":%d}}}\
                            """
                                    .formatted(i, i);
                    answers.add(threads.submit(() -> there.post(call)));
                }
                for (int i = 0; i < answers.size(); i++) {
                    var answer = answers.get(i).get();
                    assertThat(answer.text()).endsWith("steps");
                    assertThat(answer.messages())
                            .filteredOn(message -> message.has("method"))
                            .isNotEmpty()
                            .extracting(one -> one.path("params").path("progressToken").asInt())
                            .containsOnly(i);
                }
            }
            assertThat(nodes.stub().count("runs")).isEqualTo(40);
            assertThat(nodes.stub().count("repeatedIds")).isZero();
            assertThat(nodes.stub().count("repeatedTokens")).isZero();
        }
    }

    @Test
    void a_session_survives_the_node_that_began_it() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            nodes.kill(0);
            client = client.at(nodes.node(1).endpoint());
            assertThat(client.call("count", "{}").text()).isEqualTo("2");
            nodes.restart(0);
            nodes.kill(1);
            client = client.at(nodes.node(0).endpoint());
            assertThat(client.call("count", "{}").text()).isEqualTo("3");
        }
    }

    @Test
    void a_session_survives_the_stopping_of_its_node() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            nodes.restart(0);
            assertThat(client.at(nodes.node(1).endpoint()).call("count", "{}").text())
                    .isEqualTo("2");
            assertThat(client.at(nodes.node(0).endpoint()).call("count", "{}").text())
                    .isEqualTo("3");
        }
    }

    @Test
    void what_is_terminated_anywhere_is_terminated_everywhere() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            for (int i = 0; i < 10; i++) {
                var here = nodes.node(i % 2).client().initialize();
                var there = here.at(nodes.node((i + 1) % 2).endpoint());
                assertThat(here.call("count", "{}").text()).isEqualTo("1");
                assertThat(there.call("count", "{}").text()).isEqualTo("2");
                assertThat(here.delete().status()).isEqualTo(200);
                await().until(() -> there.call("count", "{}").status() == 404);
                assertThat(here.call("count", "{}").status()).isEqualTo(404);
            }
            await().until(() -> nodes.stub().count("sessions") == 2); // the watches
        }
    }

    /** A call that is under way is answered all the same. */
    @ParameterizedTest
    @CsvSource({"0,false", "1,false", "0,true", "1,true"})
    void a_stream_ends_at_once_when_its_session_is_terminated_wherever_and_whatever_is_under_way(
            int node, boolean busy) {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            var here = nodes.node(node);
            try (var stream = RawHttp.listening(here, client);
                    var call = RawHttp.calling(here, client, busy ? "slow" : "count", CALL)) {
                assertThat(stream.status()).isEqualTo(200);
                await().until(() -> nodes.stub().count("running") == 1 || call.has("\"mine\""));
                assertThat(client.delete().status()).isEqualTo(200);
                await().atMost(Duration.ofSeconds(2)).until(() -> stream.has("0\r\n\r\n"));
                assertThat(nodes.stub().count("running")).isEqualTo(busy ? 1 : 0);
                for (int i = 0; i < 2; i++) {
                    try (var back = RawHttp.listening(nodes.node(i), client)) {
                        assertThat(back.status()).isEqualTo(404);
                    }
                }
                await().until(() -> call.has("\"result\""));
            }
        }
    }

    @Test
    void of_two_nodes_that_heal_a_conversation_at_once_one_wins_and_the_other_leaves_nothing()
            throws Exception {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var here = nodes.node(0).client().initialize();
            var there = here.at(nodes.node(1).endpoint());
            here.call("count", "{}");
            there.call("count", "{}");
            for (int round = 0; round < 20; round++) {
                nodes.stub().forget(404, "{}");
                try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                    var one = threads.submit(() -> here.call("count", "{}").text());
                    var other = threads.submit(() -> there.call("count", "{}").text());
                    assertThat(one.get() + other.get()).containsAnyOf("12", "21");
                }
                assertThat(here.call("count", "{}").text()).isEqualTo("3");
                assertThat(there.call("count", "{}").text()).isEqualTo("4");
                await().until(() -> nodes.stub().count("sessions") <= 3);
            }
        }
    }

    @Test
    void nodes_that_died_leave_nothing_at_the_backends() {
        try (var nodes = Nodes.start(folder, 2, "sessions: {ttl: 2s}")) {
            for (int i = 0; i < 5; i++) {
                nodes.node(0).client().initialize().call("count", "{}");
            }
            assertThat(nodes.stub().count("sessions")).isGreaterThanOrEqualTo(5);
            nodes.kill(0);
            await().until(() -> nodes.stub().count("sessions") <= 2); // the watches
        }
    }

    /** It holds a session that has expired meanwhile, and been ended by another node. */
    @Test
    void a_node_that_was_stopped_for_longer_than_a_session_lives_goes_on_without_it() {
        try (var nodes = Nodes.start(folder, 2, "sessions: {ttl: 2s}")) {
            var client = nodes.node(0).client().initialize();
            var elsewhere = client.at(nodes.node(1).endpoint());
            assertThat(elsewhere.call("count", "{}").text()).isEqualTo("1");
            nodes.node(1).child().signal("STOP");
            try {
                await().until(() -> nodes.stub().count("sessions") <= 2); // the watches
            } finally {
                nodes.node(1).child().signal("CONT");
            }
            assertThat(elsewhere.call("count", "{}").status()).isIn(200, 404);
            await().until(() -> elsewhere.call("count", "{}").status() == 404);
            assertThat(client.call("count", "{}").status()).isEqualTo(404);
            await().until(() -> nodes.stub().count("sessions") <= 2);
        }
    }

    @Test
    void what_a_client_has_asked_for_once_is_so_at_every_node() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            client.call("count", "{}");
            client.request("resources/subscribe", "{\"uri\":\"r:1\"}").result();
            client.request("logging/setLevel", "{\"level\":\"alert\"}").result();
            nodes.kill(0);
            var moved = client.at(nodes.node(1).endpoint());
            nodes.stub().reset();
            try (var stream = RawHttp.listening(nodes.node(1), moved)) {
                await().until(() -> nodes.stub().count("streams") == 2); // with the watch
                nodes.stub().say("unwanted");
                nodes.stub().update("r:1");
                assertThat(stream.readTo("r:1"))
                        .contains("resources/updated")
                        .doesNotContain("unwanted");
            }
            assertThat(moved.call("count", "{}").text()).isEqualTo("2");
            moved.request("resources/unsubscribe", "{\"uri\":\"r:1\"}").result();
            assertThat(nodes.stub().count("initializes")).isZero();
        }
    }

    @Test
    void a_task_is_listed_at_every_node_wherever_it_was_made() {
        try (var server =
                        Child.start(
                                Map.of(),
                                Peers.node(),
                                Peers.fixture("conformant.mjs"),
                                "stateless");
                var nodes = Nodes.start(folder, 2, backend(server), "")) {
            var here = nodes.node(0).client().initialize("2025-11-25", "{\"tasks\":{}}");
            var there = here.at(nodes.node(1).endpoint());
            assertThat(listed(there)).isEmpty();
            var first = makeTask(here);
            assertThat(makeTask(there)).isNotEqualTo(first);
            await().until(() -> listed(here).size() == 2 && listed(there).size() == 2);
            assertThat(listed(there)).isEqualTo(listed(here)).startsWith(first);
            nodes.kill(0);
            nodes.restart(0);
            var again = here.at(nodes.node(0).endpoint());
            assertThat(listed(again)).isEqualTo(listed(there));
        }
    }

    private static String backend(Child server) {
        return "- {name: tasks, transport: streamable-http, url: \""
                + server.line(text -> text.startsWith("http"))
                + "\"}";
    }

    private static String makeTask(RawClient client) {
        var name =
                client.tools().stream()
                        .filter(tool -> tool.endsWith("slow_compute"))
                        .findFirst()
                        .orElseThrow();
        var params = "{\"name\":\"" + name + "\",\"arguments\":{},\"task\":{}}";
        return client.request("tools/call", params)
                .result()
                .path("task")
                .path("taskId")
                .asString("");
    }

    private static List<String> listed(RawClient client) {
        return client.request("tasks/list", "{}")
                .result()
                .path("tasks")
                .valueStream()
                .map(task -> task.path("taskId").asString(""))
                .toList();
    }

    @Test
    void messages_of_a_client_over_http_and_sse_may_come_to_any_node() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var sse = nodes.node(0).endpoint().resolve("/sse");
            try (var raw = RawHttp.to(sse)) {
                raw.write("GET /sse HTTP/1.1\r\n" + raw.hostHeader() + "\r\n");
                raw.readTo("data: ");
                var place = raw.readTo("\n").strip();
                for (int i = 0; i < 10; i++) {
                    var there = new RawClient(nodes.node((i + 1) % 2).endpoint().resolve(place));
                    var message = i == 0 ? RawHttp.INITIALIZE : ping(i);
                    assertThat(there.post(message).status()).isEqualTo(202);
                    assertThat(raw.readTo("\"id\":" + i) + raw.readTo("\n\n")).contains("result");
                }
                nodes.kill(0);
                var there = new RawClient(nodes.node(1).endpoint().resolve(place));
                await().until(() -> there.post(ping(10)).status() == 404); // once it is known
                try (var malformed = RawHttp.to(nodes.node(1).endpoint())) {
                    malformed.write(
                            "POST /sse?sessionId=%zz HTTP/1.1\r\n"
                                    + malformed.hostHeader()
                                    + "Content-Length: 0\r\n\r\n");
                    assertThat(malformed.status()).isEqualTo(404);
                }
                var forged = place.replaceAll("=.", "=_");
                var elsewhere = new RawClient(nodes.node(1).endpoint().resolve(forged));
                assertThat(elsewhere.post(ping(11)).status()).isEqualTo(404);
            }
        }
    }

    private static String ping(int id) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"ping\"}";
    }

    @Test
    void a_call_that_is_under_way_at_a_node_that_is_stopped_is_answered() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            try (var raw = RawHttp.calling(nodes.node(0), client, "slow", "{\"ms\":3000}")) {
                await().until(() -> nodes.stub().count("running") == 1);
                nodes.node(0).child().signal("TERM");
                assertThat(raw.readTo("\"mine\"") + raw.readTo("\n\n")).contains("steps");
            }
        }
    }

    @Test
    void a_session_can_be_ended_at_a_node_that_has_never_seen_it() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            client.call("count", "{}");
            nodes.kill(0);
            var moved = client.at(nodes.node(1).endpoint());
            assertThat(moved.delete().status()).isEqualTo(200);
            assertThat(moved.call("count", "{}").status()).isEqualTo(404);
            await().until(() -> nodes.stub().count("sessions") <= 2); // the watches
        }
    }

    @Test
    void while_the_store_is_away_sessions_go_on_and_new_ones_are_refused_until_it_is_back() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            await().until(() -> storeAvailable(nodes.node(0)).equals("1.0"));
            nodes.redis().kill();
            await().until(() -> storeAvailable(nodes.node(0)).equals("0.0"));
            for (int i = 2; i < 10; i++) {
                assertThat(client.call("count", "{}").text()).isEqualTo(Integer.toString(i));
            }
            var refused = nodes.node(0).client().tryInitialize();
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("retry-after")).isPresent();
            var elsewhere = client.at(nodes.node(1).endpoint());
            assertThat(elsewhere.call("count", "{}").status()).isEqualTo(503);
            nodes.redis().restart(); // empty
            await().until(() -> elsewhere.call("count", "{}").status() == 200);
            int next = Integer.parseInt(client.call("count", "{}").text());
            assertThat(elsewhere.call("count", "{}").text()).isEqualTo(Integer.toString(next + 1));
            await().until(() -> nodes.node(1).client().tryInitialize().status() == 200);
        }
    }

    private static String storeAvailable(Heddle node) {
        return RawClient.text(node.endpoint().resolve("/metrics"))
                .lines()
                .filter(line -> line.startsWith("heddle_store_available "))
                .map(line -> line.substring(line.indexOf(' ') + 1))
                .findFirst()
                .orElse("");
    }

    @Test
    void what_is_said_outside_calls_is_heard_where_the_client_listens_now() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            client.call("count", "{}");
            client.request("resources/subscribe", "{\"uri\":\"r:1\"}").result();
            for (int i = 0; i < 6; i++) {
                var here = nodes.node(i % 2);
                try (var stream = RawHttp.listening(here, client.at(here.endpoint()))) {
                    stream.head();
                    var word = "round" + i;
                    await().until(() -> isHeard(nodes, stream, word));
                    client.at(nodes.node((i + 1) % 2).endpoint())
                            .request("resources/subscribe", "{\"uri\":\"r:1\"}")
                            .result();
                    assertThat(isHeard(nodes, stream, word)).isTrue();
                    await().until(() -> isHeard(nodes, stream, word + "again"));
                }
            }
        }
    }

    @Test
    void a_client_that_has_moved_is_told_of_a_list_that_has_changed_meanwhile_and_of_no_other() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            var other = nodes.node(0).client().initialize();
            client.call("count", "{}");
            other.call("count", "{}");
            var elsewhere = nodes.node(1);
            try (var stream = RawHttp.listening(elsewhere, other.at(elsewhere.endpoint()))) {
                stream.head();
                await().until(() -> isHeard(nodes, stream, "quiet"));
                assertThat(stream.has("list_changed")).isFalse();
            }
            nodes.kill(0);
            nodes.stub().add("further");
            await().until(() -> offers(elsewhere.client().initialize(), "further"));
            try (var stream = RawHttp.listening(elsewhere, client.at(elsewhere.endpoint()))) {
                assertThat(stream.readTo("list_changed")).contains("tools/list_changed");
            }
            assertThat(offers(client.at(elsewhere.endpoint()), "further")).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"2025-06-18", "2025-11-25"})
    void what_a_backend_offers_to_one_session_alone_is_offered_wherever_that_goes_on(
            String revision) {
        try (var nodes = Nodes.start(folder, 3, "")) {
            var client = nodes.node(0).client().initialize(revision, "{}");
            client.call("count", "{}");
            var there = client.at(nodes.node(1).endpoint());
            there.call("count", "{}");
            try (var raw = RawHttp.listening(nodes.node(0), client)) {
                raw.head();
                await().until(() -> nodes.stub().count("streams") == 4); // with the watches
                there.call("unlock", "{\"tool\":\"secret\"}");
                raw.readTo("tools/list_changed");
                await().untilAsserted(() -> assertThat(there.tools()).contains("secret"));
                assertThat(there.call("secret", "{}").text()).startsWith("secret of");
            }
            int lists = nodes.stub().count("lists");
            await().during(Duration.ofSeconds(1))
                    .until(() -> nodes.stub().count("lists") == lists); // nobody asks on and on
            nodes.kill(0);
            nodes.kill(1);
            var third = client.at(nodes.node(2).endpoint());
            assertThat(third.call("secret", "{}").text()).startsWith("secret of");
            assertThat(third.tools()).contains("secret");
            assertThat(nodes.stub().count("lists")).isEqualTo(lists + 1);
            var other = nodes.node(2).client().initialize();
            assertThat(other.tools()).doesNotContain("secret");
        }
    }

    @Test
    void a_list_that_changes_where_the_client_does_not_listen_is_told_where_it_listens_next() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            var elsewhere = client.at(nodes.node(1).endpoint());
            client.call("count", "{}");
            elsewhere.call("count", "{}");
            nodes.kill(0);
            nodes.stub().add("further");
            await().until(() -> offers(nodes.node(1).client().initialize(), "further"));
            nodes.restart(0);
            var back = client.at(nodes.node(0).endpoint());
            try (var stream = RawHttp.listening(nodes.node(0), back)) {
                assertThat(stream.readTo("list_changed")).contains("tools/list_changed");
            }
        }
    }

    private static boolean offers(RawClient client, String tool) {
        return client.request("tools/list", "{}").result().toString().contains(tool);
    }

    @Test
    void an_answer_to_a_question_whose_node_is_gone_is_refused_with_a_reason() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var here = nodes.node(0);
            var client = here.client().initialize("2025-11-25", "{\"elicitation\":{}}");
            var elsewhere = client.at(nodes.node(1).endpoint());
            String question;
            try (var raw = RawHttp.calling(here, client, "ask", "{}")) {
                question = question(raw.readTo("elicitation/create") + raw.readTo("\n\n"));
            }
            nodes.kill(0);
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(
                            () -> {
                                var refused = elsewhere.post(acceptance(question));
                                assertThat(refused.status()).as(refused.body()).isEqualTo(400);
                                assertThat(refused.errorText())
                                        .contains("has ended")
                                        .contains("may have been carried out");
                            });
        }
    }

    private static String question(String text) {
        var question = Pattern.compile("\"id\":(\"[a-z0-9]+-\\d+\")").matcher(text);
        assertThat(question.find()).as(text).isTrue();
        return question.group(1);
    }

    private static String acceptance(String question) {
        return "{\"jsonrpc\":\"2.0\",\"id\":"
                + question
                + ",\"result\":{\"action\":\"accept\",\"content\":{}}}";
    }

    /** It ends with the connection on which it began, and so is at one node. */
    @Test
    void a_conversation_over_http_and_sse_is_used_from_every_node_and_begun_afresh_if_lost() {
        int port = Child.freePort();
        var old = "- {name: old, transport: sse, url: \"http://127.0.0.1:" + port + "/sse\"}";
        var names = "aggregation: {conflictResolution: prefix}";
        try (var _ = Peers.everything("sse", port).listening(port);
                var nodes = Nodes.start(folder, 2, old, names)) {
            var client = nodes.node(0).client().initialize();
            for (int i = 0; i < 6; i++) {
                var there = client.at(nodes.node(i % 2).endpoint());
                var answer = there.call("old_echo", "{\"message\":\"m" + i + "\"}");
                assertThat(answer.text()).as(answer.body()).contains("m" + i);
            }
            nodes.kill(0);
            var elsewhere = client.at(nodes.node(1).endpoint());
            await().until(
                            () ->
                                    elsewhere
                                            .call("old_echo", "{\"message\":\"lost\"}")
                                            .errorText()
                                            .contains("afresh"));
            assertThat(elsewhere.call("old_echo", "{\"message\":\"again\"}").text())
                    .contains("again");
        }
    }

    /** By {@code retry}, which says when. */
    @Test
    void a_node_that_is_stopped_tells_the_clients_of_its_streams_to_come_back() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var client = nodes.node(0).client().initialize();
            try (var stream = RawHttp.listening(nodes.node(0), client)) {
                stream.head();
                nodes.restart(0);
                assertThat(stream.readTo("0\r\n\r\n")).contains("retry:");
            }
        }
    }

    @Test
    void a_question_is_answered_and_a_call_cancelled_at_whichever_node_the_message_comes_to() {
        try (var nodes = Nodes.start(folder, 2, "")) {
            var here = nodes.node(0);
            var client = here.client().initialize("2025-11-25", "{\"elicitation\":{}}");
            var elsewhere = client.at(nodes.node(1).endpoint());
            elsewhere.call("count", "{}");
            try (var raw = RawHttp.calling(here, client, "ask", "{}")) {
                var text = raw.readTo("elicitation/create") + raw.readTo("\n\n");
                elsewhere.post(acceptance(question(text)));
                assertThat(raw.readTo("\"mine\"") + raw.readTo("\n\n")).contains("accept");
            }
            try (var _ = RawHttp.calling(here, client, "slow", "{\"ms\":60000}")) {
                await().until(() -> nodes.stub().count("running") == 1);
                elsewhere.post(
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":"
                            + "\"mine\"}}");
                await().until(() -> nodes.stub().count("cancelled") == 1);
            }
        }
    }

    /** Says something until it is heard, since nothing tells from outside who listens. */
    private static boolean isHeard(Nodes nodes, RawHttp stream, String word) {
        nodes.stub().say(word);
        return stream.has(word);
    }
}
