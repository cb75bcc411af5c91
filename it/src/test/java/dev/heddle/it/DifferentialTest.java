package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;

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

    private Heddle serve(String url) {
        return Heddle.serve(
                folder,
                "backends: [{name: b, url: \""
                        + url
                        + "\", transport: streamable-http}]\nsessions: {coldStart: 10s}");
    }
}
