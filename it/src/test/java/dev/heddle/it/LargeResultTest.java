package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/** Results that are too large to be held go through while they come. */
class LargeResultTest {
    private static final String END = "\r\n0\r\n\r\n";

    @TempDir static Path folder;

    private static Stub stub;
    private static Heddle heddle;

    @BeforeAll
    static void start() {
        stub = Stub.start();
        heddle =
                Heddle.serve(
                        folder,
                        """
                        backends:
                          - {name: stub, url: "%s", transport: streamable-http, timeout: 2s}
                        sessions: {coldStart: 10s}
                        """
                                .formatted(stub.url()));
    }

    @AfterAll
    static void stop() {
        heddle.close();
        stub.close();
    }

    /** A connection on which the result has been asked for. */
    private static RawHttp asking(RawClient client, String arguments) {
        return RawHttp.calling(heddle, client, "big", arguments);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"bytes\":6000000}",
                "{\"bytes\":6000000,\"last\":true}",
                "{\"bytes\":6000000,\"events\":true}",
                "{\"bytes\":6000000,\"last\":true,\"events\":true}",
                "{\"bytes\":6000000,\"events\":true,\"pretty\":true}",
                "{\"bytes\":6000000,\"pretty\":true}",
                "{\"bytes\":3000}"
            })
    void it_arrives_as_it_was_sent(String arguments) {
        var client = heddle.client().initialize();
        var answer = client.call("big", arguments);
        int bytes = Integer.parseInt(arguments.replaceAll("\\D", ""));
        assertThat(answer.text().equals("y\u00e9".repeat(bytes / 3))).isTrue();
        assertThat(answer.messages()).hasSize(arguments.contains("events") ? 2 : 1);
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void the_client_gets_its_own_id_although_the_backends_comes_last() {
        var client = heddle.client().initialize();
        try (var raw = asking(client, "{\"bytes\":6000000,\"last\":true}")) {
            var answer = raw.readMuchTo(END);
            assertThat(answer).startsWith("HTTP/1.1 200 ").contains("\"mine\"").endsWith(END);
            assertThat(answer.toLowerCase(Locale.ROOT))
                    .contains("content-type: application/json", "transfer-encoding: chunked");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"bytes\":6000000,\"cut\":true}",
                "{\"bytes\":6000000,\"last\":true,\"wrong\":true}"
            })
    void one_that_turns_out_to_be_none_ends_in_a_broken_answer(String arguments) {
        var client = heddle.client().initialize();
        try (var raw = asking(client, arguments)) {
            var answer = raw.readMuchTo(END);
            assertThat(answer).startsWith("HTTP/1.1 200 ");
            assertThat(answer.endsWith(END)).isFalse();
        }
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void one_that_names_a_wrong_id_first_is_refused_like_any_other() {
        var client = heddle.client().initialize();
        var error = client.call("big", "{\"wrong\":true}").reply().path("error");
        assertThat(error.path("data").path("reason").asString("")).isEqualTo("garbage");
    }

    @Test
    void a_client_that_hangs_up_ends_it_at_the_backend() {
        var client = heddle.client().initialize();
        int before = stub.count("hungUp");
        try (var raw = asking(client, "{\"bytes\":60000000}")) {
            assertThat(raw.status()).isEqualTo(200);
            raw.hangUp();
        }
        await().until(() -> stub.count("hungUp") > before);
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void a_client_that_takes_nothing_is_given_up_after_the_time_for_silence() {
        var client = heddle.client().initialize();
        int before = stub.count("hungUp");
        try (var raw = asking(client, "{\"bytes\":60000000}")) {
            await().until(() -> stub.count("hungUp") > before);
            var answer = raw.readMuchTo(END);
            assertThat(answer.getBytes(StandardCharsets.ISO_8859_1).length).isLessThan(60_000_000);
            assertThat(answer.endsWith(END)).isFalse();
        }
        assertThat(client.call("count", "{}").text()).isEqualTo("1");
    }

    @Test
    void a_cancellation_ends_it_at_the_backend_and_at_the_client() {
        var client = heddle.client().initialize();
        int before = stub.count("hungUp");
        try (var raw = asking(client, "{\"bytes\":60000000}")) {
            assertThat(raw.status()).isEqualTo(200);
            client.post(
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                            + "{\"requestId\":\"mine\"}}");
            await().until(() -> stub.count("hungUp") > before);
            assertThat(raw.readMuchTo(END).endsWith(END)).isFalse();
        }
    }
}
