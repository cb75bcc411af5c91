package dev.heddle.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

class EnvelopeTest {

    @Test
    void a_request_shows_what_a_gateway_reads_wherever_it_stands() {
        var call =
                parse(
                        """
                        {"params":{"arguments":{"name":"no","_meta":{"progressToken":1}},"_meta":{"x":{"progressToken":2},\
                        "progressToken":"p"},"name":"echo"},"method":"tools/call","id":"7","jsonrpc":"2.0"}\
                        """);
        assertThat(call.isRequest()).isTrue();
        assertThat(call.method()).isEqualTo("tools/call");
        assertThat(call.id()).isEqualTo(Json.of("7"));
        assertThat(call.name()).contains("echo");
        assertThat(call.progressToken()).contains(Json.of("p"));
        assertThat(call.uri()).isEmpty();
    }

    @Test
    void a_number_id_and_a_string_id_differ() {
        assertThat(parse(request("1")).id()).isNotEqualTo(parse(request("\"1\"")).id());
    }

    @Test
    void replaced_values_leave_every_other_byte_alone() {
        var text =
                "{ \"id\" : 1.0, \"jsonrpc\":\"2.0\",\"method\":\"tools/call\","
                    + " \"params\":{\"big\":12345678901234567890.10,\"name\":\"a\\u0062\",\"_meta\":{\"progressToken\":\"t\"}}"
                    + " }";
        var spliced =
                Spliced.of(parse(text)).name("other").id(Json.of(42)).progressToken(Json.of(42));
        assertThat(spliced.toString())
                .isEqualTo(
                        text.replace(": 1.0", ": 42")
                                .replace("\"a\\u0062\"", "\"other\"")
                                .replace("\"t\"", "42"));
        assertThat(spliced.length()).isEqualTo(spliced.bytes().length);
    }

    @Test
    void nothing_is_invented_by_replacing_what_is_not_there() {
        var text = request("1");
        assertThat(Spliced.of(parse(text)).name("x").progressToken(Json.of(1)).toString())
                .isEqualTo(text);
    }

    @Test
    void a_line_frame_cannot_be_ended_early() {
        var text = "{\"jsonrpc\":\"2.0\",\r\n\"id\":1,\n\"method\":\"ping\"\r}";
        var out = new ByteArrayOutputStream();
        Spliced.of(parse(text)).writeLineTo(out::write);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo(text.replace('\n', ' ').replace('\r', ' '));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"\\u0069d\":2,\"method\":\"ping\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"n\\u0061me\":\"b\"}}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"progressToken\":1,\"progressToken\":1}}}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{},\"params\":{}}"
            })
    void an_envelope_key_that_occurs_twice_is_an_invalid_request(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOfSatisfying(
                        Malformed.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                .hasMessageContaining("twice");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"id\":1,\"method\":\"ping\"} | jsonrpc",
                "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"} | jsonrpc",
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"} | id",
                "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"} | id",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7} | method",
                "{\"jsonrpc\":\"2.0\",\"id\":1} | neither",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}} | both",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"result\":{}} | beside",
                "{\"jsonrpc\":\"2.0\",\"result\":{}} | id",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[]} | object",
                "[] | array",
                "7 | object"
            })
    void what_is_not_json_rpc_is_refused_with_a_reason(String text, String reason) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOfSatisfying(
                        Malformed.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                .hasMessageContaining(reason);
    }

    @Test
    void text_that_is_not_json_is_a_parse_error() {
        assertThatThrownBy(() -> parse("{\"jsonrpc\""))
                .isInstanceOfSatisfying(
                        Malformed.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.PARSE_ERROR));
    }

    @Test
    void nesting_beyond_the_limit_is_refused() {
        var deep = "[".repeat(JsonScanner.MAX_DEPTH + 1) + "]".repeat(JsonScanner.MAX_DEPTH + 1);
        assertThatThrownBy(() -> Json.parse(deep)).hasMessageContaining("nested too deeply");
        assertThat(Json.parse(deep.substring(1, deep.length() - 1)).isArray()).isTrue();
    }

    @Test
    void an_object_takes_a_member_in_place_or_behind_the_last_one() {
        var tool = Json.parse("{\"name\" : \"a\", \"x\":1.0}");
        assertThat(tool.with("name", Json.of("b")).toString())
                .isEqualTo("{\"name\" : \"b\", \"x\":1.0}");
        assertThat(tool.with("y", Json.TRUE).toString())
                .isEqualTo("{\"name\" : \"a\", \"x\":1.0,\"y\":true}");
        assertThat(Json.EMPTY_OBJECT.with("y", Json.NULL).toString()).isEqualTo("{\"y\":null}");
    }

    @Test
    void a_key_that_an_object_holds_twice_cannot_be_read() {
        assertThatThrownBy(() -> Json.parse("{\"a\":1,\"\\u0061\":2}").get("a"))
                .hasMessageContaining("twice");
    }

    private static String request(String id) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"ping\",\"params\":{}}";
    }

    private static Envelope parse(String text) {
        return Envelope.parse(text.getBytes(StandardCharsets.UTF_8));
    }
}
