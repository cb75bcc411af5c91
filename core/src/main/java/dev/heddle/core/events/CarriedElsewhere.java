package dev.heddle.core.events;

import dev.heddle.core.events.StreamNews.What;

import java.util.Optional;

/**
 * What other processes tell of a stream that is written here: that they carry it to its client, and
 * what they want of it. Guarded by the log of the stream, except where it says something else.
 */
final class CarriedElsewhere {
    private final EventLog log;
    private final Sharing sharing;
    private final EventStream stream;
    private final Journal journal;
    private String doubted = ""; // the carrier that is asked whether it still carries the stream

    CarriedElsewhere(EventLog log, Sharing sharing, EventStream stream, Journal journal) {
        this.log = log;
        this.sharing = sharing;
        this.stream = stream;
        this.journal = journal;
    }

    /** What others have told of their carrying it was before. */
    void carriedHere() {
        doubted = "";
    }

    /** Hears what another process tells that carries the stream to its client. Not guarded. */
    void hear(StreamNews news) {
        switch (news.what()) {
            case CARRIED, STILL_CARRIED -> carried(news, news.what() == What.CARRIED);
            case LEFT -> {
                synchronized (log) {
                    remote(news.carrier()).ifPresent(stream::lost);
                    stream.told(news.place());
                }
            }
            case WANTED -> wanted(news);
            case DOUBTED, GROWN, REPLACED, UNWRITTEN -> {}
        }
    }

    /** Writes all that is known for somebody who knows as much as stands before the place. */
    private void wanted(StreamNews news) {
        synchronized (log) {
            if (stream.canResume(news.place())) {
                journal.writeAll(() -> tellWritten(news.carrier()));
            } else if (log.isOwn(stream.name())) {
                sharing.tell(What.REPLACED, stream.name(), news.carrier());
            }
        }
    }

    /**
     * What is told is on its way for a while, in which the client may have come back here: before a
     * connection is given up for another, that is asked whether it is still there.
     *
     * @param begins whether the other process has not said so before
     */
    private void carried(StreamNews news, boolean begins) {
        var carrier = news.carrier();
        Optional<Taker> before = Optional.empty();
        synchronized (log) {
            var known = remote(carrier);
            boolean unknown = begins || known.isEmpty();
            boolean expected = begins ? !stream.isCarried() : carrier.equals(doubted);
            if (known.isEmpty() && expected && !stream.isEnded()) {
                var remote = new RemoteTaker(sharing, stream.name(), carrier);
                before = stream.changeTaker(remote);
                known = Optional.of(remote);
                doubted = "";
            }
            known.ifPresent(remote -> remote.renew(log.alarms(), () -> stream.lost(remote)));
            if (stream.isEnded() && news.isWaiting()) {
                journal.writeAll(() -> {}); // the store has lost the end
            } else {
                journal.repair();
            }
            if (unknown) {
                answer(carrier, begins, known.isPresent() || stream.isEnded());
            }
        }
        before.ifPresent(Taker::replaced);
    }

    private void answer(String carrier, boolean begins, boolean carries) {
        if (carries) {
            sharing.tell(What.GROWN, stream.name(), carrier);
        } else if (begins) {
            doubted = carrier;
            sharing.tell(What.DOUBTED, stream.name(), carrier);
        } else {
            sharing.tell(What.REPLACED, stream.name(), carrier);
        }
    }

    private Optional<RemoteTaker> remote(String carrier) {
        return stream.taker()
                .filter(taker -> taker instanceof RemoteTaker)
                .map(RemoteTaker.class::cast)
                .filter(remote -> remote.carrier().equals(carrier));
    }

    private void tellWritten(String carrier) {
        if (!journal.isStopped()) {
            sharing.tell(journal.hasFailed() ? What.UNWRITTEN : What.GROWN, stream.name(), carrier);
        }
    }
}
