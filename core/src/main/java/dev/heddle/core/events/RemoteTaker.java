package dev.heddle.core.events;

import dev.heddle.core.events.StreamNews.What;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * Carries a stream by way of another process, which reads in the store what it is told to be there.
 * It says every now and then that it still does.
 */
final class RemoteTaker implements Taker {
    /** How long it may be silent. */
    static final Duration LEASE = Mirror.LOOK.multipliedBy(5);

    private final Sharing sharing;
    private final String stream;
    private final String carrier;
    private @Nullable Alarm lease; // guarded by the log of the stream

    /**
     * @param stream its name
     * @param carrier what the other process calls its part
     */
    RemoteTaker(Sharing sharing, String stream, String carrier) {
        this.sharing = sharing;
        this.stream = stream;
        this.carrier = carrier;
    }

    String carrier() {
        return carrier;
    }

    /** Goes on for a while from now, and then runs {@code lost}. */
    void renew(Alarms alarms, Runnable lost) {
        if (lease != null) {
            lease.cancel();
        }
        lease = alarms.after(LEASE, lost);
    }

    private void grown() {
        sharing.tell(What.GROWN, stream, carrier);
    }

    @Override
    public void event(String id, Spliced message) {
        grown();
    }

    @Override
    public void last(String id, Spliced message) {
        grown();
    }

    @Override
    public void end() {
        grown();
    }

    @Override
    public void replaced() {
        sharing.tell(What.REPLACED, stream, carrier);
    }

    /** How fast the client takes it shows in the other process only, which reads as it can. */
    @Override
    public boolean isReady() {
        return true;
    }

    @Override
    public boolean isCrowded() {
        return false;
    }

    @Override
    public void whenReady(Runnable task) {
        task.run();
    }
}
