package dev.heddle.testkit;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage;

/** A store that a test can take away. */
public final class BreakableStorage extends WrappedStorage {
    private volatile boolean away;
    private volatile boolean mute;
    private volatile boolean justBack;
    private volatile boolean repeating;
    private volatile Runnable beforeUpdate = () -> {};

    public BreakableStorage(SessionStorage next) {
        super(next);
    }

    public void away(boolean is) {
        away = is;
    }

    /** Whether what is asked for is done, and no answer comes. */
    public void mute(boolean is) {
        mute = is;
    }

    /**
     * Whether each question reaches the store twice, and the second answer is the one that comes.
     */
    public void repeating(boolean is) {
        repeating = is;
    }

    /** Runs {@code task} before each change of a record. */
    public void beforeUpdates(Runnable task) {
        beforeUpdate = task;
    }

    public void justBack(boolean is) {
        justBack = is;
    }

    @Override
    protected SessionStorage records() {
        if (away) {
            throw new Fault.StorageUnavailable("away as scripted");
        }
        return super.records();
    }

    @Override
    public boolean isJustBack() {
        return justBack;
    }

    @Override
    public boolean update(String id, Changes changes) {
        beforeUpdate.run();
        boolean done = super.update(id, changes);
        if (repeating) {
            done = super.update(id, changes);
        }
        if (mute) {
            throw new Fault.StorageUnavailable("mute as scripted");
        }
        return done;
    }
}
