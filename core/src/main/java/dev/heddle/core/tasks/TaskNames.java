package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;

/**
 * The names under which clients know the tasks of backends. Whoever knows a task's own id may use
 * it at its backend, so that a name is good for its owner only: it holds the backend and the id,
 * and a code over these and the owner. The same task has the same name each time, wherever there is
 * the same vault. One that only this process can ask after has a name that leads here. Thread-safe.
 */
public final class TaskNames {
    private static final char BETWEEN = '~';
    private static final char PLACE = '.';
    private static final String BINDING = "place of tasks";

    /** A task as its backend knows it. */
    public record Task(BackendId backend, String id) {}

    private final Vault vault;
    private final String place; // what leads here, if others reach this process

    /**
     * Names that can be made only with {@code vault}.
     *
     * @param self what other processes hand requests to this one by, if they do
     */
    public TaskNames(Vault vault, Optional<String> self) {
        this.vault = vault;
        this.place = self.map(text -> PLACE + vault.seal(text, BINDING)).orElse("");
    }

    /**
     * The name of a task for {@code owner}.
     *
     * @param here whether only this process can ask after it
     */
    String name(Task task, String owner, boolean here) {
        return task.backend().value()
                + BETWEEN
                + codes(task, owner).getFirst()
                + (here ? place : "")
                + BETWEEN
                + task.id();
    }

    /** What the only process that can ask after the task {@code name} is reached by, if one is. */
    public Optional<String> home(String name) {
        int begin = name.indexOf(PLACE, Math.max(0, name.indexOf(BETWEEN)));
        int end = name.indexOf(BETWEEN, begin + 1);
        return begin < 0 || end < 0 || end != secondOf(name)
                ? Optional.empty()
                : vault.open(name.substring(begin + 1, end), BINDING);
    }

    private static int secondOf(String name) {
        return name.indexOf(BETWEEN, name.indexOf(BETWEEN) + 1);
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
                var code = withoutPlace(name.substring(first + 1, second));
                if (codes(task, owner).stream().anyMatch(one -> isSame(code, one))) {
                    return task;
                }
            } catch (IllegalArgumentException foreign) {
                // falls through to the one refusal
            }
        }
        throw new Fault.InvalidParams("params.taskId: found no task called '" + name + "'");
    }

    private static String withoutPlace(String code) {
        int end = code.indexOf(PLACE);
        return end < 0 ? code : code.substring(0, end);
    }

    private static boolean isSame(String one, String other) {
        return MessageDigest.isEqual(
                one.getBytes(StandardCharsets.UTF_8), other.getBytes(StandardCharsets.UTF_8));
    }

    private List<String> codes(Task task, String owner) {
        return vault.names("task\0" + task.backend().value() + '\0' + owner + '\0' + task.id());
    }
}
