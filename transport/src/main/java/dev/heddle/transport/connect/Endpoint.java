package dev.heddle.transport.connect;

import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** Where one backend's messages go, and the headers that go with each. Immutable. */
record Endpoint(String backend, URI url, Optional<Path> caBundle, Map<String, String> headers) {
    static final String SESSION_HEADER = "Mcp-Session-Id";
    static final String VERSION_HEADER = "MCP-Protocol-Version";

    /** What is known of the conversation so far; both texts may be empty. */
    record Talk(String sessionId, String revision, Cookies cookies) {
        /** Nothing yet. */
        static Talk fresh() {
            return new Talk("", "", new Cookies(""));
        }

        Talk called(String name) {
            return new Talk(name, revision, cookies);
        }

        Talk in(Revision agreed) {
            return new Talk(sessionId, agreed.hasVersionHeader() ? agreed.text() : "", cookies);
        }
    }

    Endpoint {
        headers = Map.copyOf(headers);
    }

    HttpPool.Origin origin() {
        return HttpPool.Origin.of(url, caBundle);
    }

    /** Whether {@code other} is on the same host. */
    boolean isSameHost(URI other) {
        return other.getHost() != null && HttpPool.Origin.of(other, caBundle).equals(origin());
    }

    Endpoint at(URI other) {
        return new Endpoint(backend, other, caBundle, headers);
    }

    FullHttpRequest post(Spliced message, Talk talk) {
        var body = Unpooled.buffer(message.length());
        message.writeTo(body::writeBytes);
        var request = request(HttpMethod.POST, body, talk);
        request.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, "application/json")
                .set(HttpHeaderNames.ACCEPT, "application/json, text/event-stream")
                .set(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
        return request;
    }

    FullHttpRequest get(Talk talk, String lastEventId) {
        var request = request(HttpMethod.GET, Unpooled.EMPTY_BUFFER, talk);
        request.headers().set(HttpHeaderNames.ACCEPT, "text/event-stream");
        if (!lastEventId.isEmpty()) {
            request.headers().set("Last-Event-ID", lastEventId);
        }
        return request;
    }

    FullHttpRequest delete(Talk talk) {
        return request(HttpMethod.DELETE, Unpooled.EMPTY_BUFFER, talk);
    }

    /** Without what somebody may have put before an at sign. */
    private String host() {
        return url.getPort() < 0 ? url.getHost() : url.getHost() + ":" + url.getPort();
    }

    private FullHttpRequest request(HttpMethod method, ByteBuf body, Talk talk) {
        var path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        var target = url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
        var request = new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, method, target, body);
        headers.forEach(request.headers()::set);
        request.headers().set(HttpHeaderNames.HOST, host());
        var cookies = talk.cookies().header();
        if (!cookies.isEmpty()) {
            var configured = request.headers().get(HttpHeaderNames.COOKIE);
            request.headers()
                    .set(
                            HttpHeaderNames.COOKIE,
                            configured == null ? cookies : configured + "; " + cookies);
        }
        if (!talk.sessionId().isEmpty()) {
            request.headers().set(SESSION_HEADER, talk.sessionId());
        }
        if (!talk.revision().isEmpty()) {
            request.headers().set(VERSION_HEADER, talk.revision());
        }
        return request;
    }
}
