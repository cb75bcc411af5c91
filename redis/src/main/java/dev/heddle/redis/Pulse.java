package dev.heddle.redis;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.security.SecureRandom;

/**
 * Says every few seconds that this node is alive, by which it learns two things: whether it hears
 * what nodes tell each other, and whether the store still holds what it held. Thread-safe.
 */
final class Pulse {
    private static final Logger log = LoggerFactory.getLogger(Pulse.class);
    private static final String CONTENT = "content";

    /** So many pulses in a row are not heard when connections have died without a word. */
    private static final int UNHEARD = 3;

    private final Redis redis;
    private final Pushes pushes;
    private final Content content;
    private final Alarms alarms;
    private final String key;
    private final String channel;
    private final SecureRandom random = new SecureRandom();
    private volatile Runnable emptied = () -> {};
    private volatile boolean closed;

    Pulse(
            Redis redis,
            Pushes pushes,
            Content content,
            Alarms alarms,
            String prefix,
            String channel) {
        this.redis = redis;
        this.pushes = pushes;
        this.content = content;
        this.alarms = alarms;
        this.key = prefix + CONTENT;
        this.channel = channel;
    }

    /** Runs {@code task} whenever the store has lost everything. It must not block. */
    void whenEmptied(Runnable task) {
        emptied = task;
    }

    void begin() {
        if (!closed) {
            pushes.checkPulse();
            if (pushes.unheard() >= UNHEARD) {
                pushes.beatsAnew();
                redis.renew();
            }
            beat();
            alarms.after(Pushes.PULSE, this::begin);
        }
    }

    /** The name for a content that has none is one that no content has had. */
    private String[] arguments() {
        return new String[] {Long.toString(random.nextLong(), 36), channel, pushes.pulse()};
    }

    /** Does not wait for the answer. */
    private void beat() {
        try {
            Scripts.PULSE.send(redis.ask(), key, arguments()).thenAccept(this::note);
            pushes.beats();
        } catch (Fault.StorageUnavailable away) {
            log.debug("no pulse: {}", away.getMessage());
        }
    }

    /** Looks now whether the store still holds what it held; blocks. */
    void check() {
        String name = redis.ask(commands -> commands.get(key));
        note(name == null ? redis.run(Scripts.PULSE, key, arguments()) : name);
    }

    private void note(@Nullable String name) {
        if (name != null && content.isLost(name)) {
            log.warn("the store of sessions has lost what it kept; sessions are written again");
            pushes.forgetAll();
            emptied.run();
        }
    }

    /** Says, if that is possible, that this node is not there any more. */
    void close() {
        closed = true;
        try {
            redis.ask(commands -> commands.publish(channel, pushes.farewell()));
        } catch (Fault.StorageUnavailable away) {
            log.debug("no farewell: {}", away.getMessage());
        }
    }
}
