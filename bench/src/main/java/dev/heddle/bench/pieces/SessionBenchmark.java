package dev.heddle.bench.pieces;

import dev.heddle.core.aggregation.AggregationRules;
import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Sink;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.LiveSessionFactory;
import dev.heddle.core.session.LocalSessionStorage;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SessionLimits;
import dev.heddle.core.session.SessionManager;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.net.EventLoops;

import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One of many sessions is found, and a call goes through it to a backend without a network. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 10, time = 2)
@Measurement(iterations = 5, time = 1)
public class SessionBenchmark {
    private static final int SESSIONS = 10_000;
    private static final Envelope CALL =
            Envelope.parse(
                    """
                    {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"b_echo7",\
                    "arguments":{"message":"hello"}}}\
                    """
                            .getBytes(StandardCharsets.UTF_8));

    /** The reply goes nowhere. */
    private record Drain(Blackhole blackhole) implements Sink {
        @Override
        public void notification(Spliced message) {}

        @Override
        public boolean question(Question question) {
            return false;
        }

        @Override
        public void reply(Reply reply) {
            blackhole.consume(reply);
        }
    }

    private final EventLoops loops = new EventLoops(EventLoops.Io.NIO, 1);
    private final List<String> names = new ArrayList<>();
    private @Nullable SessionManager sessions;
    private int next;

    /** Opens the sessions, each with the backend that it calls. */
    @Setup(Level.Trial)
    public void open() {
        var backends =
                Stream.of("a", "b", "c")
                        .map(
                                name ->
                                        new Backend(
                                                new BackendId(name),
                                                new Target.Remote(
                                                        URI.create("http://" + name + ".test/mcp"),
                                                        Target.Wire.STREAMABLE_HTTP)))
                        .toList();
        var factory =
                LiveSessionFactory.over((_, _) -> EchoBackend.connected(), loops.alarms())
                        .aggregator(new Aggregator(AggregationRules.DEFAULT))
                        .build();
        var limits = SessionLimits.DEFAULT;
        sessions =
                new SessionManager(
                        new LocalSessionStorage(limits.idle(), Clock.systemUTC()),
                        factory,
                        new BackendRegistry(backends),
                        new SessionLimits(limits.idle(), Optional.empty(), SESSIONS, SESSIONS),
                        Clock.systemUTC());
        for (int i = 0; i < SESSIONS; i++) {
            var profile = ClientProfile.gateway("bench", "1");
            var session = sessions.begin(Identity.NONE, profile, "local");
            session.callTool(Identity.NONE, "b_echo7", Json.EMPTY_OBJECT, Json.EMPTY_OBJECT);
            names.add(session.id());
        }
    }

    @TearDown(Level.Trial)
    public void close() {
        if (sessions != null) {
            sessions.close();
        }
        loops.close();
    }

    private SessionManager requireSessions() {
        if (sessions == null) {
            throw new IllegalStateException("the sessions have not been opened");
        }
        return sessions;
    }

    private MultiSession found() {
        next = (next + 1) % SESSIONS;
        return requireSessions().live(names.get(next)).orElseThrow();
    }

    @Benchmark
    public MultiSession look_up() {
        return found();
    }

    @Benchmark
    public void route_and_relay(Blackhole blackhole) {
        found().exchange(Identity.NONE, new Exchange(CALL, new Drain(blackhole)));
    }
}
