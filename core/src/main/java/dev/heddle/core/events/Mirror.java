package dev.heddle.core.events;

import dev.heddle.core.events.EventStorage.Appended;
import dev.heddle.core.events.EventStorage.Batch;
import dev.heddle.core.events.EventStorage.Entry;
import dev.heddle.core.events.EventStorage.Kept;
import dev.heddle.core.events.EventStorage.Kind;
import dev.heddle.core.events.StreamNews.What;
import dev.heddle.core.exchange.RepeatedTask;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Spliced;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * The answer to a request that another process carries out, for a client that has come back here:
 * what comes is read in the store. If the other process is gone, the answer ends with an error that
 * says so.
 */
final class Mirror implements Resumable {
    /** How often it looks without being told to, and says that it does. */
    static final Duration LOOK = Duration.ofSeconds(2);

    private static final Logger log = LoggerFactory.getLogger(Mirror.class);

    /** How much it reads at once. */
    static final int SOME = 50;

    private final EventLog streams;
    private final Sharing sharing;
    private final String name;
    private final long token; // with which it answers for another process
    private final String carrier;
    private final RepeatedTask reading;
    private final boolean ended; // when it began
    private volatile long place; // the number of the last event that has been read
    private volatile @Nullable Taker taker; // until it is over
    private volatile boolean stalled; // the client takes what was sent before

    /**
     * @param streams hear of it while it carries the stream
     * @param name of the stream
     * @param place the number of the last event that the client knows
     * @param kept what is kept behind it
     */
    Mirror(EventLog streams, Sharing sharing, String name, long place, Kept kept) {
        this.streams = streams;
        this.sharing = sharing;
        this.name = name;
        this.token = EventLog.nextNumber();
        this.carrier = sharing.mark() + token;
        this.place = place;
        this.ended = kept.ended() && kept.entries().stream().noneMatch(Entry::isMessage);
        this.reading = new RepeatedTask(sharing.virtual(), this::read);
    }

    /** What this is called among the carriers of the stream. */
    String carrier() {
        return carrier;
    }

    @Override
    public boolean canResume(String lastEventId) {
        return EventStream.position(lastEventId) == place;
    }

    @Override
    public boolean isOverAt(String lastEventId) {
        return ended && canResume(lastEventId);
    }

    @Override
    public void resume(String lastEventId, Taker connection) {
        taker = connection;
        streams.carries(this);
        sharing.tell(What.CARRIED, name, carrier);
        reading.soon();
        lookLater();
    }

    private void lookLater() {
        streams.alarms()
                .after(
                        LOOK,
                        () -> {
                            if (taker != null) {
                                doubted();
                                reading.soon();
                                lookLater();
                            }
                        });
    }

    /** Somebody wants to know whether it is still carried here. */
    void doubted() {
        if (taker != null) {
            var waits = stalled ? StreamNews.NOWHERE : place;
            sharing.news().accept(new StreamNews(What.STILL_CARRIED, name, carrier, waits));
        }
    }

    @Override
    public void lost(Taker connection) {
        if (connection.equals(taker)) {
            over();
            tellLeft();
        }
    }

    private void tellLeft() {
        sharing.news().accept(new StreamNews(What.LEFT, name, carrier, place));
    }

    /** There is more to be read. */
    void grown() {
        reading.soon();
    }

    /** The client is to come back elsewhere. */
    void leave() {
        var to = taker;
        if (to != null) {
            over();
            tellLeft();
            to.leave();
        }
    }

    /** The stream goes on elsewhere. */
    void replaced() {
        end();
    }

    private void end() {
        var to = taker;
        over();
        if (to != null) {
            to.end();
        }
    }

    private void over() {
        taker = null;
        streams.forget(this);
    }

    private void read() {
        try {
            boolean more;
            do {
                var to = taker;
                more = to != null && isReady(to) && readSome(to);
            } while (more);
        } catch (Fault.StorageUnavailable away) {
            log.debug("looked at again in a moment: {}", away.getMessage());
        } catch (RuntimeException bug) {
            log.error("a stream could not be read; it is looked at again in a moment", bug);
        }
    }

    private boolean isReady(Taker to) {
        boolean ready = to.isReady();
        if (!ready && !stalled) {
            stalled = true;
            to.whenReady(
                    () -> {
                        stalled = false;
                        reading.soon();
                    });
        }
        return ready;
    }

    /** Returns whether there may be more. */
    private boolean readSome(Taker to) {
        var kept = sharing.storage().read(sharing.session(), name, place, SOME);
        if (kept.isEmpty()) {
            end(); // what has been missed is not known any more
            return false;
        }
        if (kept.get().entries().isEmpty() && kept.get().ended()) {
            end();
            return false;
        }
        kept.get().entries().forEach(entry -> pass(entry, to));
        boolean all = kept.get().entries().size() < SOME;
        return !all || (taker != null && endsForOther(kept.get()));
    }

    private void pass(Entry entry, Taker to) {
        if (taker == null) {
            return;
        }
        place = entry.number();
        switch (entry.kind()) {
            case EVENT -> to.event(id(), message(entry));
            case LAST -> {
                over();
                to.last(id(), message(entry));
                tellLeft();
            }
            case END -> end();
            case BEGINNING, TAKEN -> {}
        }
    }

    private String id() {
        return EventStream.id(name, place);
    }

    private static Spliced message(Entry entry) {
        return Spliced.of(Envelope.parse(entry.text().getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * If the writer is gone, whoever finds that out first answers for it. Returns whether there may
     * be more to be read then.
     */
    private boolean endsForOther(Kept kept) {
        boolean mine = kept.writer().equals(sharing.node());
        if (!mine && sharing.alive().test(kept.writer())) {
            return false;
        }
        if (!sharing.storage().take(sharing.session(), name, kept.place(), token)) {
            return true;
        }
        var entries = answers(kept.requests());
        var batch = new Batch(sharing.session(), name, token, kept.requests(), 0, false, entries);
        try {
            var done = sharing.storage().append(batch).toCompletableFuture().join();
            return done instanceof Appended.Written;
        } catch (CompletionException away) {
            throw new Fault.StorageUnavailable("an answer could not be noted: " + away);
        }
    }

    private List<Entry> answers(String requests) {
        var ids = Json.parse(requests).elements();
        var entries = new ArrayList<Entry>();
        for (var id : ids) {
            boolean last = entries.size() == ids.size() - 1;
            entries.add(
                    new Entry(
                            place + 1 + entries.size(),
                            last ? Kind.LAST : Kind.EVENT,
                            lostWithProcess(id)));
        }
        return entries.isEmpty() ? List.of(new Entry(place, Kind.END, "")) : entries;
    }

    private static String lostWithProcess(Json id) {
        var error =
                JsonRpc.error(
                        id,
                        ErrorCode.INTERNAL_ERROR,
                        "the gateway's process that carried out the request has ended; the request"
                                + " may have been carried out",
                        Json.object(data -> data.put("mayHaveRun", true)));
        return new String(Spliced.of(error).bytes(), StandardCharsets.UTF_8);
    }
}
