package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Hands each connection to a node that is there, in turn, but to another one than the connection
 * before it of the same session, if there is another. For clients that send one request on each,
 * the opposite of stickiness.
 */
final class Balancer implements AutoCloseable {
    private static final int CHUNK = 64 * 1024;
    private static final Pattern SESSION =
            Pattern.compile("\\r\\nmcp-session-id: *(\\S+)", Pattern.CASE_INSENSITIVE);

    private final int count;
    private final IntFunction<Heddle> nodes;
    private final IntPredicate ready;
    private final ServerSocket listening;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger again = new AtomicInteger();
    private final AtomicInteger turns = new AtomicInteger();
    private final Map<String, Integer> lastNodes = new ConcurrentHashMap<>(); // by session

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

    /** How many came to the same node as the one before, since there was no other. */
    int again() {
        return again.get();
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
        Thread.ofVirtual().start(() -> begin(client));
    }

    /** What the client says first has the head of its request, and so the session. */
    private void begin(Socket client) {
        try {
            var bytes = new byte[CHUNK];
            int count = client.getInputStream().read(bytes);
            var text = new String(bytes, 0, Math.max(count, 0), StandardCharsets.ISO_8859_1);
            var head = SESSION.matcher(text);
            var node = head.find() ? another(head.group(1)) : next(-1);
            if (count > 0 && node.isPresent()) {
                node.get().getOutputStream().write(bytes, 0, count);
                pass(client, node.get());
                return;
            }
        } catch (IOException broken) {
            // ends it, as an end does
        }
        end(client);
    }

    private Optional<Socket> another(String session) {
        int before = lastNodes.getOrDefault(session, -1);
        var node = next(before);
        if (node.isPresent() || before < 0) {
            node.ifPresent(to -> lastNodes.put(session, number(to)));
            return node;
        }
        again.incrementAndGet();
        return ready.test(before) ? reach(nodes.apply(before)) : Optional.empty();
    }

    private int number(Socket to) {
        return IntStream.range(0, count)
                .filter(i -> nodes.apply(i).endpoint().getPort() == to.getPort())
                .findFirst()
                .orElse(-1);
    }

    private Optional<Socket> next(int not) {
        int first = turns.incrementAndGet();
        return IntStream.range(0, count)
                .map(i -> Math.floorMod(first + i, count))
                .filter(i -> i != not && ready.test(i))
                .mapToObj(i -> reach(nodes.apply(i)))
                .flatMap(Optional::stream)
                .findFirst();
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
