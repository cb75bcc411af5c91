package dev.heddle.transport.serve;

import dev.heddle.core.session.SessionManager;
import dev.heddle.transport.net.EventLoops;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.util.concurrent.GlobalEventExecutor;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

import javax.net.ssl.SSLException;

/**
 * The HTTP server in front: the MCP endpoint, and a few pages. Checks who may talk to it at all
 * before anything else. Thread-safe.
 */
public final class McpServer implements AutoCloseable {
    /** How long the end of an answer may take to a client that reads slowly. */
    private static final Duration LAST_BYTES = Duration.ofSeconds(2);

    static final WriteBufferWaterMark BUFFER = new WriteBufferWaterMark(256 * 1024, 1024 * 1024);

    private final ServeOptions options;
    private final McpEndpoint endpoint;
    private final SseFront sse;
    private final Pages pages;
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final @Nullable SslContext tls;
    private final Channel listening;
    private volatile boolean retired;
    private volatile String lastHost = ""; // the last that was allowed; most come again

    /**
     * Listens, and serves until it is closed.
     *
     * @param peers the way to other processes that share the sessions
     * @param name what the gateway calls itself towards clients
     * @throws IOException if it cannot listen there, or cannot use its certificate
     */
    public McpServer(
            EventLoops loops,
            ServeOptions options,
            SessionManager sessions,
            Stateless stateless,
            IncomingIdentity identities,
            Pages pages,
            Optional<Peers> peers,
            String name,
            String version)
            throws IOException {
        var self = new Introductions.Self(name, version);
        this.options = options;
        this.endpoint = new McpEndpoint(sessions, stateless, identities, self, peers);
        this.sse =
                new SseFront(
                        new DuplexClient.Service(
                                sessions, new Introductions(sessions, self), Optional.empty()),
                        identities,
                        peers);
        peers.ifPresent(way -> way.serve(this::handleHere));
        this.pages = pages;
        this.tls = options.tls().isPresent() ? tls(options.tls().get()) : null;
        this.listening = listen(loops);
    }

    private static SslContext tls(ServeOptions.Tls files) throws IOException {
        try {
            return SslContextBuilder.forServer(files.certificate().toFile(), files.key().toFile())
                    .build();
        } catch (SSLException | IllegalArgumentException e) {
            throw new IOException(
                    "cannot use the certificate "
                            + files.certificate()
                            + " with the key "
                            + files.key()
                            + " (expected: PEM files, the key in PKCS #8 without a password): "
                            + e.getMessage(),
                    e);
        }
    }

