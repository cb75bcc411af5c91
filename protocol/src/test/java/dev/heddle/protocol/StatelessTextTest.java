package dev.heddle.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;

class StatelessTextTest {
    private static Spliced message(String text) {
        return Spliced.of(Envelope.parse(text.getBytes(StandardCharsets.UTF_8)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "plain",
                "with space inside",
                " edges ",
                "\u00fc",
                "a\nb",
                "=?base64?eA==?=",
                ""
            })
    void what_a_header_holds_is_read_as_it_was(String text) {
        var header = HeaderValue.encode(text);
        assertThat(header).matches("[\\x20-\\x7E]*").isEqualTo(header.strip());
        assertThat(HeaderValue.decode(header)).contains(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"=?base64?SGVsbG8?=", "=?base64?S*==?=", "=?base64?/w==?=", "\u00fc"})
    void a_header_that_is_not_well_encoded_is_no_text(String header) {
        assertThat(HeaderValue.decode(header)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{V,\"a\":1} | {\"a\":1}",
                "{\"a\":1,V} | {\"a\":1}",
                "{\"a\":1,V,\"b\":2} | {\"a\":1,\"b\":2}",
                "{V,L,\"b\":2} | {\"b\":2}",
                "{\"b\":2 , L,V} | {\"b\":2}",
                "{V,\"a\":1,L,\"b\":2, I } | {\"a\":1,\"b\":2}",
                "{V} | {}"
            })
    void what_belongs_to_a_hop_is_left_out_and_nothing_else(String meta, String left) {
        var whole =
                meta.replace("V", "\"" + MetaKey.PROTOCOL_VERSION + "\":\"2026-07-28\"")
                        .replace("L", "\"" + MetaKey.LOG_LEVEL + "\":\"info\"")
                        .replace("I", "\"" + MetaKey.CLIENT_INFO + "\":{\"name\":\"x\"}");
        var form =
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":%s,\"x\":0}}";
        var spliced = message(form.formatted(whole)).withoutHop();
        var meant = Json.parse(form.formatted(left));
        assertThat(Json.parse(spliced.bytes()).get("params").orElseThrow().get("_meta"))
                .map(Json::members)
                .isEqualTo(meant.get("params").orElseThrow().get("_meta").map(Json::members));
        assertThat(spliced.length()).isEqualTo(spliced.bytes().length);
    }

    @Test
    void a_progress_token_beside_what_is_left_out_is_replaced_as_well() {
        var message =
                message(
                        """
                        {"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"progressToken":7,\
                        "io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}\
                        """);
        assertThat(message.id(Json.of(1)).progressToken(Json.of(2)).withoutHop())
                .hasToString(
                        """
                        {"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":2}}}\
                        """);
    }

    @Test
    void members_come_first_or_go_and_the_others_stay() {
        var object = Json.parse("{\"a\":1.0,\"b\":[2]}");
        assertThat(object.withFirst(members -> members.put("z", 0)))
                .hasToString("{\"z\":0,\"a\":1.0,\"b\":[2]}");
        assertThat(Json.EMPTY_OBJECT.withFirst(members -> members.put("z", 0)))
                .hasToString("{\"z\":0}");
        assertThat(object.withFirst(_ -> {})).isEqualTo(object);
        assertThat(object.without("a")).hasToString("{\"b\":[2]}");
        assertThat(object.without("c")).isEqualTo(object);
    }

    private static Json tool(String schema) {
        return Json.parse("{\"name\":\"t\",\"inputSchema\":" + schema + "}");
    }

    private static final Json MARKED =
            tool(
                    """
                    {"type":"object","properties":{
                      "region":{"type":"string","x-mcp-header":"Region"},
                      "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
                      "x-mcp-header":{"type":"string"},
                      "flag":{"type":"boolean","x-mcp-header":"Flag"}}}
                    """);

    private static Optional<Json> arguments(String text) {
        return Optional.of(Json.parse(text));
    }

    @Test
    void marked_arguments_travel_in_headers() {
        var headers = ParamHeaders.of(MARKED);
        assertThat(
                        headers.of(
                                arguments(
                                        "{\"region\":\"\u00fc\",\"deep\":{\"n\":4},\"flag\":true}")))
                .isEqualTo(
                        Map.of(
                                "Mcp-Param-Region", "=?base64?w7w=?=",
                                "Mcp-Param-N", "4",
                                "Mcp-Param-Flag", "true"));
        assertThat(headers.of(arguments("{\"region\":null}"))).isEmpty();
        assertThat(headers.of(Optional.empty())).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "none",
            value = {
                "{\"region\":\"a\"} | a | true",
                "{\"region\":\"a\"} | =?base64?YQ==?= | true",
                "{\"region\":\"a\"} | A | false",
                "{\"region\":\"a\"} | none | false",
                "{\"region\":null} | none | true",
                "{} | a | false"
            })
    void headers_must_say_what_the_arguments_say(String arguments, String header, boolean good) {
        var found =
                ParamHeaders.of(MARKED)
                        .mismatch(
                                arguments(arguments),
                                name ->
                                        Optional.ofNullable(header)
                                                .filter(_ -> name.equals("Mcp-Param-Region")));
        assertThat(found.isEmpty()).isEqualTo(good);
    }

    @Test
    void numbers_are_compared_as_numbers() {
        var mismatch =
                ParamHeaders.of(MARKED)
                        .mismatch(
                                arguments("{\"deep\":{\"n\":4.0}}"),
                                name -> Optional.of("4").filter(_ -> name.equals("Mcp-Param-N")));
        assertThat(mismatch).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}}",
                "{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}}",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}}}",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A B\"}}}",
                "{\"properties\":{\"a\":{\"items\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}}",
                "{\"$defs\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}",
                "{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}]}",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
                        + "\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}}}"
            })
    void a_mark_that_cannot_be_followed_is_refused(String schema) {
        assertThatThrownBy(() -> ParamHeaders.of(tool(schema))).isInstanceOf(MalformedJson.class);
    }
}
