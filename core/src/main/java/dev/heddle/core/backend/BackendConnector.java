package dev.heddle.core.backend;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;

import java.util.Optional;

/** Opens conversations with backends. Thread-safe. */
@FunctionalInterface
public interface BackendConnector {

    /**
     * What is needed to open a conversation.
     *
     * @param events takes what the backend sends that belongs to no call
     * @param adopted the id of a conversation that exists already and is to be taken over as it is
     */
    record Opening(
            Identity caller,
            ClientProfile profile,
            BackendEvents events,
            Optional<String> adopted) {}

    /** An open conversation, and what the backend said that it can do. */
    record Connected(BackendSession session, Introduction introduction) {}

    /**
     * Opens a conversation, handshake included, or takes one over. Blocks, at most for the
     * backend's own limit. What it has opened when it fails it closes again.
     *
     * @throws Fault.BackendFailed if there is no conversation
     */
    Connected connect(Backend backend, Opening opening);
}