    private Channel listen(EventLoops loops) throws IOException {
        var bound =
                loops.listening()
                        .option(ChannelOption.SO_BACKLOG, 1024)
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, BUFFER)
                        .childHandler(
                                new ChannelInitializer<Channel>() {
                                    @Override
                                    protected void initChannel(Channel channel) {
                                        accept(channel);
                                    }
                                })
                        .bind(options.host(), options.port())
                        .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            throw new IOException(
                    "cannot listen on "
                            + options.host()
                            + ":"
                            + options.port()
                            + ": "
                            + bound.cause().getMessage(),
                    bound.cause());
        }
        return bound.channel();
    }

    private void accept(Channel channel) {
        if (connections.size() >= options.maxConnections()) {
            channel.close();
            return;
        }
        connections.add(channel);
        if (tls != null) {
            channel.pipeline().addLast(tls.newHandler(channel.alloc()));
        }
        channel.pipeline()
                .addLast(new HttpRequestDecoder(8192, options.maxHeader(), 16 * 1024))
                .addLast(new HttpFront(this::handle, options.maxBody(), options.keepAlive()));
    }

    /** Where the server listens. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listening.localAddress();
    }

    /** How many clients' GET streams are open. */
    public int openStreams() {
        return endpoint.openStreams() + sse.openStreams();
    }

    private void handle(HttpRequest head, byte[] body, HttpReply reply) {
        if (retired) {
            reply.closeAfterwards();
        }
        var hosts = head.headers().getAll(HttpHeaderNames.HOST);
        var host = hosts.size() == 1 ? hosts.getFirst() : "";
        if (!allowsHost(host)) {
            reply.invalid(
                    403,
                    "found Host '"
                            + host
                            + "' (expected: a name of this server; see allowedHosts)");
            return;
        }
        var origin = head.headers().get(HttpHeaderNames.ORIGIN);
        if (origin != null) {
            if (!options.origins().allowsOrigin(origin, host)) {
                reply.invalid(
                        403, "found Origin '" + origin + "' (expected: one of allowedOrigins)");
                return;
            }
            letBrowserRead(origin, reply);
        }
        var path = path(head.uri());
        if (head.method().name().equals("OPTIONS")) {
            preflight(head, reply);
        } else if (path.equals(options.path()) || path.equals(options.path() + "/")) {
            endpoint.handle(head, body, reply);
        } else if (path.equals(SseFront.PATH)) {
            sse.handle(head, body, reply);
        } else {
            page(head, path, reply);
        }
    }

    /** What another process has handed to this one. */
    private void handleHere(HttpRequest head, byte[] body, HttpReply reply) {
        if (path(head.uri()).equals(SseFront.PATH)) {
            sse.handleHere(head, body, reply);
        } else {
            endpoint.handleHere(head, body, reply);
        }
    }

    private boolean allowsHost(String host) {
        if (host.equals(lastHost)) {
            return true;
        }
        boolean allowed = options.origins().allowsHost(host);
        if (allowed) {
            lastHost = host;
        }
        return allowed;
    }

    /** The path of a request target, which a proxy's client writes with scheme and host. */
    static String path(String target) {
        int scheme = target.startsWith("/") ? -1 : target.indexOf("://");
        int slash = scheme < 0 ? 0 : target.indexOf('/', scheme + 3);
        var local = slash < 0 ? "/" : target.substring(slash);
        int query = local.indexOf('?');
        return query < 0 ? local : local.substring(0, query);
    }

    private static void letBrowserRead(String origin, HttpReply reply) {
        reply.header(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
                .header(HttpHeaderNames.VARY, "Origin")
                .header(
                        HttpHeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS,
                        "Mcp-Session-Id, MCP-Protocol-Version");
    }

    private static void preflight(HttpRequest head, HttpReply reply) {
        var params =
                head.headers().get(HttpHeaderNames.ACCESS_CONTROL_REQUEST_HEADERS, "").split(",");
        var marked =
                Arrays.stream(params)
                        .map(String::strip)
                        .filter(name -> name.toLowerCase(Locale.ROOT).matches("mcp-param-[!-~]+"))
                        .map(name -> ", " + name)
                        .collect(Collectors.joining());
        reply.header(HttpHeaderNames.ALLOW, "POST, GET, DELETE, OPTIONS")
                .header(HttpHeaderNames.ACCESS_CONTROL_ALLOW_METHODS, "POST, GET, DELETE, OPTIONS")
                .header(
                        HttpHeaderNames.ACCESS_CONTROL_ALLOW_HEADERS,
                        "Content-Type, Accept, Authorization, Mcp-Session-Id, MCP-Protocol-Version,"
                                + " Last-Event-ID, Mcp-Method, Mcp-Name"
                                + marked)
                .header(HttpHeaderNames.ACCESS_CONTROL_MAX_AGE, "7200")
                .empty(204);
    }

    private void page(HttpRequest head, String path, HttpReply reply) {
        var method = head.method().name();
        if (!method.equals("GET") && !method.equals("HEAD")) {
            reply.invalid(
                    404, "found " + method + " " + path + " (expected: " + options.path() + ")");
            return;
        }
        Thread.ofVirtual()
                .name("heddle-page")
                .start(
                        () -> {
                            var page = pages.at(path);
                            if (page.isEmpty()) {
                                reply.invalid(
                                        404,
                                        "found " + path + " (expected: " + options.path() + ")");
                            } else {
                                var body = method.equals("HEAD") ? "" : page.get().body();
                                reply.text(page.get().status(), page.get().contentType(), body);
                            }
                        });
    }

    /**
     * Has each connection end after its next answer from now on, so that its client makes another
     * one, which a balancer may lead elsewhere.
     */
    public void retire() {
        retired = true;
    }

    /** Ends the connections on which nothing is being asked, and the others when it is answered. */
    public void letGo() {
        retire();
        connections.forEach(
                connection -> connection.pipeline().fireUserEventTriggered(HttpFront.NO_MORE));
    }

    /** Takes no new connections from now on. */
    public void stopListening() {
        listening.close().awaitUninterruptibly();
    }

    /** Closes all connections. */
    @Override
    public void close() {
        stopListening();
        closeAll(connections);
    }

    /** Closes connections once what has been put into them is on its way, or after a while. */
    static void closeAll(ChannelGroup connections) {
        connections
                .writeAndFlush(Unpooled.EMPTY_BUFFER)
                .awaitUninterruptibly(LAST_BYTES.toMillis());
        connections.close().awaitUninterruptibly();
    }
}
