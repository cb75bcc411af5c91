package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;

import java.util.List;
import java.util.Optional;

/**
 * What a client has sent in its session: carried out here, or handed to the process where that is
 * which cannot move of the session. Thread-safe; never blocks.
 *
 * @param takesEvents whether the client accepts a stream
 * @param away the way to other processes; none for what has come from one of them
 * @param again looks for the session once more, if this one turns out to be let go just now
 */
record SessionPost(
        MultiSession session,
        Identity caller,
        boolean takesEvents,
        HttpReply reply,
        Optional<Away> away,
        Optional<Runnable> again) {

    /** Carries out one message. */
    void carry(Envelope message) {
        switch (message.kind()) {
            case REQUEST -> request(message);
            case NOTIFICATION -> {
                session.notice(caller, message);
                reply.empty(202);
            }
            case RESPONSE -> {
                session.answer(caller, message)
                        .ifPresentOrElse(
                                why -> reply.fault(Json.NULL, why), () -> reply.empty(202));
            }
        }
    }

    private void request(Envelope message) {
        var home = session.home(message);
        if (home.isPresent()) {
            session.authorize(caller);
            hand(message, home.get());
        } else {
            here(message, () -> handOn(message));
        }
    }

    private void handOn(Envelope message) {
        session.home(message)
                .ifPresentOrElse(
                        home -> hand(message, home),
                        () -> again.ifPresentOrElse(Runnable::run, () -> moved(message.id())));
    }

    /** Another process may turn out to be the home while a request is being carried out here. */
    private void here(Envelope message, Runnable elsewhere) {
        var stream = stream(List.of(message.id()));
        reply.whenSlow(stream::begin);
        var sink = new PostSink(message.id(), reply, stream, elsewhere);
        session.exchange(caller, new Exchange(message, sink));
    }

    private void hand(Envelope message, String home) {
        hand(home, message.id(), () -> here(message, () -> moved(message.id())));
    }

    private void hand(String home, Json id, Runnable here) {
        away.ifPresentOrElse(
                way ->
                        way.carry(
                                home,
                                id,
                                () -> {
                                    session.missed(home);
                                    here.run();
                                }),
                () -> moved(id));
    }

    private void moved(Json id) {
        reply.fault(id, new Fault.SessionMoved());
    }

    /** Carries out several messages, all in the same place. */
    void carry(Batch batch) {
        session.authorize(caller);
        batch.home(session)
                .ifPresentOrElse(
                        home -> hand(home, Json.NULL, () -> here(batch)), () -> here(batch));
    }

    private void here(Batch batch) {
        var stream = stream(batch.requests());
        batch.carry(session, caller, new BatchReply(reply, stream));
        if (batch.isQuiet()) {
            reply.empty(202);
        } else {
            reply.whenSlow(stream::begin);
        }
    }

    private PostStream stream(List<Json> requests) {
        return new PostStream(
                reply,
                takesEvents,
                () -> session.events(caller).openAnswer(requests),
                session.profile().revision());
    }
}
