package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** An MCP client without a library, for messages that no library would send. */
final class RawClient {
    static final JsonMapper JSON = JsonMapper.shared();
    private static final HttpClient HTTP =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** An answer, with its JSON messages whether it was one text or a stream. */
    record Answer(int status, Map<String, List<String>> headers, String body) {
        boolean isStream() {
            return header("content-type").orElse("").startsWith("text/event-stream");
        }

        Optional<String> header(String name) {
            return headers.entrySet().stream()
                    .filter(entry -> entry.getKey().equalsIgnoreCase(name))
                    .map(entry -> entry.getValue().getFirst())
                    .findFirst();
        }

        List<JsonNode> messages() {
            if (!isStream()) {
                return List.of(JSON.readTree(body));
            }
            return Stream.of(body.split("\n"))
                    .filter(line -> line.startsWith("data: ") && line.length() > 6)
                    .map(line -> JSON.readTree(line.substring("data: ".length())))
                    .toList();
        }

        /** The reply: the last message. */
        JsonNode reply() {
            return messages().getLast();
        }

        int errorCode() {
            return reply().path("error").path("code").asInt(0);
        }

        String errorText() {
            return reply().path("error").path("message").asString("");
        }

        JsonNode result() {
            assertThat(reply().has("result")).as(body).isTrue();
            return reply().path("result");
        }

        String text() {
            return result().path("content").path(0).path("text").asString("");
        }
    }

    private final URI endpoint;
    private final HttpClient http;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private int ids;

    RawClient(URI endpoint) {
        this(endpoint, HTTP);
    }

    RawClient(URI endpoint, HttpClient http) {
        this.endpoint = endpoint;
        this.http = http;
        headers.put("Content-Type", "application/json");
        headers.put("Accept", "application/json, text/event-stream");
    }

    /** The same client, whose next messages go to another node. */
    RawClient at(URI other) {
        var there = new RawClient(other, http);
        there.headers.putAll(headers);
        there.ids = ids;
        return there;
    }

    RawClient header(String name, String value) {
        headers.put(name, value);
        return this;
    }

    RawClient without(String name) {
        headers.remove(name);
        return this;
    }

    URI endpoint() {
        return endpoint;
    }

    String session() {
        return headers.getOrDefault("Mcp-Session-Id", "");
    }

    /** Begins a session, as a client that can answer nothing. */
    RawClient initialize() {
        return initialize("2025-11-25", "{}");
    }

    /** Asks for a session, whatever the answer. */
    Answer tryInitialize() {
        return tryInitialize("2025-11-25", "{}");
    }

    private Answer tryInitialize(String version, String capabilities) {
        return post(
                "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\""
                        + version
                        + "\",\"capabilities\":"
                        + capabilities
                        + ",\"clientInfo\":{\"name\":\"raw\",\"version\":\"1\"}}}");
    }

    RawClient initialize(String version, String capabilities) {
        var answer = tryInitialize(version, capabilities);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        header("Mcp-Session-Id", answer.header("mcp-session-id").orElseThrow());
        header("MCP-Protocol-Version", answer.result().path("protocolVersion").asString(""));
        assertThat(post("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}").status())
                .isEqualTo(202);
        return this;
    }

    Answer request(String method, String params) {
        return post(
                "{\"jsonrpc\":\"2.0\",\"id\":"
                        + ++ids
                        + ",\"method\":\""
                        + method
                        + "\",\"params\":"
                        + params
                        + "}");
    }

    Answer call(String tool, String arguments) {
        return request("tools/call", "{\"name\":\"" + tool + "\",\"arguments\":" + arguments + "}");
    }

    List<String> tools() {
        var tools = request("tools/list", "{}").result().path("tools");
        return tools.valueStream().map(tool -> tool.path("name").asString("")).toList();
    }

    Answer post(String body) {
        return send(builder().POST(BodyPublishers.ofString(body)));
    }

    Answer delete() {
        return send(builder().DELETE());
    }

    Answer send(HttpRequest.Builder request) {
        try {
            var response = http.send(request.build(), BodyHandlers.ofString());
            return new Answer(response.statusCode(), response.headers().map(), response.body());
        } catch (HttpTimeoutException e) {
            throw new AssertionError("no answer came from " + endpoint + " with " + headers, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Sends a request whose answer is a stream; its lines come as the gateway sends them. */
    Stream<String> stream(String method, String params) {
        var body =
                "{\"jsonrpc\":\"2.0\",\"id\":"
                        + ++ids
                        + ",\"method\":\""
                        + method
                        + "\",\"params\":"
                        + params
                        + "}";
        try {
            var request = builder().POST(BodyPublishers.ofString(body)).build();
            return HTTP.send(request, BodyHandlers.ofLines()).body();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Opens the GET stream; its lines come as the gateway sends them. */
    HttpResponse<Stream<String>> listen() {
        try {
            return HTTP.send(
                    builder().header("Accept", "text/event-stream").GET().build(),
                    BodyHandlers.ofLines());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    HttpRequest.Builder builder() {
        var builder = HttpRequest.newBuilder(endpoint).timeout(Duration.ofSeconds(60));
        headers.forEach(builder::setHeader);
        return builder;
    }

    /** What a page of the gateway, or of a stub, says. */
    static JsonNode page(URI url) {
        return JSON.readTree(text(url));
    }

    static String text(URI url) {
        return get(url).body();
    }

    /** The status of a page. */
    static int status(URI url) {
        return get(url).statusCode();
    }

    private static HttpResponse<String> get(URI url) {
        try {
            return HTTP.send(HttpRequest.newBuilder(url).build(), BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
