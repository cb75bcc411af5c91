package dev.heddle.transport.connect;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.protocol.Envelope;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** An HTTP request to whose answer nobody listens, but which must end. Thread-safe. */
final class Delivery implements MessageStream.Receiver {
    private static final Logger log = LoggerFactory.getLogger(Delivery.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int SERVER_ERROR = 500;
    private static final int NOT_IMPLEMENTED = 501;

    private final String backend;
    private final SparseMap<Delivery, Delivery> underWay;
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile HttpPool.Sent sent = () -> {};
    private volatile Alarms.Alarm limit = () -> {};
    private volatile boolean heard;

    /**
     * @param underWay holds the delivery until it is over
     */
    Delivery(String backend, SparseMap<Delivery, Delivery> underWay) {
        this.backend = backend;
        this.underWay = underWay;
        underWay.put(this, this);
    }

    void begin(HttpPool.Sent request, Alarms alarms) {
        sent = request;
        limit = alarms.after(PATIENCE, this::abort);
        if (over.getCount() == 0) {
            limit.cancel();
        }
    }

    void abort() {
        sent.abort();
        end();
    }

    /** Waits until it is over, at most for {@code patience}, and then gives up on it. */
    void await(Duration patience) {
        try {
            if (!over.await(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                abort();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            abort();
        }
    }

    /** Whether the backend has taken it, or said why it does not. */
    boolean isHeard() {
        return heard;
    }

    private void end() {
        over.countDown();
        underWay.remove(this);
        limit.cancel();
    }

    @Override
    public void accepted(ResponseHead head) {
        heard = true;
    }

    @Override
    public void message(Envelope message) {}

    @Override
    public void complete() {
        end();
    }

    @Override
    public void refused(ResponseHead head, String body) {
        log.debug("backend '{}' refused a message (HTTP {})", backend, head.status());
        heard = head.status() < SERVER_ERROR || head.status() == NOT_IMPLEMENTED;
        end();
    }

    @Override
    public void broken(Throwable why, boolean mayHaveArrived) {
        log.debug("backend '{}' could not be told something: {}", backend, why.toString());
        end();
    }

    @Override
    public void garbage(String what) {
        abort();
    }
}
