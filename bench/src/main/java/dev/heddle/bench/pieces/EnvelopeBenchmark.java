package dev.heddle.bench.pieces;

import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** A message is scanned, and written anew with another name and id. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
public class EnvelopeBenchmark {
    private static final Json ID = Json.of(4_711L);

    private final byte[] request =
            """
            {"jsonrpc":"2.0","id":1000000001,"method":"tools/call","params":{"_meta":\
            {"progressToken":1000000001},"name":"a_echo0","arguments":{"message":\
            "hello, this is about as long as what people say"}}}\
            """
                    .getBytes(StandardCharsets.UTF_8);

    /** How many characters a result has. */
    @Param({"1000", "60000"})
    private int characters = 1000;

    private byte[] response = new byte[0];

    @Setup
    public void makeResponse() {
        response =
                ("{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""
                                + "x".repeat(characters)
                                + "\"}],\"isError\":false}}")
                        .getBytes(StandardCharsets.UTF_8);
    }

    @Benchmark
    public byte[] request() {
        return Spliced.of(Envelope.parse(request)).name("echo0").id(ID).progressToken(ID).bytes();
    }

    @Benchmark
    public Envelope scan() {
        return Envelope.parse(response);
    }

    @Benchmark
    public byte[] response() {
        return Spliced.of(Envelope.parse(response)).id(ID).bytes();
    }
}
