package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The names under which clients know the tasks of backends. Whoever knows a task's own id may use
 * it at its backend, so that a name is good for its owner only: it holds the backend and the id,
 * and a code over these and the owner. The same task has the same name each time. Good in this
 * process. Thread-safe.
 */
public final class TaskNames {
    private static final String ALGORITHM = "HmacSHA256";
    private static final int KEY_BYTES = 32;
    private static final int CODE_BYTES = 16;
    private static final char BETWEEN = '~';

    /** A task as its backend knows it. */
    public record Task(BackendId backend, String id) {}

    private final SecretKeySpec key;

    /** Names that nobody else can make. */
    public TaskNames() {
        var bytes = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(bytes);
        this.key = new SecretKeySpec(bytes, ALGORITHM);
    }

    /** The name of a task for {@code owner}. */
    String name(Task task, String owner) {
        return task.backend().value() + BETWEEN + code(task, owner) + BETWEEN + task.id();
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
                if (isSame(name.substring(first + 1, second), code(task, owner))) {
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

    private String code(Task task, String owner) {
        try {
            var mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update((task.backend().value() + '\0').getBytes(StandardCharsets.UTF_8));
            mac.update((owner + '\0').getBytes(StandardCharsets.UTF_8));
            var whole = mac.doFinal(task.id().getBytes(StandardCharsets.UTF_8));
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString(Arrays.copyOf(whole, CODE_BYTES));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot name a task", e);
        }
    }
}
