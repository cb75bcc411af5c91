package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;

/**
 * The ability to invoke, in blocking form: for virtual threads, never for an event loop.
 * Thread-safe.
 *
 * <p>Every call says who calls. Results are the raw JSON that the backend sent.
 */
public interface Caller extends AutoCloseable {

    /**
     * Calls a tool and waits for its result.
     *
     * @param arguments a JSON object
     * @param meta the request's {@code _meta}, a JSON object
     * @throws Fault if there is no result; {@link Fault.ErrorReply} if the backend answered with an
     *     error
     * @throws IllegalStateException on an event loop
     */
    Json callTool(Identity caller, String name, Json arguments, Json meta);

    /** Reads a resource. Fails as {@link #callTool} does. */
    Json readResource(Identity caller, String uri);

    /**
     * Gets a prompt. Fails as {@link #callTool} does.
     *
     * @param arguments a JSON object
     */
    Json getPrompt(Identity caller, String name, Json arguments);

    /**
     * Ends it: newcomers are refused at once, calls in flight get a grace. Blocks until done;
     * idempotent.
     */
    @Override
    void close();
}
