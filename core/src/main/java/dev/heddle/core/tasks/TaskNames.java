package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;

/**
 * The names under which clients know the tasks of backends. Whoever knows a task's own id may use
 * it at its backend, so that a name is good for its owner only: it holds the backend and the id,
 * and a code over these and the owner. The same task has the same name each time, wherever there is
 * the same vault. Thread-safe.
 */
public final class TaskNames {
    private static final char BETWEEN = '~';

    /** A task as its backend knows it. */
    public record Task(BackendId backend, String id) {}

    private final Vault vault;

    /** Names that can be made only with {@code vault}. */
    public TaskNames(Vault vault) {
        this.vault = vault;
    }

    /** The name of a task for {@code owner}. */
    String name(Task task, String owner) {
        return task.backend().value()
                + BETWEEN
                + codes(task, owner).getFirst()
                + BETWEEN
                + task.id();
    }

    /**
     * The task that {@code owner} knows as {@code name}.
     *
     * @throws Fault.InvalidParams if there is none
     */
    Task find(String name, String owner) {
        int first = name.indexOf(BETWEEN);
        int second = name.indexOf(BETWEEN, first + 1);
        if (first > 0 && second > 0) {
            try {
                var backend = new BackendId(name.substring(0, first));
                var task = new Task(backend, name.substring(second + 1));
                var code = name.substring(first + 1, second);
                if (codes(task, owner).stream().anyMatch(one -> isSame(code, one))) {
                    return task;
                }
            } catch (IllegalArgumentException foreign) {
                // falls through to the one refusal
            }
        }
        throw new Fault.InvalidParams("params.taskId: found no task called '" + name + "'");
    }

    private static boolean isSame(String one, String other) {
        return MessageDigest.isEqual(
                one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
    }

    private List<String> codes(Task task, String owner) {
        return vault.names("task\0" + task.backend().value() + '\0' + owner + '\0' + task.id());
    }
}
