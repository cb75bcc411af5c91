package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Interner;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;

/**
 * Asks a server whether it does without sessions, and what it can do (MCP 2026-07-28, Discovery;
 * Versioning, Backward compatibility). Blocks; thread-safe.
 */
final class Discovery {
    private static final Duration LONGEST = Duration.ofSeconds(5);

    /** What a server turned out to be. */
    sealed interface Finding {
        /** One that does without sessions. */
        record Stateless(Introduction introduction) implements Finding {}

        /** One that has never heard the question. */
        record Sessions() implements Finding {}

        /** It could not be told. */
        record Unclear() implements Finding {}
    }

    private final Ids ids;
    private final Interner<Introduction> introductions = new Interner<>();

    Discovery(Ids ids) {
        this.ids = ids;
    }

    /** How long a server is waited for. */
    static Duration patience(Backend backend) {
        var half = backend.limits().open().dividedBy(2);
        return half.compareTo(LONGEST) < 0 ? half : LONGEST;
    }

    /** Asks the server at the other end of {@code wire}. */
    Finding ask(StatelessWire wire, ClientProfile profile, Duration patience) {
        try {
            return found(result(wire, profile, patience));
        } catch (Fault.ErrorReply refused) {
            return speaksOurs(refused.error())
                    ? askAgain(wire, profile, patience)
                    : new Finding.Sessions();
        } catch (MalformedJson e) {
            return new Finding.Sessions();
        } catch (Fault.BackendFailed failed) {
            return switch (failed.reason()) {
                case GARBAGE ->
                        failed.mayHaveRun() ? new Finding.Unclear() : new Finding.Sessions();
                case UNREACHABLE, DISCONNECTED, TIMEOUT, AUTHENTICATION -> new Finding.Unclear();
                case SESSION_GONE, UNHEALTHY, LIMIT, CLOSED -> new Finding.Unclear();
                case ELSEWHERE, STATE_LOST -> new Finding.Unclear();
            };
        }
    }

    /** A server may have to be asked once more in a revision that it names. */
    private Finding askAgain(StatelessWire wire, ClientProfile profile, Duration patience) {
        try {
            return found(result(wire, profile, patience));
        } catch (Fault | MalformedJson refused) {
            return new Finding.Unclear();
        }
    }

    private static boolean speaksOurs(Json error) {
        boolean version =
                error.get("code")
                        .filter(Json.of(ErrorCode.UNSUPPORTED_VERSION)::equals)
                        .isPresent();
        return version && error.get("data").filter(data -> names(data, "supported")).isPresent();
    }

    private static boolean names(Json object, String list) {
        return object.get(list)
                .filter(versions -> versions.elements().contains(Json.of(spoken())))
                .isPresent();
    }

    private static String spoken() {
        return Revision.STATELESS.text();
    }

    private Finding found(Json result) {
        if (!names(result, "supportedVersions")) {
            return new Finding.Sessions();
        }
        var info =
                result.get("_meta")
                        .flatMap(meta -> meta.get(MetaKey.SERVER_INFO))
                        .or(() -> result.get("serverInfo"))
                        .orElse(Json.EMPTY_OBJECT);
        return new Finding.Stateless(
                introductions.intern(
                        new Introduction(
                                Revision.STATELESS,
                                result.get("capabilities").orElse(Json.EMPTY_OBJECT).detached(),
                                info.detached(),
                                result.text("instructions"))));
    }

    private Json result(StatelessWire wire, ClientProfile profile, Duration patience) {
        long id = ids.next();
        var request =
                Hop.of(profile)
                        .on(
                                Spliced.of(
                                        JsonRpc.request(
                                                Json.of(id), Method.DISCOVER, Json.EMPTY_OBJECT)),
                                Optional.empty());
        var call = new BlockingCall();
        wire.send(id, request, Hop.headers(request, Optional.empty()), call);
        return call.await(patience)
                .orElseThrow(
                        () -> {
                            wire.cancel(id, "timeout");
                            return Fault.BackendFailed.notSent(
                                    "", Fault.BackendFailed.Reason.TIMEOUT, "did not answer");
                        });
    }
}
