package dev.heddle.transport.connect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.transport.connect.ResponseHead.Content;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

@SuppressWarnings("StringConcatToTextBlock") // line ends are what matters here
class Http1DecoderTest {

    /** What a decoder has told. */
    private static final class Answers implements Http1Decoder.Listener {
        private final List<Http1Head> heads = new ArrayList<>();
        private final List<String> bodies = new ArrayList<>();
        private ByteArrayOutputStream body = new ByteArrayOutputStream();

        @Override
        public void head(Http1Head head) {
            heads.add(head);
        }

        @Override
        public void content(byte[] bytes, int offset, int length) {
            body.write(bytes, offset, length);
        }

        @Override
        public void end() {
            bodies.add(body.toString(StandardCharsets.UTF_8));
            body = new ByteArrayOutputStream();
        }
    }

    private final Answers answers = new Answers();
    private final Http1Decoder decoder = new Http1Decoder(answers);

    private void read(String text) {
        var bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        read(bytes, 0, bytes.length);
    }

    private void read(byte[] bytes, int from, int to) {
        int at = from;
        while (at < to) {
            at = decoder.read(bytes, at, to);
        }
    }

    private Http1Head head() {
        return answers.heads.getLast();
    }

    private static String json(String headers, String body) {
        return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body;
    }

    @Test
    void a_body_of_known_length_ends_where_it_says() {
        read(json("Content-Length: 5\r\n", "hello"));
        assertThat(answers.bodies).containsExactly("hello");
        assertThat(head().isReusable()).isTrue();
        assertThat(head().head().content()).isEqualTo(Content.JSON);
        assertThat(head().head().length()).isEqualTo(5);
    }

    @Test
    void chunks_are_joined_and_their_extensions_and_trailers_passed_over() {
        read(
                json("Transfer-Encoding: chunked\r\n", "")
                        + "3;why=not\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: yes\r\n\r\n");
        assertThat(answers.bodies).containsExactly("hello");
        assertThat(head().isReusable()).isTrue();
    }

    @Test
    void a_body_without_an_end_ends_with_its_connection_which_is_not_used_again() {
        read(json("", "hello"));
        assertThat(answers.bodies).isEmpty();
        assertThat(head().isReusable()).isFalse();
        decoder.close();
        assertThat(answers.bodies).containsExactly("hello");
    }

    @Test
    void an_answer_that_is_cut_off_is_not_taken_for_a_whole_one() {
        read(json("Content-Length: 6\r\n", "hello"));
        decoder.close();
        assertThat(answers.bodies).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {204, 304})
    void some_answers_have_no_body_whatever_they_say(int status) {
        read("HTTP/1.1 " + status + " -\r\nContent-Length: 7\r\n\r\n");
        assertThat(answers.bodies).containsExactly("");
        assertThat(head().isReusable()).isTrue();
    }

    @Test
    void interim_answers_are_passed_over() {
        read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
        assertThat(answers.heads).isEmpty();
        read(json("Content-Length: 2\r\n", "{}"));
        assertThat(answers.bodies).containsExactly("{}");
    }

    @Test
    void what_matters_to_a_conversation_is_read_in_any_case_and_the_rest_is_not() {
        read(
                "HTTP/1.1 202 Accepted\r\n"
                        + "MCP-SESSION-ID:abc \r\n"
                        + "location: /there\r\n"
                        + "Set-Cookie: a=1\r\n"
                        + "set-cookie: b=2\r\n"
                        + "Content-Length: 0\r\n"
                        + "CONTENT-TYPE: Text/Event-Stream; charset=x\r\n"
                        + "X-Other: \r\n"
                        + "Connection: Keep-Alive\r\n"
                        + "Keep-Alive: timeout=7, max=3\r\n\r\n");
        var head = head().head();
        assertThat(head.status()).isEqualTo(202);
        assertThat(head.sessionId()).contains("abc");
        assertThat(head.location()).contains("/there");
        assertThat(head.cookies()).containsExactly("a=1", "b=2");
        assertThat(head.isEventStream()).isTrue();
        assertThat(head().keepAliveSeconds()).isEqualTo(7);
        assertThat(head().isReusable()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\n"
                        + "Transfer-Encoding: chunked\r\n"
                        + "Content-Length: 9\r\n\r\n"
                        + "0\r\n\r\n"
            })
    void a_connection_whose_future_is_uncertain_is_not_used_again(String answer) {
        read(answer);
        assertThat(answers.bodies).containsExactly("");
        assertThat(head().isReusable()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/2 200 OK\r\n\r\n",
                "HTTP/1.1 20 OK\r\n\r\n",
                "HTTP/1.1 2000 OK\r\n\r\n",
                "HTTP/1.1 200OK\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                "ICY 200 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\n"
                        + "Transfer-Encoding: chunked\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
                "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                "HTTP/1.1 200 OK\r\n: nameless\r\n\r\n",
                "HTTP/1.1 200 OK\r\nMcp-Session-Id: a\u0000b\r\n\r\n",
                "HTTP/1.1 200 OK\r\nMcp-Session-Id: a\rb\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1g\r\na\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"
            })
    void what_makes_the_end_of_an_answer_uncertain_is_refused(String answer) {
        assertThatThrownBy(() -> read(answer)).isInstanceOf(MalformedHttp.class);
    }

    @Test
    void heads_lines_and_trailers_without_end_are_refused() {
        assertThatThrownBy(() -> read("HTTP/1.1 200 OK\r\nX: " + "x".repeat(70_000)))
                .isInstanceOf(MalformedHttp.class);
        var chunked = new Http1Decoder(new Answers());
        var begin = json("Transfer-Encoding: chunked\r\n", "");
        var endless = (begin + "1;" + "x".repeat(5000)).getBytes(StandardCharsets.US_ASCII);
        assertThatThrownBy(() -> chunked.read(endless, 0, endless.length))
                .isInstanceOf(MalformedHttp.class);
        var trailing = new Http1Decoder(new Answers());
        var trailers =
                (begin + "0\r\n" + ("X: " + "x".repeat(1000) + "\r\n").repeat(70))
                        .getBytes(StandardCharsets.US_ASCII);
        assertThatThrownBy(() -> trailing.read(trailers, 0, trailers.length))
                .isInstanceOf(MalformedHttp.class);
    }

    @Test
    void answers_mean_the_same_wherever_their_bytes_are_cut() {
        var text =
                (json("Content-Length: 5\r\n", "first")
                                + "HTTP/1.1 100 Continue\r\n\r\n"
                                + json(
                                        "Transfer-Encoding: chunked\r\n",
                                        "6\r\nsecond\r\n0\r\nA: b\r\n\r\n")
                                + "HTTP/1.1 404 Not Found\nContent-Length: 5\n\nthird")
                        .getBytes(StandardCharsets.US_ASCII);
        var random = new Random(7);
        for (int round = 0; round < 2000; round++) {
            var told = new Answers();
            var cut = new Http1Decoder(told);
            int at = 0;
            while (at < text.length) {
                int to = Math.min(text.length, at + 1 + random.nextInt(40));
                while (at < to) {
                    at = cut.read(text, at, to);
                }
            }
            assertThat(told.bodies).containsExactly("first", "second", "third");
        }
    }

    @Test
    void reading_stops_behind_each_answer() {
        var two = json("Content-Length: 1\r\n", "a") + json("Content-Length: 1\r\n", "b");
        var bytes = two.getBytes(StandardCharsets.US_ASCII);
        int stopped = decoder.read(bytes, 0, bytes.length);
        assertThat(answers.bodies).containsExactly("a");
        assertThat(stopped).isEqualTo(bytes.length / 2);
    }
}
