package dev.heddle.transport.connect;

import java.util.HashMap;
import java.util.Map;

/**
 * What came in the moment in which one stream took over from another: what only the older was told
 * is told, and what both were told is told once. Not thread-safe.
 */
final class Handover {
    private final Map<String, Integer> older = new HashMap<>();
    private final Map<String, Integer> newer = new HashMap<>();
    private final Map<String, Integer> told = new HashMap<>();

    /**
     * Counts a message. Returns whether it has not been told yet.
     *
     * @param onNewer whether it came on the newer stream
     * @param what equal for messages that say the same
     */
    boolean isNew(boolean onNewer, String what) {
        int times = (onNewer ? newer : older).merge(what, 1, Integer::sum);
        boolean isNew = times > told.getOrDefault(what, 0);
        if (isNew) {
            told.put(what, times);
        }
        return isNew;
    }
}
