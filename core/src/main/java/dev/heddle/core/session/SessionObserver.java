package dev.heddle.core.session;

import dev.heddle.core.backend.BackendId;

import java.time.Duration;
import java.util.Locale;

/** Hears what happens in sessions, to count it. Calls come from any thread and must not block. */
public interface SessionObserver {
    /** Hears nothing. */
    SessionObserver NONE =
            new SessionObserver() {
                @Override
                public void sessionOpened() {}

                @Override
                public void sessionClosed() {}

                @Override
                public void backendSessionOpened(BackendId backend) {}

                @Override
                public void backendSessionClosed(BackendId backend) {}

                @Override
                public void callEnded(
                        BackendId backend, String method, Outcome outcome, Duration took) {}
            };

    /** How a call ended. */
    enum Outcome {
        /** With a result. */
        RESULT,
        /** With an error of the backend. */
        ERROR,
        /** Without a reply of the backend. */
        FAILED,
        CANCELLED;

        /** The word that metrics use. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    void sessionOpened();

    void sessionClosed();

    void backendSessionOpened(BackendId backend);

    void backendSessionClosed(BackendId backend);

    /**
     * A call that was meant for {@code backend} has ended. {@code method} is one of the gateway's
     * known methods.
     */
    void callEnded(BackendId backend, String method, Outcome outcome, Duration took);
}
