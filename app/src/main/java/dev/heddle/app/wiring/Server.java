package dev.heddle.app.wiring;

import dev.heddle.app.config.HeddleConfig;
import dev.heddle.transport.serve.IncomingIdentity;
import dev.heddle.transport.serve.McpServer;
import dev.heddle.transport.serve.OriginPolicy;
import dev.heddle.transport.serve.ServeOptions;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;

/** The gateway with its HTTP front. Thread-safe; {@link #close} blocks for a bounded time. */
public final class Server implements AutoCloseable {
    /** How long what other processes carry out for clients of this one may take at the end. */
    private static final Duration HANDED_ON = Duration.ofSeconds(10);

    private final Gateway gateway;
    private final McpServer front;

    /**
     * Starts everything.
     *
     * @throws IOException if it cannot listen, or must not listen there
     */
    public Server(HeddleConfig config, String version, InstantSource clock) throws IOException {
        var loopback = requireMeant(config);
        this.gateway = new Gateway(config, version, clock);
        var server = config.server();
        var options =
                new ServeOptions(
                        server.host(),
                        server.port(),
                        server.path(),
                        new OriginPolicy(
                                loopback,
                                server.host(),
                                server.allowedHosts(),
                                server.allowedOrigins()),
                        server.maxBody(),
                        server.maxHeader(),
                        server.maxConnections(),
                        server.keepAlive(),
                        server.tls());
        try {
            this.front =
                    new McpServer(
                            gateway.loops(),
                            options,
                            gateway.sessions(),
                            gateway.stateless(),
                            IncomingIdentity.always(gateway.caller()),
                            gateway.pages(),
                            gateway.peers(),
                            config.name(),
                            version);
        } catch (IOException | RuntimeException e) {
            gateway.close();
            throw e;
        }
        gateway.metrics().watchStreams(front::openStreams);
    }

    /** Anonymous callers from other machines are let in only if somebody said so. */
    private static boolean requireMeant(HeddleConfig config) throws IOException {
        var server = config.server();
        boolean loopback = InetAddress.getByName(server.host()).isLoopbackAddress();
        if (!loopback && !server.allowAnonymousRemote()) {
            throw new IOException(
                    "found host "
                            + server.host()
                            + " without authentication (expected: 127.0.0.1, or"
                            + " --allow-anonymous-remote if everybody who reaches this port may use"
                            + " every backend)");
        }
        return loopback;
    }

    /** Whoever goes by the page that says so has so long to send everything elsewhere. */
    private static void awaitBalancers(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public Gateway gateway() {
        return gateway;
    }

    public InetSocketAddress address() {
        return front.address();
    }

    /**
     * Takes no new sessions, lets calls in flight finish within their grace, then ends everything.
     */
    @Override
    public void close() {
        gateway.retire();
        front.retire();
        awaitBalancers(gateway.config().server().drain());
        gateway.drain();
        front.letGo();
        long until = System.nanoTime() + HANDED_ON.toNanos();
        gateway.sessions().close();
        var left = Duration.ofNanos(Math.max(0, until - System.nanoTime()));
        gateway.peers().ifPresent(peers -> peers.finish(left));
        front.close();
        gateway.close();
    }
}
