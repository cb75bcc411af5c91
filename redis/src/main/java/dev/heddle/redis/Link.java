package dev.heddle.redis;

import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.SslVerifyMode;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.pubsub.RedisPubSubListener;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.lettuce.core.resource.Delay;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Two connections to the store, one for commands and one that is told things, which come back by
 * themselves when they are lost. Thread-safe.
 *
 * @param commands fail at once while there is no connection; those to a cluster, which connects to
 *     a node when it is first needed, wait for it as long as an answer may take
 */
record Link(
        RedisClusterAsyncCommands<String, String> commands,
        StatefulConnection<String, String> asking,
        StatefulRedisPubSubConnection<String, String> hearing)
        implements AutoCloseable {
    private static final Duration AGAIN = Duration.ofMillis(200);
    private static final Duration TOPOLOGY = Duration.ofSeconds(10);
    private static final Duration LEAVING = Duration.ofSeconds(2);

    /** Told what comes, and when nothing can come. */
    interface Hearer extends RedisPubSubListener<String, String>, RedisConnectionStateListener {}

    /** What makes links. */
    interface Source extends AutoCloseable {
        /**
         * A new link, whose hearing connection tells {@code hearer}. Blocks.
         *
         * @throws io.lettuce.core.RedisException if there is none
         */
        Link open(Hearer hearer, String channel);

        @Override
        void close();
    }

    static Source source(RedisOptions options) {
        var resources =
                DefaultClientResources.builder()
                        .ioThreadPoolSize(2)
                        .computationThreadPoolSize(2)
                        .reconnectDelay(Delay.constant(AGAIN))
                        .build();
        return switch (options.kind()) {
            case RedisOptions.Kind.Standalone _ -> one(options, standalone(options), resources);
            case RedisOptions.Kind.Sentinel sentinel ->
                    one(options, sentinel(options, sentinel), resources);
            case RedisOptions.Kind.Cluster _ -> cluster(options, resources);
        };
    }

    private static RedisURI standalone(RedisOptions options) {
        var address = options.addresses().getFirst();
        return complete(RedisURI.Builder.redis(address.host(), address.port()), options)
                .withDatabase(options.database())
                .build();
    }

    private static RedisURI sentinel(RedisOptions options, RedisOptions.Kind.Sentinel sentinel) {
        var uri = RedisURI.builder().withSentinelMasterId(sentinel.master());
        for (var address : options.addresses()) {
            var one = RedisURI.Builder.redis(address.host(), address.port());
            sentinel.credentials().ifPresent(shown -> authenticate(one, shown));
            options.tls().ifPresent(_ -> one.withSsl(true).withVerifyPeer(SslVerifyMode.FULL));
            uri.withSentinel(one.withTimeout(options.answering()).build());
        }
        return complete(uri, options).withDatabase(options.database()).build();
    }

    private static RedisURI.Builder complete(RedisURI.Builder uri, RedisOptions options) {
        options.credentials().ifPresent(shown -> authenticate(uri, shown));
        options.tls().ifPresent(_ -> uri.withSsl(true).withVerifyPeer(SslVerifyMode.FULL));
        return uri.withTimeout(options.answering()).withClientName("heddle");
    }

    private static void authenticate(RedisURI.Builder uri, RedisOptions.Credentials shown) {
        shown.user()
                .ifPresentOrElse(
                        user -> uri.withAuthentication(user, shown.password()),
                        () -> uri.withPassword((CharSequence) shown.password()));
    }

    private static <B extends ClientOptions.Builder> B complete(B builder, RedisOptions options) {
        var socket =
                SocketOptions.builder()
                        .connectTimeout(options.connecting())
                        .tcpNoDelay(true)
                        .build();
        builder.autoReconnect(true)
                .disconnectedBehavior(
                        options.kind() instanceof RedisOptions.Kind.Cluster
                                ? DisconnectedBehavior.DEFAULT
                                : DisconnectedBehavior.REJECT_COMMANDS)
                .socketOptions(socket)
                .timeoutOptions(TimeoutOptions.enabled(options.answering()));
        options.tls()
                .flatMap(RedisOptions.Tls::authorities)
                .ifPresent(
                        file ->
                                builder.sslOptions(
                                        SslOptions.builder().trustManager(file.toFile()).build()));
        return builder;
    }

    private static Source one(RedisOptions options, RedisURI uri, ClientResources resources) {
        var client = RedisClient.create(resources, uri);
        client.setOptions(complete(ClientOptions.builder(), options).build());
        return new Opened(
                client,
                resources,
                () -> client.connectPubSub(StringCodec.UTF8),
                hearing -> {
                    var asking = client.connect(StringCodec.UTF8);
                    return new Link(asking.async(), asking, hearing);
                });
    }

    private static Source cluster(RedisOptions options, ClientResources resources) {
        var nodes =
                options.addresses().stream()
                        .map(at -> RedisURI.Builder.redis(at.host(), at.port()))
                        .map(node -> complete(node, options).build())
                        .toList();
        var refresh =
                ClusterTopologyRefreshOptions.builder()
                        .enablePeriodicRefresh(TOPOLOGY)
                        .adaptiveRefreshTriggersTimeout(Duration.ofSeconds(1))
                        .build();
        var client = RedisClusterClient.create(resources, nodes);
        client.setOptions(
                complete(ClusterClientOptions.builder(), options)
                        .topologyRefreshOptions(refresh)
                        .build());
        return new Opened(
                client,
                resources,
                () -> client.connectPubSub(StringCodec.UTF8),
                hearing -> {
                    var asking = client.connect(StringCodec.UTF8);
                    return new Link(asking.async(), asking, hearing);
                });
    }

    /**
     * @param asking adds the other connection
     */
    private record Opened(
            AbstractRedisClient client,
            ClientResources resources,
            Supplier<StatefulRedisPubSubConnection<String, String>> hearing,
            Function<StatefulRedisPubSubConnection<String, String>, Link> asking)
            implements Source {
        @Override
        public Link open(Hearer hearer, String channel) {
            var heard = hearing.get();
            try {
                heard.addListener((RedisPubSubListener<String, String>) hearer);
                heard.addListener((RedisConnectionStateListener) hearer);
                heard.sync().subscribe(channel);
                return asking.apply(heard);
            } catch (RuntimeException e) {
                heard.closeAsync();
                throw e;
            }
        }

        @Override
        public void close() {
            client.shutdown(Duration.ZERO, LEAVING);
            resources
                    .shutdown(0, LEAVING.toMillis(), TimeUnit.MILLISECONDS)
                    .awaitUninterruptibly(LEAVING.toMillis());
        }
    }

    @Override
    public void close() {
        List.of(asking, hearing).forEach(StatefulConnection::closeAsync);
    }
}
