package dev.heddle.transport.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.sealing.Vault;

import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;

class PeerProofTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final String SECRET = "a secret of at least thirty-two characters";
    private static final String OLDER = "another one that has as many characters too";
    private static final byte[] BODY = "{\"id\":1}".getBytes(StandardCharsets.UTF_8);
    private static final byte[] OTHER_BODY = "{\"id\":2}".getBytes(StandardCharsets.UTF_8);

    private final PeerProof sender = proof(Duration.ZERO, SECRET);

    /** What a node has whose clock is {@code ahead}. */
    private static PeerProof proof(Duration ahead, String... secrets) {
        return new PeerProof(Vault.of(List.of(secrets)), InstantSource.fixed(NOW.plus(ahead)));
    }

    private static HttpRequest request(HttpMethod method, String target, String session) {
        var head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, method, target);
        if (!session.isEmpty()) {
            head.headers().set(McpEndpoint.SESSION_HEADER, session);
        }
        return head;
    }

    private static HttpRequest inSession(String session) {
        return request(HttpMethod.POST, "/", session);
    }

    private static HttpRequest toStream(String name) {
        return request(HttpMethod.POST, "/sse?sessionId=" + name, "");
    }

    private static boolean isGood(PeerProof receiver, String proof, HttpRequest head, byte[] body) {
        head.headers().set(Peers.PROOF_HEADER, proof);
        return receiver.isGood("b", head, body);
    }

    private boolean isGood(String proof, HttpRequest head, byte[] body) {
        return isGood(sender, proof, head, body);
    }

    private String made() {
        return sender.of("b", inSession("s"), BODY);
    }

    @Test
    void a_proof_is_good_for_what_it_was_made_for() {
        assertThat(isGood(made(), inSession("s"), BODY)).isTrue();
        var stream = sender.of("b", toStream("x"), BODY);
        assertThat(isGood(stream, toStream("x"), BODY)).isTrue();
        var none = sender.of("b", inSession(""), BODY);
        assertThat(isGood(none, inSession(""), BODY)).isTrue();
    }

    @Test
    void the_path_of_the_endpoint_is_no_part_of_it_since_the_nodes_have_their_own() {
        var proof = sender.of("b", request(HttpMethod.POST, "/mcp", "s"), BODY);
        assertThat(isGood(proof, inSession("s"), BODY)).isTrue();
    }

    @Test
    void it_is_good_for_no_other_node() {
        var head = inSession("s");
        head.headers().set(Peers.PROOF_HEADER, made());
        assertThat(sender.isGood("b", head, BODY)).isTrue();
        assertThat(sender.isGood("c", head, BODY)).isFalse();
    }

    @Test
    void it_is_good_for_no_other_body() {
        assertThat(isGood(made(), inSession("s"), OTHER_BODY)).isFalse();
        assertThat(isGood(made(), inSession("s"), new byte[0])).isFalse();
    }

    @Test
    void it_is_good_for_no_other_session() {
        assertThat(isGood(made(), inSession("t"), BODY)).isFalse();
        assertThat(isGood(made(), inSession(""), BODY)).isFalse();
    }

    @Test
    void it_is_good_for_no_other_method() {
        assertThat(isGood(made(), request(HttpMethod.DELETE, "/", "s"), BODY)).isFalse();
    }

    @Test
    void it_is_good_for_no_other_stream_and_not_for_a_session_instead_of_one() {
        var proof = sender.of("b", toStream("x"), BODY);
        assertThat(isGood(proof, toStream("y"), BODY)).isFalse();
        assertThat(isGood(proof, inSession("x"), BODY)).isFalse();
        assertThat(isGood(made(), toStream("s"), BODY)).isFalse();
    }

    @Test
    void it_is_good_only_where_the_secret_is_known() {
        assertThat(isGood(proof(Duration.ZERO, OLDER), made(), inSession("s"), BODY)).isFalse();
        var both = proof(Duration.ZERO, OLDER, SECRET);
        assertThat(isGood(both, made(), inSession("s"), BODY)).isTrue();
    }

    @Test
    void it_is_good_for_a_minute_whichever_clock_is_ahead() {
        for (var apart : List.of(MINUTE, MINUTE.negated())) {
            var edge = proof(apart, SECRET);
            assertThat(isGood(edge, made(), inSession("s"), BODY)).isFalse();
            var within = proof(apart.dividedBy(60).multipliedBy(59), SECRET);
            assertThat(isGood(within, made(), inSession("s"), BODY)).isTrue();
        }
    }

    @Test
    void what_is_no_proof_is_not_good() {
        assertThat(sender.isGood("b", inSession("s"), BODY)).isFalse();
        for (var text : List.of("", "x", made() + "A", made().substring(1), "0")) {
            assertThat(isGood(text, inSession("s"), BODY)).isFalse();
        }
    }
}
