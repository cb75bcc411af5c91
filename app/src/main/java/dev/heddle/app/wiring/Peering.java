package dev.heddle.app.wiring;

import dev.heddle.app.config.HeddleConfig;
import dev.heddle.app.config.Problems;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.SessionStorage;
import dev.heddle.transport.net.EventLoops;
import dev.heddle.transport.serve.OriginPolicy;
import dev.heddle.transport.serve.Peers;
import dev.heddle.transport.serve.ServeOptions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** Makes the way between the nodes of one gateway. */
final class Peering {
    private Peering() {}

    /** None if nodes share nothing, or have no secret by which they know each other. */
    static Optional<Peers> of(
            HeddleConfig config,
            EventLoops loops,
            Vault vault,
            InstantSource clock,
            SessionStorage storage) {
        return switch (config.storage()) {
            case HeddleConfig.Storage.Memory _ -> Optional.empty();
            case HeddleConfig.Storage.Redis redis when redis.secrets().isEmpty() ->
                    Optional.empty();
            case HeddleConfig.Storage.Redis redis -> {
                try {
                    var options = options(config.server(), redis);
                    yield Optional.of(
                            new Peers(
                                    loops,
                                    vault,
                                    clock,
                                    storage.node(),
                                    storage::isAlive,
                                    options));
                } catch (IOException e) {
                    throw new Problems.Invalid(
                            List.of("sessionStorage.nodeHost, nodePort: " + e.getMessage()));
                }
            }
        };
    }

    private static ServeOptions options(HeddleConfig.Server front, HeddleConfig.Storage.Redis redis)
            throws IOException {
        var host = redis.host().isPresent() ? redis.host().get() : seenByStore(redis);
        return new ServeOptions(
                host,
                redis.port(),
                front.path(),
                new OriginPolicy(false, host, List.of(), List.of()),
                front.maxBody(),
                front.maxHeader() + front.maxHeader() / 2,
                front.maxConnections(),
                front.keepAlive(),
                Optional.empty());
    }

    /** The address from which this machine would reach the store; sends nothing. */
    private static String seenByStore(HeddleConfig.Storage.Redis redis) throws IOException {
        var store = redis.options().addresses().getFirst();
        try (var socket = new DatagramSocket()) {
            socket.connect(InetAddress.getByName(store.host()), store.port());
            return socket.getLocalAddress().getHostAddress();
        } catch (UnknownHostException | UncheckedIOException unknown) {
            return InetAddress.getLocalHost().getHostAddress();
        }
    }
}
