package dev.heddle.transport.serve;

import dev.heddle.core.sealing.Vault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.transport.net.EventLoops;

import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.util.concurrent.GlobalEventExecutor;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The way between the processes of one gateway: where the others hand this one what only it can
 * carry out, and how it hands such things to them. Each request proves that its sender knows the
 * secret of the gateway, and is good for one minute, one process, one session and one body.
 * Thread-safe.
 */
public final class Peers implements AutoCloseable {
    /** Shows that a request comes from another process of the gateway. */
    static final String PROOF_HEADER = "Heddle-Peer";

    private static final Logger log = LoggerFactory.getLogger(Peers.class);

    /** What is handled here, and by whom. */
    interface Handler {
        void handle(HttpRequest head, byte[] body, HttpReply reply);
    }

    private static final char PLACE = '.';
    private static final String BINDING = "place of ";

    private final Vault vault;
    private final Predicate<String> alive;
    private final PeerProof proof;
    private final String node;
    private final ServeOptions options;
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final Channel listening;
    private final Forwarder forwarder;
    private volatile Optional<Handler> handler = Optional.empty();

    /**
     * Listens, and refuses what comes until something serves it.
     *
     * @param node what this process is called among the others
     * @param alive whether the process of that name is there, as far as is known
     * @param options where to listen, and the limits of a request
     * @throws IOException if it cannot listen there
     */
    public Peers(
            EventLoops loops,
            Vault vault,
            InstantSource clock,
            String node,
            Predicate<String> alive,
            ServeOptions options)
            throws IOException {
        this.vault = vault;
        this.alive = alive;
        this.proof = new PeerProof(vault, clock);
        this.node = node;
        this.options = options;
        this.forwarder = new Forwarder(proof, alive, loops.alarms());
        this.listening = listen(loops);
    }

    private Channel listen(EventLoops loops) throws IOException {
        var bound =
                loops.listening()
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, McpServer.BUFFER)
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
                    "cannot listen for other nodes on "
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
        channel.pipeline()
                .addLast(new HttpRequestDecoder(8192, options.maxHeader(), 16 * 1024))
                .addLast(new HttpFront(this::handle, options.maxBody(), options.keepAlive()));
    }

    private void handle(HttpRequest head, byte[] body, HttpReply reply) {
        if (!proof.isGood(node, head, body)) {
            log.warn("refused a request that does not come from another node");
            reply.error(403, error("found no proof of another node of this gateway"));
            return;
        }
        handler.ifPresentOrElse(
                known -> known.handle(head, body, reply),
                () -> reply.error(403, error("this node does not serve yet")));
    }

    private static Envelope error(String why) {
        return JsonRpc.error(Json.NULL, ErrorCode.INVALID_REQUEST, why);
    }

    /** Has what comes handled by {@code known} from now on. */
    void serve(Handler known) {
        handler = Optional.of(known);
    }

    Forwarder forwarder() {
        return forwarder;
    }

    /** What others reach this process by: its name and address. */
    public String self() {
        var at = (InetSocketAddress) listening.localAddress();
        var host = at.getAddress().getHostAddress();
        return node + ' ' + (host.contains(":") ? "[" + host + "]" : host) + ':' + at.getPort();
    }

    /** A name for something of this process by which the others find their way here. */
    String placed(String name) {
        return name + PLACE + vault.seal(self(), BINDING + name);
    }

    /** What another process that is there is reached by, if it has {@link #placed} such a name. */
    Optional<String> home(String name) {
        int place = name.indexOf(PLACE);
        return place < 0
                ? Optional.empty()
                : vault.open(name.substring(place + 1), BINDING + name.substring(0, place))
                        .filter(home -> !home.equals(self()))
                        .filter(home -> alive.test(home.substring(0, home.indexOf(' '))));
    }

    /**
     * Waits until what has been handed to other processes is answered, at most for {@code
     * patience}.
     */
    public void finish(Duration patience) {
        forwarder.finish(patience);
    }

    @Override
    public void close() {
        listening.close().awaitUninterruptibly();
        McpServer.closeAll(connections);
        forwarder.close();
    }
}
