package dev.heddle.core.backend;

import dev.heddle.protocol.Envelope;

import java.util.function.Consumer;

/** An MCP server that lives in this process. Thread-safe. */
@FunctionalInterface
public interface InProcessServer {

    /**
     * Begins a conversation with one client, which speaks first, with {@code initialize}.
     *
     * @param client takes what the server sends; safe to call from any thread
     */
    Conversation open(Consumer<Envelope> client);

    /** One client's conversation with the server. */
    interface Conversation extends AutoCloseable {
        /** Takes one message of the client. Must not block. */
        void receive(Envelope message);

        /** Ends the conversation. Idempotent. */
        @Override
        void close();
    }
}
