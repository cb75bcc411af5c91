package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.InProcessServer.Conversation;
import dev.heddle.core.backend.Target;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Spliced;

/** Opens conversations with servers that live in this process. */
final class InProcessConnector implements BackendConnector {
    private final Handshake handshake;

    InProcessConnector(Handshake handshake) {
        this.handshake = handshake;
    }

    @Override
    public Connected connect(Backend backend, Opening opening) {
        if (!(backend.target() instanceof Target.InProcess(var server))) {
            throw new IllegalArgumentException(
                    "backend '" + backend.id() + "' is not in this process");
        }
        var session = new DuplexSession(backend.id().value(), opening.events());
        session.over(new Call(server.open(session::receive)));
        try {
            var introduction = handshake.introduce(backend, session, opening.profile());
            Handshake.confirm(session);
            return new Connected(session, introduction);
        } catch (Throwable e) {
            session.close();
            throw e;
        }
    }

    /** A message to the server is a method call. */
    private record Call(Conversation conversation) implements DuplexSession.Wire {
        @Override
        public DuplexSession.Sending send(Spliced message) {
            conversation.receive(Envelope.parse(message.bytes()));
            return DuplexSession.Sending.TAKEN;
        }

        @Override
        public void close() {
            conversation.close();
        }
    }
}
