package dev.heddle.core.session;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.SessionStorage.Changes;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The process where all is that cannot move of a session: programs that run for it, and
 * conversations over HTTP+SSE. The others hand it what leads there. Thread-safe.
 */
final class Home {
    private static final int TRIES = 5;
    private static final char BETWEEN = ' ';

    private final SessionRecord record;
    private final String self; // as it is noted; empty if others cannot reach this process
    private volatile String noted = "";
    private volatile String missed = ""; // what was noted and could not be reached

    /**
     * @param self what others reach this process by, if they can
     */
    Home(SessionRecord record, Optional<String> self) {
        this.record = record;
        this.self = self.orElse("");
    }

    /** Where the home is, if that is another process which is there. Never blocks. */
    Optional<String> elsewhere() {
        var known = noted;
        return self.isEmpty() || isFree(known) || known.equals(self)
                ? Optional.empty()
                : Optional.of(known);
    }

    private boolean isFree(String home) {
        return home.isEmpty()
                || home.equals(missed)
                || !record.isAlive(home.substring(0, Math.max(0, home.indexOf(BETWEEN))));
    }

    /** Whether it is this process. */
    boolean isHere() {
        return !self.isEmpty() && noted.equals(self);
    }

    /** What is noted. */
    Map<String, String> metadata() {
        var known = noted;
        return known.isEmpty() ? Map.of() : Map.of(Metadata.HOME, known);
    }

    /**
     * Goes by {@code known}, what is noted. Returns whether it was this process until now. May
     * block.
     */
    boolean catchUp(Map<String, String> known) {
        boolean before = isHere();
        var next = known.getOrDefault(Metadata.HOME, "");
        if (before && !next.equals(self) && isFree(next) && noteAgain(next)) {
            return false;
        }
        noted = next;
        return before && !isHere();
    }

    /** The store may have been away, or have lost everything. Returns whether that is mended. */
    private boolean noteAgain(String instead) {
        try {
            return record.update(home(self).where(Metadata.HOME, instead)) || isNotedHere();
        } catch (Fault.StorageUnavailable away) {
            return true;
        }
    }

    /** The process {@code home} could not be reached: it counts as gone. Never blocks. */
    void missed(String home) {
        missed = home;
    }

    /** Makes this process the home unless another one is. Returns whether it is. May block. */
    boolean claim() {
        if (self.isEmpty() || isHere()) {
            return true;
        }
        try {
            for (int i = 0; i < TRIES; i++) {
                var known = record.load().map(all -> all.getOrDefault(Metadata.HOME, ""));
                noted = known.orElse("");
                if (known.isEmpty() || noted.equals(self)) {
                    return true; // of a session that has ended, nothing is noted
                } else if (!isFree(noted)) {
                    return false;
                } else if (record.update(home(self).where(Metadata.HOME, noted))) {
                    noted = self;
                    return true;
                }
            }
            return false;
        } catch (Fault.StorageUnavailable away) {
            return isFree(noted) && claimUnnoted();
        }
    }

    /** While the store is away, nobody else can be told; that is done when it is back. */
    private boolean claimUnnoted() {
        noted = self;
        record.late();
        return true;
    }

    /** What was read may be older than what this process has noted since. */
    private boolean isNotedHere() {
        return record.load().filter(all -> self.equals(all.get(Metadata.HOME))).isPresent();
    }

    private static Changes home(String self) {
        return Changes.set(Map.of(Metadata.HOME, self));
    }

    /** Leaves that to others, if it was this process. May block. */
    void leave() {
        if (isHere()) {
            var changes = new Changes(Map.of(), Set.of(Metadata.HOME));
            record.note(changes.where(Metadata.HOME, self));
            noted = "";
        }
    }
}
