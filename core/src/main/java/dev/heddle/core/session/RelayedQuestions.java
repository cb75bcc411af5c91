package dev.heddle.core.session;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;

/**
 * Questions that are asked in another process than the one whose backend asks: those that go out
 * from here, and those that come here. Thread-safe; never blocks.
 */
final class RelayedQuestions {
    /** After so long it is known of a process whether it was there when it was told something. */
    static final Duration KNOWN = Duration.ofSeconds(15);

    private static final int MANY = 1000;

    private final Alarms alarms;
    private final Elsewhere elsewhere;
    private final BoundedMap<Json, String> asking = new BoundedMap<>(MANY); // for others
    private final BoundedMap<Json, String> sent = new BoundedMap<>(MANY); // not yet taken

    RelayedQuestions(Alarms alarms, Elsewhere elsewhere) {
        this.alarms = alarms;
        this.elsewhere = elsewhere;
    }

    /**
     * Has the process ask where the client listens. One that does not say that it has taken the
     * question, or has ended, asks nobody.
     */
    void send(Question question) {
        var listener = elsewhere.listener();
        sent.put(question.id(), listener);
        elsewhere.toClient(question.message());
        alarms.after(
                KNOWN,
                () -> {
                    if (sent.remove(question.id()).isPresent() || elsewhere.isGone(listener)) {
                        question.wayLost().run();
                    }
                });
    }

    /** The process where the client listens has taken the question {@code id}. */
    void taken(Json id) {
        sent.remove(id);
    }

    /**
     * Takes a question of another process. Returns what is to be asked: nothing if it has come
     * before, since it may come on two ways.
     */
    Optional<Question> received(Envelope message) {
        elsewhere.tell(new Relayed.Asked(message.id()));
        if (asking.contains(message.id())) {
            return Optional.empty();
        }
        asking.put(message.id(), message.method());
        return Optional.of(question(message));
    }

    /**
     * Whoever asked hears from here only if the client cannot be asked, or has gone: by then it may
     * have answered.
     */
    private Question question(Envelope message) {
        var id = message.id();
        return new Question(
                Spliced.of(message),
                refusal -> {
                    asking.remove(id);
                    elsewhere.tell(new Relayed.FromClient(Envelope.parse(refusal.bytes())));
                },
                () -> {
                    asking.remove(id);
                    elsewhere.tell(new Relayed.Unasked(id));
                });
    }
}
