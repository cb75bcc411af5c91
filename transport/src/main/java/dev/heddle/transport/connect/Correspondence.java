package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.util.Map;
import java.util.Optional;

/**
 * Where the messages of one conversation go over HTTP, and with what, as far as that is known now.
 * Thread-safe.
 */
final class Correspondence {
    private static final int MAX_REDIRECTS = 3;

    private final HttpPool pool;
    private final Alarms alarms;
    private final SparseMap<Delivery, Delivery> deliveries = new SparseMap<>();
    private volatile Endpoint endpoint;
    private volatile Endpoint.Talk talk;

    Correspondence(HttpPool pool, Endpoint endpoint, Endpoint.Talk talk, Alarms alarms) {
        this.pool = pool;
        this.endpoint = endpoint;
        this.talk = talk;
        this.alarms = alarms;
    }

    HttpPool pool() {
        return pool;
    }

    Alarms alarms() {
        return alarms;
    }

    String backend() {
        return endpoint.backend();
    }

    Endpoint.Talk talk() {
        return talk;
    }

    /** Whether the backend has given the conversation a name. */
    boolean isInSession() {
        return !talk.sessionId().isEmpty();
    }

    /** The revision that is spoken, once that is agreed. */
    Optional<Revision> revision() {
        return talk.revision();
    }

    /** Speaks {@code agreed} from now on, as the handshake has brought. */
    void introduced(Revision agreed) {
        talk = talk.in(agreed);
    }

    /**
     * Learns from an answer.
     *
     * @param begins whether it may give the conversation its name
     */
    void accepted(ResponseHead head, boolean begins) {
        talk.cookies().note(head);
        if (begins) {
            head.sessionId().ifPresent(name -> talk = talk.called(name));
        }
    }

    /** Follows a redirect. Returns whether there is one that may be followed. */
    boolean follow(ResponseHead head, int redirects) {
        var target =
                redirects < MAX_REDIRECTS
                        ? endpoint.redirectedBy(head)
                        : Optional.<Endpoint>empty();
        target.ifPresent(other -> endpoint = other);
        return target.isPresent();
    }

    /** Sends a request, whose answer {@code receiver} takes. */
    HttpPool.Sent post(
            Spliced request, Map<String, String> fields, MessageStream.Receiver receiver) {
        return pool.send(
                Outgoing.post(endpoint, talk, request, fields), new MessageStream(receiver));
    }

    /** What asks for a stream, behind {@code position} if that is not empty. */
    Outgoing get(String position) {
        return Outgoing.get(endpoint, talk, position);
    }

    /** Sends what no answer is wanted to, and gives up on it after a while. */
    Delivery deliver(Spliced message) {
        return deliver(Outgoing.post(endpoint, talk, message));
    }

    private Delivery deliver(Outgoing outgoing) {
        var delivery = new Delivery(backend(), deliveries);
        delivery.begin(pool.send(outgoing, new MessageStream(delivery)), alarms);
        return delivery;
    }

    /** Tells the backend that the conversation has ended. */
    Delivery delete() {
        return deliver(Outgoing.delete(endpoint, talk));
    }

    /** Gives up on all that is being delivered. */
    void abortDeliveries() {
        deliveries.values().forEach(Delivery::abort);
    }

    /** What the backend asks with {@code request}, unless it is answered here. */
    Optional<Question> asked(Envelope request) {
        if (request.method().equals(Method.PING)) {
            deliver(Spliced.of(JsonRpc.result(request.id(), Json.EMPTY_OBJECT)));
            return Optional.empty();
        }
        return Optional.of(new Question(Spliced.of(request), this::deliver));
    }
}
