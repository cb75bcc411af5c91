package dev.heddle.testkit;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage;

import java.util.Map;
import java.util.Optional;

/** A store that a test can take away. */
public final class BreakableStorage implements SessionStorage {
    private final SessionStorage next;
    private volatile boolean away;
    private volatile boolean mute;
    private volatile boolean justBack;

    public BreakableStorage(SessionStorage next) {
        this.next = next;
    }

    public void away(boolean is) {
        away = is;
    }

    /** Whether what is asked for is done, and no answer comes. */
    public void mute(boolean is) {
        mute = is;
    }

    public void justBack(boolean is) {
        justBack = is;
    }

    private SessionStorage there() {
        if (away) {
            throw new Fault.StorageUnavailable("away as scripted");
        }
        return next;
    }

    @Override
    public boolean isShared() {
        return next.isShared();
    }

    @Override
    public String node() {
        return next.node();
    }

    @Override
    public boolean isAlive(String node) {
        return next.isAlive(node);
    }

    @Override
    public boolean tell(String id, String message) {
        return next.tell(id, message);
    }

    @Override
    public boolean isJustBack() {
        return justBack;
    }

    @Override
    public boolean create(String id, Map<String, String> record) {
        return there().create(id, record);
    }

    @Override
    public Optional<Map<String, String>> load(String id) {
        return there().load(id);
    }

    @Override
    public boolean touch(String id) {
        return there().touch(id);
    }

    @Override
    public boolean update(String id, Changes changes) {
        boolean done = there().update(id, changes);
        if (mute) {
            throw new Fault.StorageUnavailable("mute as scripted");
        }
        return done;
    }

    @Override
    public boolean upsert(String id, Map<String, String> record) {
        return there().upsert(id, record);
    }

    @Override
    public void delete(String id) {
        there().delete(id);
    }
}
