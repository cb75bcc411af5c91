package dev.heddle.core.tasks;

import dev.heddle.protocol.Json;
import dev.heddle.protocol.MetaKey;

import java.time.Duration;
import java.util.Optional;

/**
 * A task as the two kinds of tasks describe it: that of clients and servers with sessions (MCP
 * 2025-11-25, Tasks), and that of the extension for those without.
 */
final class TaskForms {
    static final String ID = "taskId";
    static final String STATUS = "status";
    static final String WORKING = "working";
    static final String INPUT_REQUIRED = "input_required";
    static final String COMPLETED = "completed";
    static final String FAILED = "failed";
    static final String CANCELLED = "cancelled";

    private static final Duration USUAL = Duration.ofSeconds(1);
    private static final Duration SHORTEST = Duration.ofMillis(50);
    private static final Duration LONGEST = Duration.ofSeconds(30);

    private TaskForms() {}

    /** Whether nothing more happens to a task in {@code status}. */
    static boolean isOver(String status) {
        return switch (status) {
            case COMPLETED, FAILED, CANCELLED -> true;
            default -> false;
        };
    }

    static String status(Json task) {
        return task.text(STATUS).orElse("");
    }

    /** The parameters of a request about the task {@code id}. */
    static Json params(String id) {
        return Json.object(params -> params.put(ID, id));
    }

    /** How long whoever asks after a task is to wait between two times. */
    static Duration pause(Json task) {
        long millis =
                task.get("pollIntervalMs")
                        .or(() -> task.get("pollInterval"))
                        .map(value -> value.integer().orElse(USUAL.toMillis()))
                        .orElse(USUAL.toMillis());
        return Duration.ofMillis(Math.clamp(millis, SHORTEST.toMillis(), LONGEST.toMillis()));
    }

    /** The bare state of a task of a server with sessions, as the extension describes it. */
    static Json ofExtension(Json task) {
        var renamed = renamed(task, "pollInterval", "pollIntervalMs");
        return withoutRelation(
                renamed.without("ttl").with("ttlMs", renamed.get("ttl").orElse(Json.NULL)));
    }

    /** The bare state of a task of the extension, as clients with sessions know it. */
    static Json ofSessions(Json task) {
        var bare = task.without("resultType").without("inputRequests").without("error");
        var failed = task.get("result").flatMap(result -> result.get("isError"));
        var status = failed.filter(Json::isTrue).isPresent() ? FAILED : status(task);
        var renamed = renamed(withoutHop(bare.without("result")), "pollIntervalMs", "pollInterval");
        return renamed.without("ttlMs")
                .with("ttl", renamed.get("ttlMs").orElse(Json.NULL))
                .with(STATUS, Json.of(status));
    }

    private static Json withoutHop(Json task) {
        var meta = task.get("_meta").filter(Json::isObject);
        if (meta.isEmpty()) {
            return task;
        }
        var left = meta.get();
        for (var key : left.members().keySet()) {
            left = MetaKey.isOfHop(key) ? left.without(key) : left;
        }
        return left.members().isEmpty() ? task.without("_meta") : task.with("_meta", left);
    }

    private static Json renamed(Json task, String from, String to) {
        return task.get(from).map(value -> task.without(from).with(to, value)).orElse(task);
    }

    /** {@code object} with the word that it belongs to the task {@code id}. */
    static Json related(Json object, String id) {
        var meta = object.get("_meta").filter(Json::isObject).orElse(Json.EMPTY_OBJECT);
        return object.with("_meta", meta.with(MetaKey.RELATED_TASK, params(id)));
    }

    /** {@code object} without the word to which task it belongs. */
    static Json withoutRelation(Json object) {
        var meta = object.get("_meta").filter(Json::isObject);
        if (meta.isEmpty() || meta.get().get(MetaKey.RELATED_TASK).isEmpty()) {
            return object;
        }
        var left = meta.get().without(MetaKey.RELATED_TASK);
        return left.members().isEmpty() ? object.without("_meta") : object.with("_meta", left);
    }

    /** The task to which a request or a notification says that it belongs. */
    static Optional<String> relation(Json params) {
        return params.get("_meta")
                .flatMap(meta -> meta.get(MetaKey.RELATED_TASK))
                .flatMap(related -> related.text(ID));
    }
}
