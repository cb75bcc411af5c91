package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.ResponseSplicer;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Map;

/** One request, and the answer that comes on its POST. */
final class Post implements MessageStream.Receiver {
    private static final Duration LEFTOVERS = Duration.ofSeconds(1);

    private final Correspondence way;
    private final SparseMap<Long, Post> calls;
    private final BackendEvents events;
    private final long id;
    private final Spliced request;
    private final Map<String, String> fields;
    private final Sink sink;
    private final boolean inSession;
    private volatile HttpPool.@Nullable Sent sent;
    private volatile boolean aborted;
    private volatile boolean streaming; // while the answer is a stream that has not ended
    private volatile Alarms.@Nullable Alarm leftovers;
    private volatile @Nullable ResumedAnswer resumed;
    private String position = ""; // on the event loop
    private long retry = -1;
    private int redirects;

    /**
     * @param calls those of the conversation that wait for their replies
     * @param events take what belongs to no call
     * @param fields further headers
     */
    Post(
            Correspondence way,
            SparseMap<Long, Post> calls,
            BackendEvents events,
            long id,
            Spliced request,
            Map<String, String> fields,
            Sink sink) {
        this.way = way;
        this.calls = calls;
        this.events = events;
        this.inSession = way.isInSession();
        this.id = id;
        this.request = request;
        this.fields = fields;
        this.sink = sink;
    }

    void send(int followed) {
        if (!this.equals(calls.get(id))) {
            return; // nobody waits any more
        }
        redirects = followed;
        sent = way.post(request, fields, this);
        if (aborted) {
            abort(); // it may have come too early to find what was sent
        }
    }

    void abort() {
        aborted = true;
        var underWay = sent;
        if (underWay != null) {
            underWay.abort();
        }
        var rest = resumed;
        if (rest != null) {
            rest.abort();
        }
    }

    @Override
    public void position(String eventId) {
        position = eventId;
    }

    @Override
    public void retry(long millis) {
        retry = millis;
    }

    /**
     * Asks for the rest of the answer if its stream has said where that begins. Returns whether it
     * has.
     */
    private boolean resume() {
        if (!canResume() || calls.get(id) == null) {
            return false;
        }
        var rest =
                new ResumedAnswer(way.pool(), way.alarms(), way::get, new Rest(), position, retry);
        resumed = rest;
        rest.begin();
        return true;
    }

    /** What can be asked for again is not handed on before it is whole. */
    private boolean canResume() {
        return inSession && !position.isEmpty();
    }

    /** Takes the rest of the answer. */
    private final class Rest implements ResumedAnswer.Receiver {
        @Override
        public boolean isWanting() {
            return calls.get(id) != null;
        }

        @Override
        public void message(Envelope message) {
            Post.this.message(message);
        }

        @Override
        public void over(String why) {
            fail(
                    new Fault.BackendFailed(
                            way.backend(), Fault.BackendFailed.Reason.DISCONNECTED, why, true));
        }
    }

    @Override
    public void accepted(ResponseHead head) {
        if (head.isEventStream()) {
            streaming = true;
        }
        way.accepted(head, !inSession && request.envelope().method().equals(Method.INITIALIZE));
    }

    @Override
    public void message(Envelope message) {
        switch (message.kind()) {
            case RESPONSE -> {
                if (message.id().integer().orElse(-1) == id) {
                    end(new Reply.Response(Spliced.of(message)));
                }
            }
            case NOTIFICATION -> sink.notification(Spliced.of(message));
            case REQUEST -> asked(message);
        }
    }

    @Override
    public @Nullable FlowingAnswer flow(byte[] beginning) {
        boolean flows =
                sink.takesFlow(beginning.length)
                        && !canResume()
                        && ResponseSplicer.isResult(beginning, id)
                        && calls.remove(id, this);
        if (!flows) {
            return null;
        }
        var answer = new FlowingAnswer(id, beginning, this::abort);
        sink.reply(new Reply.Flowing(answer));
        return answer;
    }

    @Override
    public void flowed() {
        endLeftovers();
    }

    @Override
    public boolean isReady() {
        return sink.isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        sink.whenReady(task);
    }

    private void asked(Envelope message) {
        way.asked(message).filter(question -> !sink.question(question)).ifPresent(events::question);
    }

    /** Nothing more comes on the answer. */
    private void over() {
        streaming = false;
        var alarm = leftovers;
        if (alarm != null) {
            alarm.cancel();
        }
    }

    @Override
    public void complete() {
        over();
        if (calls.get(id) != null && !resume()) {
            fail(
                    new Fault.BackendFailed(
                            way.backend(),
                            Fault.BackendFailed.Reason.GARBAGE,
                            "ended its answer without a reply",
                            true));
        }
    }

    @Override
    public void refused(ResponseHead head, String body) {
        over();
        if (this.equals(calls.get(id)) && way.follow(head, redirects)) {
            send(redirects + 1);
            return;
        }
        var error =
                HttpOutcome.error(body).filter(answer -> answer.id().integer().orElse(-1) == id);
        if (error.filter(this::isOfOtherEra).isPresent()) {
            fail(
                    Fault.BackendFailed.notSent(
                            way.backend(),
                            Fault.BackendFailed.Reason.SESSION_GONE,
                            "is another server than it was"));
        } else if (error.isPresent()
                && !(inSession && HttpOutcome.isOver(head.status(), error.get(), body))) {
            end(new Reply.Response(Spliced.of(error.get())));
        } else {
            fail(HttpOutcome.status(way.backend(), head.status(), body, inSession));
        }
    }

    private boolean isOfOtherEra(Envelope error) {
        return error.errorCode() == ErrorCode.UNSUPPORTED_VERSION
                && way.revision().filter(Revision::hasSessions).isPresent();
    }

    @Override
    public void broken(Throwable why, boolean mayHaveArrived) {
        over();
        if (!resume()) {
            fail(HttpOutcome.broken(way.backend(), why, mayHaveArrived));
        }
    }

    @Override
    public void garbage(String what) {
        fail(MessageStream.asFault(way.backend(), what));
        abort();
    }

    /** Ends the call, which nobody else ends from now on. */
    void leave(Fault.BackendFailed why) {
        abort();
        sink.reply(new Reply.Failed(why));
    }

    private void fail(Fault.BackendFailed why) {
        end(new Reply.Failed(why));
    }

    private void end(Reply reply) {
        if (calls.remove(id, this)) {
            endLeftovers();
            sink.reply(reply);
        }
    }

    /** A server that does not end its answer behind the reply has it ended. */
    private void endLeftovers() {
        if (streaming) {
            leftovers = way.alarms().after(LEFTOVERS, this::abort);
        }
    }
}
