package dev.heddle.transport.connect;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Revision;

import io.netty.handler.codec.http.HttpHeaderValidationUtil;

import org.jspecify.annotations.Nullable;

import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Where one backend's messages go, and the headers that go with each. Immutable. */
final class Endpoint {
    /** Headers that the gateway writes itself. */
    private static final Set<String> OWN =
            Set.of(
                    "accept",
                    "connection",
                    "content-length",
                    "content-type",
                    "host",
                    "keep-alive",
                    "mcp-method",
                    "mcp-name",
                    "mcp-protocol-version",
                    "mcp-session-id",
                    "te",
                    "transfer-encoding",
                    "upgrade");

    /** What is known of the conversation so far. */
    record Talk(String sessionId, Optional<Revision> revision, Cookies cookies) {
        /** Nothing yet. */
        static Talk fresh() {
            return new Talk("", Optional.empty(), new Cookies(""));
        }

        Talk called(String name) {
            return new Talk(name, revision, cookies);
        }

        Talk in(Revision agreed) {
            return new Talk(sessionId, Optional.of(agreed), cookies);
        }

        /** The text of {@code MCP-Protocol-Version}; empty where there is to be none. */
        String version() {
            return revision.filter(Revision::hasVersionHeader).map(Revision::text).orElse("");
        }
    }

    private final String backend;
    private final URI url;
    private final HttpPool.Origin origin;
    private final Map<String, String> headers;
    private final String cookies;
    private final byte[] postHead;

    private Endpoint(
            String backend,
            URI url,
            HttpPool.Origin origin,
            Map<String, String> headers,
            String cookies) {
        this.backend = backend;
        this.url = url;
        this.origin = origin;
        this.headers = headers;
        this.cookies = cookies;
        this.postHead = Outgoing.Verb.POST.head(this);
    }

    /**
     * @param configured headers that go with each message; those that the gateway writes itself are
     *     left out
     * @throws Fault.BackendFailed if one of them is no header
     */
    static Endpoint of(
            String backend, URI url, Optional<Path> caBundle, Map<String, String> configured) {
        var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
        configured.forEach(
                (name, value) -> {
                    if (HttpHeaderValidationUtil.validateToken(name) >= 0
                            || HttpHeaderValidationUtil.validateValidHeaderValue(value) >= 0) {
                        throw Fault.BackendFailed.notSent(
                                backend,
                                Reason.UNREACHABLE,
                                "cannot be asked with a header '"
                                        + name
                                        + "' that HTTP does not allow");
                    }
                    if (!OWN.contains(name.toLowerCase(Locale.ROOT))) {
                        headers.put(name, value);
                    }
                });
        var cookies = headers.remove("cookie");
        return new Endpoint(
                backend,
                url,
                HttpPool.Origin.of(url, caBundle),
                headers,
                cookies == null ? "" : cookies);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Endpoint that
                && backend.equals(that.backend)
                && url.equals(that.url)
                && origin.equals(that.origin)
                && headers.equals(that.headers)
                && cookies.equals(that.cookies);
    }

    @Override
    public int hashCode() {
        return Objects.hash(backend, url, headers, cookies);
    }

    /** The name of the backend. */
    String backend() {
        return backend;
    }

    URI url() {
        return url;
    }

    HttpPool.Origin origin() {
        return origin;
    }

    /** What goes with each message, by name. */
    Map<String, String> headers() {
        return headers;
    }

    /** The cookies that go with each message; empty text if there are none. */
    String cookies() {
        return cookies;
    }

    /** What every POST in HTTP/1.1 begins with; not to be changed. */
    byte[] postHead() {
        return postHead;
    }

    /** Without what somebody may have put before an at sign. */
    String host() {
        return url.getPort() < 0 ? url.getHost() : url.getHost() + ":" + url.getPort();
    }

    /** Path and query. */
    String target() {
        var path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        return url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
    }

    /**
     * Where a redirect leads, if it is one to the same host, as a server answers that wants another
     * spelling of its path.
     */
    Optional<Endpoint> redirectedBy(ResponseHead head) {
        int status = head.status();
        if (status != 307 && status != 308) {
            return Optional.empty();
        }
        try {
            return head.location()
                    .map(location -> url.resolve(URI.create(location)))
                    .filter(this::isSameHost)
                    .map(this::at);
        } catch (IllegalArgumentException notAUrl) {
            return Optional.empty();
        }
    }

    /** Whether {@code other} is on the same host. */
    boolean isSameHost(URI other) {
        return other.getHost() != null
                && HttpPool.Origin.of(other, origin.caBundle()).equals(origin);
    }

    Endpoint at(URI other) {
        return new Endpoint(
                backend, other, HttpPool.Origin.of(other, origin.caBundle()), headers, cookies);
    }
}
