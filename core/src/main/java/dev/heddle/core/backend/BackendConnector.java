package dev.heddle.core.backend;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;

import java.util.Optional;
import java.util.function.Function;

/** Opens conversations with backends. Thread-safe. */
@FunctionalInterface
public interface BackendConnector {

    /**
     * What is needed to open a conversation.
     *
     * @param events takes what the backend sends that belongs to no call
     * @param watch whether the gateway asks for its own sake, which counts against no limit of
     *     clients
     * @param adopted a conversation that exists already and is to be taken over as it is
     * @param tools what is known of a tool, as the backend lists it under its own name
     */
    record Opening(
            Identity caller,
            ClientProfile profile,
            BackendEvents events,
            Optional<Adopted> adopted,
            boolean watch,
            Function<String, Optional<Json>> tools) {
        /** For whoever knows nothing of the backend's tools. */
        public Opening(
                Identity caller,
                ClientProfile profile,
                BackendEvents events,
                Optional<Adopted> adopted,
                boolean watch) {
            this(caller, profile, events, adopted, watch, _ -> Optional.empty());
        }

        /** The same with {@code other} events. */
        public Opening with(BackendEvents other) {
            return new Opening(caller, profile, other, adopted, watch, tools);
        }
    }

    /**
     * A conversation that exists already.
     *
     * @param sessionId what the backend calls it
     * @param revision that is spoken in it
     * @param cookies as of {@link BackendSession#cookies}
     */
    record Adopted(String sessionId, Revision revision, String cookies) {}

    /** An open conversation, and what the backend said that it can do. */
    record Connected(BackendSession session, Introduction introduction) {
        /** Whether it was taken over as it was, without asking the backend. */
        public boolean isAdopted() {
            return introduction.isUnknown();
        }
    }

    /**
     * Opens a conversation, handshake included, or takes one over. Blocks, at most for the
     * backend's own limit. What it has opened when it fails it closes again.
     *
     * @throws Fault.BackendFailed if there is no conversation
     */
    Connected connect(Backend backend, Opening opening);
}
