package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/**
 * Hands each connection to the next node in turn that is there. For clients that send one request
 * on each, a balancer without any stickiness.
 */
final class Balancer implements AutoCloseable {
    private static final int CHUNK = 64 * 1024;

    private final int count;
    private final IntFunction<Heddle> nodes;
    private final IntPredicate ready;
    private final ServerSocket listening;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private int last; // node that was tried; only the accepting thread knows

    /**
     * @param nodes the {@code count} nodes, by their numbers
     * @param ready whether a node is to get new connections
     */
    Balancer(int count, IntFunction<Heddle> nodes, IntPredicate ready) {
        this.count = count;
        this.nodes = nodes;
        this.ready = ready;
        try {
            this.listening = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofPlatform().daemon().start(this::accept);
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + listening.getLocalPort() + "/mcp");
    }

    /** A client that sends each of its requests on a connection of its own. */
    RawClient client() {
        return new RawClient(endpoint()).header("Connection", "close");
    }

    /** How many there have been. */
    int connections() {
        return connections.get();
    }

    private void accept() {
        try {
            while (true) {
                balance(listening.accept());
            }
        } catch (IOException closed) {
            open.forEach(Balancer::close);
        }
    }

    private void balance(Socket client) {
        open.add(client);
        connections.incrementAndGet();
        next().ifPresentOrElse(node -> pass(client, node), () -> end(client));
    }

    private Optional<Socket> next() {
        for (int i = 0; i < count; i++) {
            last = (last + 1) % count;
            var node = ready.test(last) ? reach(nodes.apply(last)) : Optional.<Socket>empty();
            if (node.isPresent()) {
                return node;
            }
        }
        return Optional.empty();
    }

    private static Optional<Socket> reach(Heddle node) {
        try {
            return Optional.of(new Socket(node.endpoint().getHost(), node.endpoint().getPort()));
        } catch (IOException notThere) {
            return Optional.empty();
        }
    }

    private void pass(Socket client, Socket node) {
        open.add(node);
        Thread.ofVirtual().start(() -> copy(client, node));
        Thread.ofVirtual().start(() -> copy(node, client));
    }

    /** Until one side has ended, which ends the other. */
    private void copy(Socket from, Socket to) {
        try {
            var bytes = new byte[CHUNK];
            var in = from.getInputStream();
            for (int count = in.read(bytes); count > 0; count = in.read(bytes)) {
                to.getOutputStream().write(bytes, 0, count);
            }
        } catch (IOException broken) {
            // ends both, as an end does
        }
        end(from);
        end(to);
    }

    private void end(Socket socket) {
        open.remove(socket);
        close(socket);
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
