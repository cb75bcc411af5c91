package dev.heddle.core.session;

import dev.heddle.testkit.WrappedStorage;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A store that the process {@code here} shares with {@code other}. */
final class Neighbours extends WrappedStorage {
    static final String HERE = "here";
    static final String OTHER = "other";

    private volatile boolean deaf;
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final Set<String> alive = ConcurrentHashMap.newKeySet();

    Neighbours(InstantSource clock) {
        super(new LocalSessionStorage(Duration.ofMinutes(10), clock));
        alive.addAll(Set.of(HERE, OTHER));
    }

    /** What this process has told the other. */
    List<String> told() {
        return told;
    }

    /** Nobody can be told anything any more. */
    void deafen() {
        deaf = true;
    }

    void end(String node) {
        alive.remove(node);
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public String node() {
        return HERE;
    }

    @Override
    public boolean isAlive(String node) {
        return alive.contains(node);
    }

    @Override
    public boolean tell(String id, String message) {
        told.add(message);
        return !deaf;
    }
}
