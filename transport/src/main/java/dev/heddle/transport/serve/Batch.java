package dev.heddle.transport.serve;

import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.MultiSession;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Malformed;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Several messages in one (MCP 2025-03-26, Batching). They are taken apart here and never sent on
 * together; the responses come back together. Thread-safe.
 */
final class Batch {
    private static final int MOST = 1_000;

    private final List<Envelope> messages;
    private final List<Json> responses = new ArrayList<>(); // guarded by this
    private int missing;

    private Batch(List<Envelope> messages) {
        this.messages = messages;
        this.missing = (int) messages.stream().filter(Envelope::isRequest).count();
    }

    /** Whether {@code text} is a batch rather than one message. */
    static boolean is(byte[] text) {
        for (byte b : text) {
            if (b != ' ' && b != '\t' && b != '\r' && b != '\n') {
                return b == '[';
            }
        }
        return false;
    }

    /**
     * The batch that {@code text} is.
     *
     * @throws Malformed if it is none, or the client's revision has none
     */
    static Batch of(byte[] text, Revision client) {
        if (client.isAtLeast(Revision.V2025_06_18)) {
            throw refused("in " + client.text());
        }
        List<Json> elements;
        try {
            elements = Json.parse(text).elements();
        } catch (MalformedJson e) {
            throw Malformed.unreadable(e);
        }
        if (elements.isEmpty() || elements.size() > MOST) {
            throw Malformed.invalid(
                    "found a batch of "
                            + elements.size()
                            + " messages (expected: 1 to "
                            + MOST
                            + ")");
        }
        var messages = elements.stream().map(one -> Envelope.parse(one.bytes())).toList();
        for (var message : messages) {
            if (message.method().equals(Method.INITIALIZE)
                    || message.protocolVersion().isPresent()) {
                throw Malformed.invalid(
                        "found "
                                + message.method()
                                + " in a batch (expected: outside, or in no batch at all)");
            }
        }
        return new Batch(messages);
    }

    /** The refusal of a batch where there is none. */
    static Malformed refused(String where) {
        return Malformed.invalid("found a batch " + where + " (expected: one JSON-RPC message)");
    }

    /** One of the responses to a batch. */
    static Envelope message(Json response) {
        return Envelope.parse(response.bytes());
    }

    /** The ids of what is to be answered. */
    List<Json> requests() {
        return messages.stream().filter(Envelope::isRequest).map(Envelope::id).toList();
    }

    /** Where one of the messages is to be carried out, if not here. */
    Optional<String> home(MultiSession session) {
        return messages.stream()
                .filter(Envelope::isRequest)
                .flatMap(message -> session.home(message).stream())
                .findFirst();
    }

    /** Whether there is nothing to be answered. */
    boolean isQuiet() {
        return missing == 0;
    }

    /** Where what comes back goes. */
    interface Out {
        /** Takes what comes before the responses. */
        void event(Spliced message);

        /** Asks the client. Returns whether it can be asked. */
        boolean question(Question question);

        /** Takes all responses, once, if there is to be one. */
        void end(Json responses);
    }

    /** Carries out what the batch holds. */
    void carry(MultiSession session, Identity caller, Out out) {
        for (var message : messages) {
            switch (message.kind()) {
                case REQUEST ->
                        session.exchange(caller, new Exchange(message, new One(message.id(), out)));
                case NOTIFICATION -> session.notice(caller, message);
                case RESPONSE -> session.answer(caller, message);
            }
        }
    }

    private void responded(Json response, Out out) {
        Json all;
        synchronized (this) {
            responses.add(response);
            missing--;
            if (missing > 0) {
                return;
            }
            all = Json.array(responses);
        }
        out.end(all);
    }

    /** Takes what comes back for one request of the batch. */
    private final class One implements Sink {
        private final Json id;
        private final Out out;

        One(Json id, Out out) {
            this.id = id;
            this.out = out;
        }

        @Override
        public void notification(Spliced message) {
            out.event(message);
        }

        @Override
        public boolean question(Question question) {
            return out.question(question);
        }

        @Override
        public void reply(Reply ending) {
            switch (ending) {
                case Reply.Response(var message) -> responded(Json.parse(message.bytes()), out);
                case Reply.Flowing(var flow) -> flow.abort();
                case Reply.Failed(var fault) -> responded(error(fault), out);
            }
        }

        private Json error(Fault fault) {
            return Json.parse(Spliced.of(FaultForms.error(id, fault)).bytes());
        }
    }
}
