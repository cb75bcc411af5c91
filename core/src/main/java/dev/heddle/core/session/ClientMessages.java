package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;

import java.util.Optional;

/**
 * What a client says that asks for nothing: taken where it belongs, be that here or at another
 * process that holds the session. Never blocks; thread-safe.
 */
final class ClientMessages {
    private static final String ASKER_GONE =
            "found an answer to a question whose process has ended, and with it the request for"
                    + " which it asked; that may have been carried out";
    private static final String UNTOLD = "the process that asked cannot be told the answer now";

    private final SessionRecord record;
    private final Elsewhere elsewhere;
    private final Home home;
    private final Conversations conversations;
    private final Questions questions;
    private final Calls calls;

    ClientMessages(
            SessionRecord record,
            Elsewhere elsewhere,
            Home home,
            Conversations conversations,
            Questions questions,
            Calls calls) {
        this.record = record;
        this.elsewhere = elsewhere;
        this.home = home;
        this.conversations = conversations;
        this.questions = questions;
        this.calls = calls;
    }

    /** Takes a notification: of one call or question, or for all backends. */
    void notice(Envelope notification) {
        if (!isForAll(notification)) {
            hereOrElsewhere(notification);
            return;
        }
        boolean elsewhereToo = home.elsewhere().isPresent();
        conversations.notifyAll(Spliced.of(notification), !elsewhereToo);
        if (elsewhereToo) {
            elsewhere.tell(new Relayed.FromClient(notification));
        }
    }

    /** As of {@link MultiSession#answer}. */
    Optional<Fault> answer(Envelope response) {
        var other =
                Questions.asker(response.id())
                        .filter(_ -> record.isShared())
                        .filter(asker -> !asker.equals(record.node()));
        if (other.filter(asker -> !record.isAlive(asker)).isPresent()) {
            return Optional.of(new Fault.InvalidRequest(ASKER_GONE));
        }
        boolean onItsWay = hereOrElsewhere(response);
        return onItsWay || other.isEmpty()
                ? Optional.empty()
                : Optional.of(new Fault.StorageUnavailable(UNTOLD));
    }

    /**
     * What belongs to a call or a question that is not known here may be for another process.
     * Returns whether it has been taken, or is on its way.
     */
    private boolean hereOrElsewhere(Envelope message) {
        return isTaken(message) || elsewhere.tell(new Relayed.FromClient(message));
    }

    /**
     * Takes what the client has said to another process. Of what is for all backends, each process
     * tells those that only it holds.
     */
    void relayed(Envelope message) {
        if (!isForAll(message)) {
            isTaken(message);
        } else if (home.isHere()) {
            conversations.notifyBound(Spliced.of(message));
        }
    }

    private static boolean isForAll(Envelope message) {
        return message.isNotification()
                && !message.method().equals(Method.CANCELLED)
                && !message.method().equals(Method.PROGRESS);
    }

    private boolean isTaken(Envelope message) {
        return switch (message.kind()) {
            case RESPONSE -> questions.answer(message);
            case NOTIFICATION, REQUEST ->
                    message.method().equals(Method.CANCELLED)
                            ? calls.cancel(message.requestId().orElse(Json.NULL))
                            : questions.progress(message);
        };
    }
}
