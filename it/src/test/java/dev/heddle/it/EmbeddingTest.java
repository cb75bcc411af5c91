package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.examples.Embedding;

import org.junit.jupiter.api.Test;

import java.util.List;

class EmbeddingTest {

    @Test
    void a_program_has_a_session_over_two_servers_without_the_front() {
        int port = Child.freePort();
        try (var everything = Peers.everything("streamableHttp", port).listening(port);
                var stub = Stub.start()) {
            var lines = Embedding.run(List.of("http://127.0.0.1:" + port + "/mcp", stub.url()));
            assertThat(everything.process().isAlive()).isTrue();
            assertThat(lines)
                    .contains(
                            "server1_echo of server1",
                            "server2_echo of server2",
                            "count of server2");
            assertThat(lines).anyMatch(line -> line.contains("Echo: Hello"));
            assertThat(stub.count("sessions")).isZero();
        }
    }
}
