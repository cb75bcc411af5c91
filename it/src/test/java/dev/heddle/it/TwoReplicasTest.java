package dev.heddle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.redis.testkit.RedisServer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The example with two nodes does what it says. */
class TwoReplicasTest {
    @TempDir private Path folder;

    @Test
    void a_session_goes_from_node_to_node_and_back() throws Exception {
        var builder =
                new ProcessBuilder(Peers.ROOT.resolve("examples/two-replicas/run").toString());
        var file = folder.resolve("said");
        builder.redirectErrorStream(true).redirectOutput(file.toFile());
        builder.environment().put("REDIS_SERVER", RedisServer.program().toString());
        builder.environment().put("EVERYTHING", Peers.node() + " " + Peers.server("everything"));
        var example = builder.start();
        assertThat(example.waitFor(60, TimeUnit.SECONDS)).isTrue();
        var said = Files.readString(file);
        assertThat(said)
                .contains("moved-here", "node one is killed", "still-here", "and-back")
                .endsWith("and-back\n");
        assertThat(example.exitValue()).isZero();
    }
}
