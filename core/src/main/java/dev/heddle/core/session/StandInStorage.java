package dev.heddle.core.session;

import dev.heddle.core.events.EventStorage;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.RepeatedTask;
import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A shared store in whose absence sessions may begin all the same: their records are kept in this
 * process until the store can take them. Until then other processes do not know them. Thread-safe.
 *
 * <p>A record that moves is in both places for a moment, in which this process's is the one that
 * counts.
 */
public final class StandInStorage implements SessionStorage {
    /** Between two attempts to hand records over. */
    static final Duration AGAIN = Duration.ofSeconds(1);

    private static final Logger log = LoggerFactory.getLogger(StandInStorage.class);

    private final SessionStorage shared;
    private final LocalSessionStorage here;
    private final Alarms alarms;
    private final RepeatedTask moving;

    /**
     * @param here where records are kept meanwhile
     * @param virtual runs blocking code
     */
    public StandInStorage(
            SessionStorage shared, LocalSessionStorage here, Alarms alarms, Executor virtual) {
        this.shared = shared;
        this.here = here;
        this.alarms = alarms;
        this.moving = new RepeatedTask(virtual, this::move);
    }

    private boolean isHere(String id) {
        return here.load(id).isPresent();
    }

    @Override
    public boolean create(String id, Map<String, String> record) {
        try {
            return shared.create(id, record);
        } catch (Fault.StorageUnavailable away) {
            log.debug("a session begins in this process alone: {}", away.getMessage());
            boolean done = here.create(id, record);
            moveLater();
            return done;
        }
    }

    private void moveLater() {
        alarms.after(AGAIN, moving::soon);
    }

    private void move() {
        try {
            here.ids().forEach(this::move);
        } catch (Fault.StorageUnavailable away) {
            log.debug("sessions stay in this process alone: {}", away.getMessage());
        }
        if (here.size() > 0) {
            moveLater();
        }
    }

    /** Whoever changes the record meanwhile does so here, and what is there is brought up to it. */
    private void move(String id) {
        var written = Optional.<Map<String, String>>empty();
        while (true) {
            var record = here.load(id);
            if (record.isEmpty()) {
                here.delete(id); // if it has expired
                if (written.isPresent()) {
                    shared.update(id, Changes.set(Map.of(Metadata.TERMINATED, "true")));
                    shared.delete(id);
                }
                return;
            }
            shared.upsert(id, record.get());
            written.map(before -> without(before.keySet(), record.get().keySet()))
                    .filter(gone -> !gone.isEmpty())
                    .ifPresent(gone -> shared.update(id, new Changes(Map.of(), gone)));
            if (here.delete(id, record.get())) {
                return;
            }
            written = record;
        }
    }

    private static Set<String> without(Set<String> all, Set<String> some) {
        return all.stream()
                .filter(one -> !some.contains(one))
                .collect(Collectors.toUnmodifiableSet());
    }

    @Override
    public Optional<Map<String, String>> load(String id) {
        return here.load(id).or(() -> shared.load(id));
    }

    @Override
    public boolean touch(String id) {
        return here.touch(id) || shared.touch(id);
    }

    @Override
    public Set<String> touch(Collection<String> ids) {
        return shared.touch(ids.stream().filter(id -> !here.touch(id)).toList());
    }

    @Override
    public boolean update(String id, Changes changes) {
        while (isHere(id)) {
            if (here.update(id, changes)) {
                return true;
            }
            if (isHere(id)) {
                return false;
            }
        }
        return shared.update(id, changes);
    }

    @Override
    public boolean upsert(String id, Map<String, String> record) {
        return isHere(id) ? update(id, Changes.set(record)) : shared.upsert(id, record);
    }

    @Override
    public void delete(String id) {
        boolean only = isHere(id);
        here.delete(id);
        try {
            shared.delete(id);
        } catch (Fault.StorageUnavailable away) {
            if (!only) {
                throw away;
            }
        }
    }

    @Override
    public Following follow(String id, Listener listener) {
        return new Followed(id, shared.follow(id, listener));
    }

    private final class Followed implements Following {
        private final String id;
        private final Following there;

        Followed(String id, Following there) {
            this.id = id;
            this.there = there;
        }

        @Override
        public void doubt() {
            there.doubt();
        }

        @Override
        public boolean isCurrent() {
            return there.isCurrent() || isHere(id);
        }

        @Override
        public Optional<Map<String, String>> load(Supplier<Optional<Map<String, String>>> ours) {
            return here.load(id).or(() -> loadThere(ours));
        }

        private Optional<Map<String, String>> loadThere(
                Supplier<Optional<Map<String, String>>> ours) {
            var record = there.load(ours);
            if (record.isEmpty() && ours.get().isEmpty() && shared.isJustBack()) {
                throw new Fault.StorageUnavailable(
                        "what has begun while it was away is being written");
            }
            return record;
        }

        @Override
        public boolean isOutdated(Map<String, String> record) {
            return there.isOutdated(record);
        }

        @Override
        public void close() {
            there.close();
        }
    }

    @Override
    public boolean isShared(String id) {
        return !isHere(id);
    }

    @Override
    public boolean isShared() {
        return shared.isShared();
    }

    @Override
    public boolean isJustBack() {
        return shared.isJustBack();
    }

    @Override
    public String node() {
        return shared.node();
    }

    @Override
    public boolean isHearing() {
        return shared.isHearing();
    }

    @Override
    public boolean isAlive(String node) {
        return shared.isAlive(node);
    }

    @Override
    public Optional<EventStorage> events() {
        return shared.events();
    }

    @Override
    public void whenEmptied(Runnable task) {
        shared.whenEmptied(task);
    }

    @Override
    public boolean tell(String id, String message) {
        return shared.tell(id, message);
    }

    @Override
    public List<Leftover> claimLeftovers() {
        return shared.claimLeftovers();
    }

    @Override
    public void settle(Leftover leftover) {
        shared.settle(leftover);
    }

    @Override
    public void sweep() {
        here.sweep();
        shared.sweep();
    }

    @Override
    public void close() {
        if (here.size() > 0) {
            log.warn("{} sessions that the store has not got end with this process", here.size());
        }
        shared.close();
    }
}
