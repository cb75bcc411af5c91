package dev.heddle.core.tasks;

import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.protocol.Json;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * Results of calls that were to be tasks and of which the server made none: kept for a while under
 * the names of tasks that have ended. Thread-safe.
 */
final class DirectResults {
    private static final int MOST = 100;
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private record Kept(Json task, Json result) {}

    private final Alarms alarms;
    private final BoundedMap<String, Kept> kept = new BoundedMap<>(MOST);

    DirectResults(Alarms alarms) {
        this.alarms = alarms;
    }

    /**
     * Keeps {@code result}. Returns the task as it is when it begins.
     *
     * @param wish what the client wants of the task
     */
    Json keep(Json result, Json wish) {
        var id = UUID.randomUUID().toString();
        long longest = LONGEST.toMillis();
        long millis =
                wish.get("ttl")
                        .map(ttl -> Math.clamp(ttl.integer().orElse(longest), 0, longest))
                        .orElse(longest);
        var begun = Json.of(Instant.now().toString());
        var task =
                Json.object(
                        members ->
                                members.put(TaskForms.ID, id)
                                        .put(TaskForms.STATUS, TaskForms.WORKING)
                                        .put("createdAt", begun)
                                        .put("lastUpdatedAt", begun)
                                        .put("ttl", millis)
                                        .put("pollInterval", 50));
        boolean failed = result.get("isError").filter(Json::isTrue).isPresent();
        var ended = failed ? TaskForms.FAILED : TaskForms.COMPLETED;
        kept.put(
                id,
                new Kept(
                        task.with(TaskForms.STATUS, Json.of(ended)),
                        TaskForms.related(result, id)));
        alarms.after(Duration.ofMillis(millis), () -> kept.remove(id));
        return task;
    }

    /** The task called {@code id}, if it is one of these. */
    Optional<Json> task(String id) {
        return kept.get(id).map(Kept::task);
    }

    /** What the task called {@code id} has come to, if it is one of these. */
    Optional<Json> result(String id) {
        return kept.get(id).map(Kept::result);
    }
}
