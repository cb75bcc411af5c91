package dev.heddle.it;

import java.io.UncheckedIOException;
import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;

/**
 * A client's stream for what belongs to no call. Whenever it breaks it is gone on with where the
 * client may go then.
 */
final class Listener implements AutoCloseable {
    private static final Pattern ID = Pattern.compile("id: (\\S+)");

    private final URI endpoint;
    private final RawClient client;
    private final AtomicInteger lists = new AtomicInteger();
    private final AtomicInteger updates = new AtomicInteger();
    private final AtomicInteger breaks = new AtomicInteger();
    private volatile String last = "";
    private volatile String refused = "";
    private volatile boolean closed;

    /**
     * @param endpoint where the client gets to a node
     */
    Listener(URI endpoint, RawClient client) {
        this.endpoint = endpoint;
        this.client = client;
        Thread.ofVirtual().start(this::listen);
    }

    /** How often it was told that the tools are others now. */
    int lists() {
        return lists.get();
    }

    /** How often it was told that a resource is another one now. */
    int updates() {
        return updates.get();
    }

    /** How often no node was there. */
    int breaks() {
        return breaks.get();
    }

    /** The answer by which the session is lost, if there was one. */
    String refused() {
        return refused;
    }

    private void listen() {
        while (!closed && refused.isEmpty()) {
            try {
                goOn();
            } catch (UncheckedIOException down) {
                breaks.incrementAndGet();
            }
        }
    }

    private void goOn() {
        var header = last.isEmpty() ? "" : "Last-Event-ID: " + last + "\r\n";
        try (var raw = RawHttp.listening(endpoint, client, header)) {
            var head = raw.head();
            if (head.startsWith("HTTP/1.1 200")) {
                hear(raw);
            } else if (head.startsWith("HTTP/1.1 404")) {
                refused = head;
            }
        }
    }

    private void hear(RawHttp raw) {
        for (var event = raw.readTo("\n\n");
                event.endsWith("\n\n") && !closed;
                event = raw.readTo("\n\n")) {
            var id = ID.matcher(event);
            if (id.find()) {
                last = id.group(1);
            }
            if (event.contains("tools/list_changed")) {
                lists.incrementAndGet();
            } else if (event.contains("resources/updated")) {
                updates.incrementAndGet();
            }
        }
    }

    /** It ends when something comes, or its node ends. */
    @Override
    public void close() {
        closed = true;
    }
}
