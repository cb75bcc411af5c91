package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.protocol.Envelope;

import java.time.Duration;
import java.util.function.Function;

/**
 * The rest of an answer whose stream has ended before the reply: it is asked for by GET, from where
 * it left off, as often as that brings something or the server is busy (MCP 2025-11-25, Streamable
 * HTTP, Resumability and Redelivery). Thread-safe.
 */
final class ResumedAnswer {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final int MOST_VAIN_TRIES = 5;

    /** Takes what the stream brings. */
    interface Receiver {
        /** Whether the reply is still wanted. */
        boolean isWanting();

        void message(Envelope message);

        /** There is no way to get the rest. */
        void over(String why);
    }

    private final Function<String, Outgoing> asking;
    private final HttpPool pool;
    private final Alarms alarms;
    private final Receiver receiver;
    private volatile String position;
    private volatile Duration pause;
    private int vain; // one request is under way at a time
    private volatile boolean left;
    private volatile HttpPool.Sent sent = () -> {};

    /**
     * @param asking makes the request for what comes behind an event
     * @param position the last event that has come
     * @param retry how long the server wants to be left alone first; less than zero if it has not
     *     said so
     */
    ResumedAnswer(
            HttpPool pool,
            Alarms alarms,
            Function<String, Outgoing> asking,
            Receiver receiver,
            String position,
            long retry) {
        this.pool = pool;
        this.alarms = alarms;
        this.asking = asking;
        this.receiver = receiver;
        this.position = position;
        this.pause = retry < 0 ? FIRST_PAUSE : bounded(Duration.ofMillis(retry));
    }

    private static Duration bounded(Duration time) {
        return time.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : time;
    }

    /** Asks when it is time to. */
    void begin() {
        alarms.after(pause, this::ask);
    }

    /** Wants nothing any more. */
    void abort() {
        left = true;
        sent.abort();
    }

    private void ask() {
        if (!left && receiver.isWanting()) {
            sent = pool.send(asking.apply(position), new MessageStream(new Attempt()));
            if (left) {
                sent.abort();
            }
        }
    }

    private void again(String why) {
        if (left || !receiver.isWanting()) {
            return;
        }
        vain++;
        if (vain > MOST_VAIN_TRIES) {
            receiver.over(why);
        } else {
            begin();
        }
    }

    /** One GET. */
    private final class Attempt implements MessageStream.Receiver {
        @Override
        public void accepted(ResponseHead head) {
            if (!head.isEventStream()) {
                receiver.over("does not go on with an answer that it has broken off");
            }
        }

        @Override
        public void message(Envelope message) {
            vain = 0;
            receiver.message(message);
            if (!receiver.isWanting()) {
                abort();
            }
        }

        @Override
        public void position(String eventId) {
            position = eventId;
        }

        @Override
        public void retry(long millis) {
            pause = bounded(Duration.ofMillis(millis));
        }

        @Override
        public void complete() {
            vain = 0; // a server may be asked as often as it takes
            again("ends its answer again and again before the reply");
        }

        @Override
        public void refused(ResponseHead head, String body) {
            int status = head.status();
            if (status == 409 || status == 429 || status >= 500) {
                again("cannot go on with an answer that it has broken off (HTTP " + status + ")");
            } else {
                receiver.over(
                        "does not go on with an answer that it has broken off (HTTP "
                                + status
                                + ")");
            }
        }

        @Override
        public void broken(Throwable why, boolean mayHaveArrived) {
            again("cannot be reached again after it has broken off its answer");
        }

        @Override
        public void garbage(String what) {
            abort();
            receiver.over("sent " + what);
        }
    }
}
