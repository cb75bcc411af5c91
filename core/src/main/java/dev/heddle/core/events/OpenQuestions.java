package dev.heddle.core.events;

import dev.heddle.core.exchange.Question;

import java.util.ArrayList;
import java.util.List;

/**
 * The questions that have gone out on a stream, each of which loses its way if nobody carries the
 * stream for a while. Guarded by the log of the stream.
 */
final class OpenQuestions {
    /** So many at most are remembered; the oldest of more have been answered. */
    private static final int MOST = 100;

    /** A question that went out as the event {@code number}. */
    private record Asked(long number, Question question) {}

    private final EventLog log;
    private final EventStream stream;
    private List<Asked> asked = List.of();
    private int losses; // of connections that carried the stream

    OpenQuestions(EventLog log, EventStream stream) {
        this.log = log;
        this.stream = stream;
    }

    /** Another one has gone out, as the event {@code number}. */
    void add(long number, Question question) {
        var more = new ArrayList<>(asked);
        if (more.size() >= MOST) {
            more.removeFirst();
        }
        more.add(new Asked(number, question));
        asked = List.copyOf(more);
        if (!stream.isCarried()) {
            giveUpLater();
        }
    }

    /** Nobody carries the stream any more. */
    void lost() {
        losses++;
        if (!asked.isEmpty()) {
            giveUpLater();
        }
    }

    /** They are not to be answered on this stream any more. */
    void clear() {
        asked = List.of();
    }

    private void giveUpLater() {
        int loss = losses;
        log.alarms().after(EventLog.RETURN, () -> giveUp(loss));
    }

    /** A client that has come back since and been lost again has its time from then on. */
    private void giveUp(int loss) {
        List<Asked> lost;
        synchronized (log) {
            boolean away = !stream.isCarried() && losses == loss;
            lost = away ? asked : List.of();
            asked = away ? List.of() : asked;
            lost.forEach(one -> stream.past().forget(one.number()));
        }
        lost.forEach(one -> one.question().wayLost().run());
    }
}
