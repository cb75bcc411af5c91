package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What the keys of {@code server} and {@code catalogs}, and those at the top, do. */
class ServerKeysTest {
    @TempDir Path folder;

    /** Serves exactly what {@code yaml} says. */
    private Heddle serveExactly(String yaml) throws IOException {
        var file = folder.resolve("exact.yaml");
        Files.writeString(file, yaml);
        return Heddle.start("serve", "--config", file.toString());
    }

    @Test
    @Shows({"server.host", "server.port", "server.path"})
    void it_listens_where_it_is_told_to() throws IOException {
        int port = Child.freePort();
        try (var heddle =
                serveExactly("server: {host: 127.0.0.2, port: " + port + ", path: /gate/mcp}")) {
            assertThat(heddle.endpoint()).hasToString("http://127.0.0.2:" + port + "/gate/mcp");
            assertThat(heddle.client().initialize().tools()).isEmpty();
            var elsewhere = new RawClient(heddle.endpoint().resolve("/mcp"));
            assertThat(elsewhere.post("{}").errorText()).contains("/gate/mcp");
        }
    }

    @Test
    @Shows({"server.tls.certificate", "server.tls.key"})
    void it_serves_over_tls_with_the_certificate_that_it_is_given() {
        var keys = Keys.make(folder);
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                """
                                backends: [{name: s, url: "%s"}]
                                sessions: {coldStart: 10s}
                                server: {tls: {certificate: %s, key: %s}}
                                """
                                        .formatted(stub.url(), keys.certificate(), keys.key()));
                var trusting = HttpClient.newBuilder().sslContext(keys.trust()).build()) {
            assertThat(heddle.endpoint().getScheme()).isEqualTo("https");
            var client = new RawClient(heddle.endpoint(), trusting).initialize();
            assertThat(client.call("count", "{}").text()).isEqualTo("1");
            var large = client.call("big", "{\"bytes\":3000000,\"events\":true}");
            assertThat(large.text().equals("y\u00e9".repeat(1_000_000))).isTrue();
            try (var clear = RawHttp.to(heddle.endpoint())) {
                clear.post(clear.hostHeader(), "{}");
                assertThat(clear.head()).doesNotContain("HTTP/1.1");
            }
        }
    }

    @Test
    void a_certificate_that_cannot_be_used_is_named() throws IOException {
        var keys = Keys.make(folder);
        var file = folder.resolve("bad.yaml");
        Files.writeString(
                file,
                "server: {port: 0, tls: {certificate: %s, key: %s}}"
                        .formatted(keys.certificate(), keys.certificate()));
        var command = Heddle.command("serve", "--config", file.toString());
        try (var child = Child.start(Map.of(), command)) {
            assertThat(child.awaitExit()).isNotZero();
            await().until(() -> child.errors().toString().contains("expected: PEM files"));
        }
    }

    @Test
    @Shows({"server.allowAnonymousRemote"})
    void it_listens_on_every_address_if_that_is_said_to_be_meant() throws IOException {
        try (var heddle =
                serveExactly("server: {host: 0.0.0.0, port: 0, allowAnonymousRemote: true}")) {
            assertThat(heddle.client().initialize().tools()).isEmpty();
        }
    }

    @Test
    @Shows({"server.allowedHosts", "server.allowedOrigins"})
    void names_of_a_reverse_proxy_and_its_pages_are_let_in_if_they_are_named() {
        try (var heddle =
                Heddle.serve(
                        folder,
                        "server: {allowedHosts: [mcp.example.com], allowedOrigins:"
                                + " [\"https://app.example.com\"]}")) {
            assertThat(status(heddle, "Host: mcp.example.com\r\n")).isEqualTo(200);
            assertThat(status(heddle, "Host: evil.example.com\r\n")).isEqualTo(403);
            assertThat(status(heddle, "")).isEqualTo(403);
            assertThat(
                            status(
                                    heddle,
                                    "Host: mcp.example.com\r\nOrigin:"
                                            + " https://app.example.com\r\n"))
                    .isEqualTo(200);
            assertThat(
                            status(
                                    heddle,
                                    "Host: mcp.example.com\r\nOrigin:"
                                            + " https://evil.example.com\r\n"))
                    .isEqualTo(403);
        }
    }

    private static int status(Heddle heddle, String headers) {
        try (var connection = RawHttp.to(heddle.endpoint())) {
            return connection.post(headers, RawHttp.INITIALIZE).status();
        }
    }

    @Test
    @Shows({"server.maxHeader"})
    void headers_that_are_too_large_are_refused() {
        try (var heddle = Heddle.serve(folder, "server: {maxHeader: 2000}");
                var connection = RawHttp.to(heddle.endpoint())) {
            var large = connection.hostHeader() + "X-Large: " + "x".repeat(3000) + "\r\n";
            var head = connection.post(large, RawHttp.INITIALIZE).head();
            assertThat(head).startsWith("HTTP/1.1 431 ").contains("application/json");
        }
    }

    @Test
    @Shows({"server.maxConnections"})
    void connections_beyond_the_limit_are_closed_and_the_others_live_on() {
        try (var heddle = Heddle.serve(folder, "server: {maxConnections: 2}");
                var first = RawHttp.to(heddle.endpoint());
                var second = RawHttp.to(heddle.endpoint())) {
            assertThat(first.post(first.hostHeader(), RawHttp.INITIALIZE).status()).isEqualTo(200);
            assertThat(second.post(second.hostHeader(), RawHttp.INITIALIZE).status())
                    .isEqualTo(200);
            try (var third = RawHttp.to(heddle.endpoint())) {
                assertThat(third.head()).isEmpty();
            }
            second.hangUp();
            await().until(() -> status(heddle, first.hostHeader()) == 200);
        }
    }

    @Test
    @Shows({"server.drain"})
    void one_that_is_told_to_stop_serves_for_a_while_and_says_that_it_will_stop() {
        try (var stub = Stub.start();
                var heddle =
                        Heddle.serve(
                                folder,
                                "backends: [{name: stub, transport: streamable-http, url: \""
                                        + stub.url()
                                        + "\"}]\nserver: {drain: 3s}")) {
            var ready = heddle.endpoint().resolve("/readyz");
            await().until(() -> RawClient.status(ready) == 200);
            var client = heddle.client().initialize();
            heddle.child().signal("TERM");
            await().until(() -> RawClient.status(ready) == 503);
            assertThat(client.request("ping", "{}").status()).isEqualTo(200);
            assertThat(heddle.client().tryInitialize().status()).isEqualTo(200);
        }
    }

    @Test
    @Shows({"server.keepAlive"})
    void an_open_stream_shows_that_it_is_alive() {
        try (var heddle = Heddle.serve(folder, "server: {keepAlive: 100ms}");
                var connection = RawHttp.to(heddle.endpoint())) {
            var session = heddle.client().initialize();
            connection.write(
                    "GET /mcp HTTP/1.1\r\n"
                            + connection.hostHeader()
                            + "Accept: text/event-stream\r\nMcp-Session-Id: "
                            + session.session()
                            + "\r\n\r\n");
            assertThat(connection.status()).isEqualTo(200);
            assertThat(connection.readTo("\n\n")).contains("id: ", "data: ");
            for (int i = 0; i < 3; i++) {
                assertThat(connection.readTo("\n\n")).contains(":").doesNotContain("data:");
            }
        }
    }

    @Test
    @Shows({"server.io"})
    void the_way_to_ask_the_kernel_can_be_chosen() {
        try (var heddle = Heddle.serve(folder, "server: {io: nio}")) {
            assertThat(heddle.client().initialize().tools()).isEmpty();
            assertThat(heddle.child().errors()).anyMatch(line -> line.contains("NIO"));
        }
    }

    @Test
    @Shows({"name", "groupRef", "metadata"})
    void what_it_is_called_is_shown() {
        try (var heddle =
                Heddle.serve(
                        folder, "name: front door\ngroupRef: team\nmetadata: {owner: anna}\n")) {
            var answer = heddle.client().post(RawHttp.INITIALIZE);
            assertThat(answer.result().path("serverInfo").path("name").asString(""))
                    .isEqualTo("front door");
            var status = RawClient.page(heddle.endpoint().resolve("/status"));
            assertThat(status.path("group_ref").asString("")).isEqualTo("team");
            assertThat(status.path("metadata").path("owner").asString("")).isEqualTo("anna");
        }
    }

    @Test
    @Shows({"catalogs.keep"})
    void catalogs_are_kept_on_disk_unless_that_is_not_wanted() throws IOException {
        var kept = folder.resolve("kept");
        try (var stub = Stub.start()) {
            var yaml =
                    "server: {port: 0}\nsessions: {coldStart: 10s}\nbackends: [{name: s, url: \""
                            + stub.url()
                            + "\"}]\ncatalogs: {folder: "
                            + kept
                            + ", keep: ";
            try (var heddle = serveExactly(yaml + "false}")) {
                assertThat(heddle.client().initialize().tools()).contains("count");
            }
            assertThat(kept).doesNotExist();
            try (var heddle = serveExactly(yaml + "true}")) {
                assertThat(heddle.client().initialize().tools()).contains("count");
                await().until(() -> Files.isDirectory(kept) && kept.toFile().list().length > 0);
            }
        }
    }
}
