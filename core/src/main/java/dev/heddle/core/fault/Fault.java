package dev.heddle.core.fault;

import dev.heddle.protocol.Json;

import java.io.Serial;
import java.time.Duration;

/**
 * An expected failure: one that its caller can be told.
 *
 * <p>Every other exception is a bug. A message says what was found and what was expected, and never
 * holds a secret.
 */
public abstract sealed class Fault extends RuntimeException {
    @Serial private static final long serialVersionUID = 1L;

    private final String message;

    private Fault(String message) {
        super(message, null, false, false);
        this.message = message;
    }

    /** What was found and what was expected, in words that may be shown to the caller. */
    @Override
    public String getMessage() {
        return message;
    }

    /** Any operation on a session after its end. */
    public static final class SessionClosed extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public SessionClosed() {
            super("session is closed");
        }
    }

    /** The session id is unknown, has expired or was terminated. */
    public static final class SessionNotFound extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public SessionNotFound() {
            super("session not found");
        }
    }

    /** The surface of this session has no such tool. */
    public static final class ToolNotFound extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public ToolNotFound(String name) {
            super("tool '" + name + "' not found");
        }
    }

    /** The surface of this session has no such resource. */
    public static final class ResourceNotFound extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        private final String uri;

        public ResourceNotFound(String uri) {
            super("resource '" + uri + "' not found");
            this.uri = uri;
        }

        public String uri() {
            return uri;
        }
    }

    /** The surface of this session has no such prompt. */
    public static final class PromptNotFound extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public PromptNotFound(String name) {
            super("prompt '" + name + "' not found");
        }
    }

    /** A route leads to a backend that this session has no conversation with. */
    public static final class NoBackendClient extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public NoBackendClient(String backend) {
            super("no client available for backend '" + backend + "'");
        }
    }

    /** The caller is not the owner of the session. */
    public static final class UnauthorizedCaller extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public UnauthorizedCaller() {
            super("caller identity does not match session owner");
        }
    }

    /** A session that has an owner was called by nobody. */
    public static final class NilCaller extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public NilCaller() {
            super("caller identity is required for bound sessions");
        }
    }

    /** A session whose owner cannot be told from its record. */
    public static final class SessionOwnerUnknown extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public SessionOwnerUnknown() {
            super("session has no bound identity");
        }
    }

    /** Text that is not the binding of a session to its owner. */
    public static final class InvalidBinding extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public InvalidBinding(String message) {
            super("invalid identity binding: " + message);
        }
    }

    /** A backend could not be asked, or did not answer. */
    public static final class BackendFailed extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        /** Why there is no answer. */
        public enum Reason {
            /** No connection could be made. */
            UNREACHABLE,
            /** The connection ended before the answer. */
            DISCONNECTED,
            /** The answer did not come in time. */
            TIMEOUT,
            /** The gateway's credentials were refused. */
            AUTHENTICATION,
            /** What came back is not MCP. */
            GARBAGE,
            /** The backend's session is gone; the request was not run. */
            SESSION_GONE,
            /** Recent failures say that asking is not worth it now; nothing was sent. */
            UNHEALTHY,
            /** A configured limit was reached; nothing was sent. */
            LIMIT,
            /** The gateway itself has ended the conversation. */
            CLOSED,
            /** Another process of the gateway holds the conversation; nothing was sent. */
            ELSEWHERE,
            /** What the backend remembered is gone; the request was not run. */
            STATE_LOST
        }

        private final String backend;
        private final String detail;
        private final Reason reason;
        private final boolean mayHaveRun;

        /** A failure whose request may or may not have been carried out. */
        public BackendFailed(String backend, Reason reason, String detail, boolean mayHaveRun) {
            super(
                    "backend '"
                            + backend
                            + "' "
                            + detail
                            + (mayHaveRun ? "; the request may have been carried out" : ""));
            this.backend = backend;
            this.detail = detail;
            this.reason = reason;
            this.mayHaveRun = mayHaveRun;
        }

        /** A failure before anything was sent. */
        public static BackendFailed notSent(String backend, Reason reason, String detail) {
            return new BackendFailed(backend, reason, detail, false);
        }

        /** The same failure for a request that was waiting to be sent when it happened. */
        public BackendFailed beforeSending() {
            return mayHaveRun ? new BackendFailed(backend, reason, detail, false) : this;
        }

        public String backend() {
            return backend;
        }

        public Reason reason() {
            return reason;
        }

        /** Whether the backend may have carried out the request. */
        public boolean mayHaveRun() {
            return mayHaveRun;
        }
    }

    /** A backend answered with a JSON-RPC error of its own. */
    public static final class ErrorReply extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        private final transient Json error;

        public ErrorReply(Json error) {
            super(error.text("message").orElse("error without a message"));
            this.error = error;
        }

        /** The error object as it was sent. */
        public Json error() {
            return error;
        }
    }

    /** The message is JSON-RPC but not a legal message here. */
    public static final class InvalidRequest extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public InvalidRequest(String message) {
            super(message);
        }
    }

    /** The parameters do not fit the method. */
    public static final class InvalidParams extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public InvalidParams(String message) {
            super(message);
        }
    }

    /** Nobody here serves this method. */
    public static final class MethodNotFound extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public MethodNotFound(String method) {
            super("method '" + method + "' not found");
        }
    }

    /** The caller has said that it does not want the reply any more. */
    public static final class Cancelled extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public Cancelled() {
            super("request was cancelled");
        }
    }

    /** The store of session records cannot be asked now. Nothing was lost. */
    public static final class StorageUnavailable extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public StorageUnavailable(String message) {
            super("session storage is unavailable: " + message);
        }
    }

    /**
     * The session goes on at another process: this one is about to end, or does not hold any more
     * what cannot move of it. Nothing was sent.
     */
    public static final class SessionMoved extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        public SessionMoved() {
            super("the session goes on elsewhere since a moment ago; the request was not run");
        }
    }

    /** A newcomer is refused because a limit has been reached. */
    public static final class LimitReached extends Fault {
        @Serial private static final long serialVersionUID = 1L;

        private final Duration retryAfter;

        public LimitReached(String message, Duration retryAfter) {
            super(message);
            this.retryAfter = retryAfter;
        }

        public Duration retryAfter() {
            return retryAfter;
        }
    }
}
