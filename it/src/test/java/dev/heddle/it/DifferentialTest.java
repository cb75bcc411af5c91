package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.it.RawClient.Answer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * The same calls, direct and through the gateway, give the same text, apart from the request's own
 * id.
 */
class DifferentialTest {
    @TempDir Path folder;

    private record Call(String method, String params) {}

    private static final List<Call> CALLS =
            List.of(
                    new Call(
                            "tools/call",
                            "{\"name\":\"echo\",\"arguments\":{\"message\":\"ä\\u00e9\"}}"),
                    new Call(
                            "tools/call",
                            "{\"name\":\"get-sum\",\"arguments\":{\"a\":1.5,\"b\":2}}"),
                    new Call(
                            "tools/call",
                            "{\"name\":\"get-structured-content\",\"arguments\":{\"location\":\"New"
                                    + " York\"}}"),
                    new Call(
                            "tools/call",
                            "{\"name\":\"get-annotated-message\",\"arguments\":{\"messageType\":\"error\",\"includeImage\":true}}"),
                    new Call(
                            "tools/call",
                            "{\"name\":\"get-resource-links\",\"arguments\":{\"count\":3}}"),
                    new Call("tools/call", "{\"name\":\"get-tiny-image\",\"arguments\":{}}"),
                    new Call("tools/call", "{\"name\":\"get-sum\",\"arguments\":{\"a\":\"x\"}}"),
                    new Call("resources/list", "{}"),
                    new Call("resources/templates/list", "{}"),
                    new Call(
                            "resources/read",
                            "{\"uri\":\"demo://resource/static/document/architecture.md\"}"),
                    new Call("prompts/list", "{}"),
                    new Call("prompts/get", "{\"name\":\"simple-prompt\"}"),
                    new Call(
                            "prompts/get",
                            "{\"name\":\"args-prompt\",\"arguments\":{\"city\":\"X\"}}"),
                    new Call(
                            "completion/complete",
                            "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"completable-prompt\"},\"argument\":{\"name\":\"department\",\"value\":\"\"}}"),
                    new Call("tools/list", "{}"));

    /** Of the fixture for the conformance suite: some say something before their result. */
    private static final List<String> TOOLS =
            List.of(
                    "test_simple_text",
                    "test_multiple_content_types",
                    "test_error_handling",
                    "test_tool_with_progress",
                    "test_logging_tool");

    @Test
    void results_of_a_real_server_are_the_same_field_for_field() {
        int port = Child.freePort();
        try (var everything = Peers.everything("streamableHttp", port).listening(port);
                var heddle = serve("http://127.0.0.1:" + port + "/mcp")) {
            assertThat(everything.process().isAlive()).isTrue();
            var direct =
                    new RawClient(URI.create("http://127.0.0.1:" + port + "/mcp")).initialize();
            var through = heddle.client().initialize();
            for (var call : CALLS) {
                var expected = direct.request(call.method(), call.params()).reply();
                var actual = through.request(call.method(), call.params()).reply();
                assertThat(actual.path("result"))
                        .as(call.toString())
                        .isEqualTo(expected.path("result"));
                assertThat(actual.path("error"))
                        .as(call.toString())
                        .isEqualTo(expected.path("error"));
            }
        }
    }

    @Test
    void unknown_fields_number_text_and_key_order_pass_byte_for_byte() {
        try (var stub = Stub.start();
                var heddle = serve(stub.url())) {
            var direct = new RawClient(URI.create(stub.url())).initialize();
            var through = heddle.client().initialize();
            var call =
                    "{\"jsonrpc\":\"2.0\",\"id\":\"same\",\"method\":\"tools/call\",\"params\":{\"name\":\"exotic\"}}";
            assertThat(through.post(call).body()).isEqualTo(direct.post(call).body());
            var params =
                    "{\"z\":1.0,\"arguments\":{\"big\":12345678901234567890,\"f\":1.50},\"name\":\"echo\",\"_meta\":{\"v/x\":[1E2]}}";
            var echoed = through.request("tools/call", params).text();
            assertThat(RawClient.JSON.readTree(echoed))
                    .isEqualTo(
                            RawClient.JSON.readTree(direct.request("tools/call", params).text()));
        }
    }

