package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;

import java.time.Duration;

/** Why calls end that have reached their backend, and so may have run there. */
final class EndedCalls {
    private EndedCalls() {}

    static Fault silent(BackendId backend, Duration limit) {
        return failed(
                backend, Reason.TIMEOUT, "gave no sign of life for " + limit.toMillis() + " ms");
    }

    /** Says nothing about the backend, which was not read from meanwhile. */
    static Fault notTaken(BackendId backend, Duration limit) {
        return failed(
                backend,
                Reason.LIMIT,
                "was left, since the client took nothing for " + limit.toMillis() + " ms");
    }

    static Fault brokenOff(BackendId backend) {
        return failed(backend, Reason.DISCONNECTED, "broke off in its result");
    }

    /** A client must not take this for a call that was never made. */
    static Fault abandoned(BackendId backend) {
        return failed(backend, Reason.CLOSED, "had not answered when the session ended");
    }

    private static Fault failed(BackendId backend, Reason reason, String what) {
        return new Fault.BackendFailed(backend.value(), reason, what, true);
    }
}
