package dev.heddle.bench.pieces;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.net.SseParser;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** A progress notification is cut out of a stream and written with the client's token. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class EventBenchmark {
    private static final Json TOKEN = Json.of("the client's");

    private final byte[] event =
            """
            event: message
            data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\
            1000000001,"progress":3,"total":10,"message":"a step is done"}}

            """
                    .getBytes(StandardCharsets.UTF_8);

    @Benchmark
    public void relay(Blackhole blackhole) {
        new SseParser(
                        1024 * 1024,
                        new SseParser.Listener() {
                            @Override
                            public void event(String type, byte[] data) {
                                Spliced.of(Envelope.parse(data))
                                        .progress(TOKEN)
                                        .writeLineTo((bytes, _, _) -> blackhole.consume(bytes));
                            }

                            @Override
                            public void id(String id) {}

                            @Override
                            public void retry(long millis) {}
                        })
                .feed(event, 0, event.length);
    }
}
