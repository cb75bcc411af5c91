package dev.heddle.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** Passes connections on to another port of this machine, but for some that it drops. */
final class Relay implements AutoCloseable {
    private final ServerSocket listening;
    private final int target;
    private final AtomicInteger toDrop = new AtomicInteger();

    Relay(int target) {
        this.target = target;
        try {
            this.listening = new ServerSocket(0, 200, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Thread.ofPlatform().daemon().start(this::accept);
    }

    int port() {
        return listening.getLocalPort();
    }

    /** Drops so many of the connections that come next. */
    void drop(int connections) {
        toDrop.set(connections);
    }

    private void accept() {
        try {
            while (true) {
                var client = listening.accept();
                if (toDrop.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
                    client.close();
                } else {
                    var server = new Socket(InetAddress.getLoopbackAddress(), target);
                    Thread.ofPlatform().daemon().start(() -> pass(client, server));
                    Thread.ofPlatform().daemon().start(() -> pass(server, client));
                }
            }
        } catch (IOException closed) {
            return;
        }
    }

    private static void pass(Socket from, Socket to) {
        try (from;
                to) {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException over) {
            return;
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
