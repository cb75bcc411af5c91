package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;

/** For a server whose answers are all that matters. */
final class Unheard implements BackendEvents {
    @Override
    public void notification(Envelope message) {}

    @Override
    public void question(Question question) {
        question.refuse("nobody can be asked here");
    }

    @Override
    public void lost(Fault.BackendFailed why) {}
}
