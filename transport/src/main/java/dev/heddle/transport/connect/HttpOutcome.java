package dev.heddle.transport.connect;

import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Malformed;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

import javax.net.ssl.SSLException;

/** What HTTP says when it does not carry a JSON-RPC answer, in the words of the domain. */
final class HttpOutcome {
    /** With these servers say what came of a request, whatever the status. */
    private static final Set<Long> ANSWER_CODES =
            Set.of(
                    (long) ErrorCode.METHOD_NOT_FOUND,
                    (long) ErrorCode.INVALID_PARAMS,
                    (long) ErrorCode.RESOURCE_NOT_FOUND);

    /** With these servers say that they know no such session. */
    private static final Set<Long> SESSION_CODES =
            Set.of((long) ErrorCode.INVALID_REQUEST, -32000L, -32001L);

    private HttpOutcome() {}

    /**
     * What a status other than 2xx means for a request that was sent in a session.
     *
     * @param inSession whether the request named a session
     */
    static Fault.BackendFailed status(String backend, int status, String body, boolean inSession) {
        boolean over =
                status == 404
                        || (isSessionRefusal(status) && mentionsSession(body))
                        || error(body).filter(HttpOutcome::isOtherEra).isPresent();
        if (inSession && over) {
            return Fault.BackendFailed.notSent(
                    backend, Reason.SESSION_GONE, "has forgotten the session");
        }
        return switch (status) {
            case 401, 403 ->
                    Fault.BackendFailed.notSent(
                            backend,
                            Reason.AUTHENTICATION,
                            "refused the gateway's credentials (HTTP " + status + ")");
            case 429 ->
                    Fault.BackendFailed.notSent(
                            backend, Reason.LIMIT, "takes no more requests now (HTTP 429)");
            case 404, 405 ->
                    Fault.BackendFailed.notSent(
                            backend,
                            Reason.GARBAGE,
                            "has no MCP endpoint there (HTTP " + status + ")");
            case 408, 502, 503, 504 ->
                    new Fault.BackendFailed(
                            backend,
                            Reason.UNREACHABLE,
                            "is not available (HTTP " + status + ")",
                            true);
            default ->
                    new Fault.BackendFailed(
                            backend,
                            Reason.GARBAGE,
                            "answered HTTP " + status + " (expected: 200)",
                            status >= 500);
        };
    }

    /** Some servers say so when they mean 404. */
    private static boolean isSessionRefusal(int status) {
        return status == 400 || status == 401;
    }

    /**
     * Whether an error that answers a request says that there is no such session, or no sessions at
     * all, and not what came of the request.
     */
    static boolean isOver(int status, Envelope error, String body) {
        return isOtherEra(error)
                || (status == 404 && !ANSWER_CODES.contains(error.errorCode()))
                || (isSessionRefusal(status)
                        && SESSION_CODES.contains(error.errorCode())
                        && mentionsSession(body));
    }

    private static boolean isOtherEra(Envelope error) {
        return error.errorCode() == ErrorCode.UNSUPPORTED_VERSION;
    }

    private static boolean mentionsSession(String body) {
        return body.toLowerCase(Locale.ROOT).contains("session");
    }

    /** The JSON-RPC error that {@code body} is, if it is one. */
    static Optional<Envelope> error(String body) {
        try {
            return Optional.of(Envelope.parse(body.getBytes(StandardCharsets.UTF_8)))
                    .filter(message -> message.error().isPresent());
        } catch (Malformed notOne) {
            return Optional.empty();
        }
    }

    /** What a broken connection means. */
    static Fault.BackendFailed broken(String backend, Throwable why, boolean mayHaveArrived) {
        if (why instanceof StreamRefused) {
            return Fault.BackendFailed.notSent(
                    backend, Reason.LIMIT, "takes no more requests at once");
        }
        if (!mayHaveArrived) {
            return Fault.BackendFailed.notSent(
                    backend, Reason.UNREACHABLE, "cannot be reached: " + describe(why));
        }
        return new Fault.BackendFailed(
                backend, Reason.DISCONNECTED, "closed the connection before it had answered", true);
    }

    private static String describe(Throwable why) {
        return switch (why) {
            case ConnectException _ -> "connection refused";
            case UnknownHostException _ -> "unknown host";
            case SSLException _ -> "TLS failed";
            case IOException _ -> "connection failed";
            default -> why.getClass().getSimpleName();
        };
    }
}
