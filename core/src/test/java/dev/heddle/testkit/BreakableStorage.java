package dev.heddle.testkit;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage;

/** A store that a test can take away. */
public final class BreakableStorage extends WrappedStorage {
    private volatile boolean away;
    private volatile boolean mute;
    private volatile boolean justBack;

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
        boolean done = super.update(id, changes);
        if (mute) {
            throw new Fault.StorageUnavailable("mute as scripted");
        }
        return done;
    }
}