    /** Asks as clients without sessions do, for everything that may come back. */
    private static Answer askStateless(URI url, Call call, String about) {
        var client =
                new RawClient(url)
                        .header("MCP-Protocol-Version", "2026-07-28")
                        .header("Mcp-Method", call.method());
        if (!about.isEmpty()) {
            client.header("Mcp-Name", about);
        }
        var meta =
                """
                "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",\
                "io.modelcontextprotocol/clientCapabilities":{},\
                "io.modelcontextprotocol/logLevel":"debug","progressToken":"p","vendor/x":[1.0]}\
                """;
        var params = call.params().equals("{}") ? "{" + meta + "}" : call.params();
        return client.request(
                call.method(), params.equals(call.params()) ? with(params, meta) : params);
    }

    private static String with(String params, String meta) {
        return params.substring(0, params.length() - 1) + "," + meta + "}";
    }

    /** Each server gives its own name to what it says. */
    private static List<JsonNode> withoutNames(Answer answer) {
        var messages = answer.messages();
        for (var message : messages) {
            if (message.path("result").path("_meta") instanceof ObjectNode meta) {
                meta.remove("io.modelcontextprotocol/serverInfo");
            }
        }
        return messages;
    }

    @Test
    void clients_without_sessions_get_what_they_would_get_directly_message_for_message() {
        try (var server = conformant("stateless")) {
            var direct = URI.create(server.line(line -> line.startsWith("http")));
            try (var heddle = serve(direct.toString())) {
                for (var tool : TOOLS) {
                    var call = new Call("tools/call", "{\"name\":\"" + tool + "\"}");
                    assertSame(direct, heddle.endpoint(), call, tool);
                }
                assertSame(
                        direct,
                        heddle.endpoint(),
                        new Call("prompts/get", "{\"name\":\"test_simple_prompt\"}"),
                        "test_simple_prompt");
                for (var uri :
                        List.of("test://static-text", "test://template/1/data", "test://no")) {
                    var call = new Call("resources/read", "{\"uri\":\"" + uri + "\"}");
                    assertSame(direct, heddle.endpoint(), call, uri);
                }
            }
        }
    }

    private static void assertSame(URI direct, URI through, Call call, String about) {
        var expected = askStateless(direct, call, about);
        var actual = askStateless(through, call, about);
        assertThat(actual.status()).isEqualTo(expected.status());
        assertThat(withoutNames(actual)).as(about).isEqualTo(withoutNames(expected));
    }

    @Test
    void streams_carry_what_they_would_carry_directly_message_for_message() {
        try (var server = conformant("sessions")) {
            var url = server.line(line -> line.startsWith("http"));
            try (var heddle = serve(url)) {
                var direct = new RawClient(URI.create(url)).initialize();
                var through = heddle.client().initialize();
                for (var client : List.of(direct, through)) {
                    client.request("logging/setLevel", "{\"level\":\"debug\"}");
                }
                for (var tool : TOOLS) {
                    var params = "{\"name\":\"" + tool + "\",\"_meta\":{\"progressToken\":\"p\"}}";
                    assertThat(through.request("tools/call", params).messages())
                            .as(tool)
                            .isEqualTo(direct.request("tools/call", params).messages());
                }
            }
        }
    }

    private static Child conformant(String era) {
        return Child.start(Map.of(), Peers.node(), Peers.fixture("conformant.mjs"), era);
    }

    private Heddle serve(String url) {
        return Heddle.serve(
                folder,
                "backends: [{name: b, url: \""
                        + url
                        + "\", transport: streamable-http}]\nsessions: {coldStart: 10s}");
    }
}
