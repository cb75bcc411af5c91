package dev.heddle.testkit;

import dev.heddle.core.session.SessionStorage;

import java.util.Map;
import java.util.Optional;

/** A store that is another one until a test says otherwise. */
public abstract class WrappedStorage implements SessionStorage {
    private final SessionStorage next;

    protected WrappedStorage(SessionStorage next) {
        this.next = next;
    }

    /** What keeps the records, whenever it is asked about one. */
    protected SessionStorage records() {
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
    public boolean create(String id, Map<String, String> record) {
        return records().create(id, record);
    }

    @Override
    public Optional<Map<String, String>> load(String id) {
        return records().load(id);
    }

    @Override
    public boolean touch(String id) {
        return records().touch(id);
    }

    @Override
    public boolean update(String id, Changes changes) {
        return records().update(id, changes);
    }

    @Override
    public boolean upsert(String id, Map<String, String> record) {
        return records().upsert(id, record);
    }

    @Override
    public void delete(String id) {
        records().delete(id);
    }
}
