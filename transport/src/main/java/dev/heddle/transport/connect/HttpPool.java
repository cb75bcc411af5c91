package dev.heddle.transport.connect;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.transport.net.EventLoops;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.EventLoop;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;

import java.net.URI;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

import javax.net.ssl.SSLException;

/**
 * Kept-alive connections to backends, pooled for each event loop and origin, so that a request goes
 * out on the loop on which it came in. Thread-safe: each loop touches only its own connections.
 */
public final class HttpPool {

    /** Where connections lead. */
    record Origin(boolean tls, String host, int port, Optional<Path> caBundle) {
        static Origin of(URI url, Optional<Path> caBundle) {
            boolean tls = "https".equalsIgnoreCase(url.getScheme());
            int port = url.getPort() >= 0 ? url.getPort() : tls ? 443 : 80;
            var host = url.getHost();
            var bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
            return new Origin(tls, bare, port, caBundle);
        }

        @Override
        public int hashCode() {
            return 31 * host.hashCode() + port;
        }
    }

    /** A request under way. */
    @FunctionalInterface
    interface Sent {
        /** Gives up on the answer and closes the connection. Idempotent; safe from any thread. */
        void abort();
    }

    private static final ApplicationProtocolConfig OFFERED =
            new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    ApplicationProtocolNames.HTTP_2,
                    ApplicationProtocolNames.HTTP_1_1);

    private final EventLoops loops;
    private final Map<EventLoop, Map<Origin, Lane>> lanes = new ConcurrentHashMap<>();
    private final Map<Optional<Path>, SslContext> contexts = new ConcurrentHashMap<>();

    public HttpPool(EventLoops loops) {
        this.loops = loops;
    }

    EventLoops loops() {
        return loops;
    }

    /** Sends a request on the current event loop, or else on any. */
    Sent send(Outgoing request, HttpCall call) {
        var loop = loops.here();
        var sending = new Lane.Sending(loop, request, call);
        if (loop.inEventLoop()) {
            laneOn(loop, request).carry(sending);
        } else {
            loop.execute(() -> laneOn(loop, request).carry(sending));
        }
        return sending;
    }

    private Lane laneOn(EventLoop loop, Outgoing request) {
        var origin = request.endpoint().origin();
        var known = lanes.get(loop);
        var here = known == null ? lanes.computeIfAbsent(loop, _ -> new HashMap<>()) : known;
        var lane = here.get(origin);
        return lane == null
                ? here.computeIfAbsent(origin, _ -> new Lane(loop, origin, this))
                : lane;
    }

    /**
     * Reads what is needed to check the server's certificate. Blocks; to be called before the first
     * request there.
     *
     * @throws Fault.BackendFailed if that cannot be read
     */
    void prepare(String backend, Origin origin) {
        if (!origin.tls() || contexts.containsKey(origin.caBundle())) {
            return;
        }
        var builder =
                SslContextBuilder.forClient()
                        .endpointIdentificationAlgorithm("HTTPS")
                        .applicationProtocolConfig(OFFERED);
        try {
            origin.caBundle().ifPresent(bundle -> builder.trustManager(bundle.toFile()));
            contexts.put(origin.caBundle(), builder.build());
        } catch (SSLException | IllegalArgumentException e) {
            throw Fault.BackendFailed.notSent(
                    backend,
                    Reason.UNREACHABLE,
                    "cannot be checked: " + origin.caBundle() + " holds no certificates");
        }
    }

    /** Checks the server's certificate and encrypts. */
    SslHandler tls(Origin origin, ByteBufAllocator buffers) {
        var context = contexts.get(origin.caBundle());
        if (context == null) {
            throw new IllegalStateException("connection before its certificates were read");
        }
        return context.newHandler(buffers, origin.host(), origin.port());
    }
}
