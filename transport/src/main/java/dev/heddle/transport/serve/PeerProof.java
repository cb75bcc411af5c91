package dev.heddle.transport.serve;

import dev.heddle.core.sealing.Vault;

import io.netty.handler.codec.http.HttpRequest;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HexFormat;

/** What shows that a request comes from another process of this gateway. Thread-safe. */
record PeerProof(Vault vault, InstantSource clock) {
    /** How long a proof is good, either way, since clocks differ. */
    private static final Duration GOOD = Duration.ofMinutes(1);

    /** A proof for a request to the process {@code node}. */
    String of(String node, HttpRequest head, byte[] body) {
        return vault.seal(Long.toString(clock.millis()), binding(node, head, body));
    }

    /** Whether a request to the process {@code node} has one that is good. */
    boolean isGood(String node, HttpRequest head, byte[] body) {
        var shown = head.headers().get(Peers.PROOF_HEADER, "");
        return vault.open(shown, binding(node, head, body))
                .filter(made -> Math.abs(clock.millis() - Long.parseLong(made)) < GOOD.toMillis())
                .isPresent();
    }

    private static String binding(String node, HttpRequest head, byte[] body) {
        try {
            var digest =
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
            var session =
                    SseFront.target(head)
                            .orElseGet(() -> head.headers().get(McpEndpoint.SESSION_HEADER, ""));
            return "peer " + node + ' ' + head.method().name() + ' ' + digest + ' ' + session;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("cannot bind a proof to a request", e);
        }
    }
}
