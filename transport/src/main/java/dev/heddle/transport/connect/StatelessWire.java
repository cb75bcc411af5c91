package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Spliced;

import java.util.Map;

/**
 * Carries requests to a server without sessions, and what comes back for each (MCP 2026-07-28).
 * Never blocks but to close; thread-safe.
 */
interface StatelessWire {
    /**
     * Sends a request, whose sink gets exactly one reply.
     *
     * @param id the id that {@code request} carries
     * @param fields what the request says in headers too, where there are any
     */
    void send(long id, Spliced request, Map<String, String> fields, Sink sink);

    /** Whether requests say in headers too what they are about. */
    boolean hasHeaders();

    /** Tells the server that nobody waits for the reply to {@code id} any more. */
    void cancel(long id, String why);

    /** Gives up on everything. Blocks for a bounded time; idempotent. */
    void close();

    /** Over HTTP, where leaving is cancelling. */
    static StatelessWire over(HttpBackendSession posts) {
        return new StatelessWire() {
            @Override
            public void send(long id, Spliced request, Map<String, String> fields, Sink sink) {
                posts.send(id, request, fields, sink);
            }

            @Override
            public boolean hasHeaders() {
                return true;
            }

            @Override
            public void cancel(long id, String why) {
                posts.abandon(id);
            }

            @Override
            public void close() {
                posts.close();
            }
        };
    }

    /** Over one wire for all messages, where there are no headers. */
    static StatelessWire over(DuplexSession wire) {
        return new StatelessWire() {
            @Override
            public void send(long id, Spliced request, Map<String, String> fields, Sink sink) {
                wire.send(id, request, sink);
            }

            @Override
            public boolean hasHeaders() {
                return false;
            }

            @Override
            public void cancel(long id, String why) {
                wire.cancel(id, why);
            }

            @Override
            public void close() {
                wire.close();
            }
        };
    }
}
