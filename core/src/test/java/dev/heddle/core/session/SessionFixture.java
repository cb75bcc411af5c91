package dev.heddle.core.session;

import dev.heddle.core.aggregation.AggregationRules;
import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.catalog.Watches;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.health.HealthBoard;
import dev.heddle.core.health.HealthRules;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.FakeAlarms;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/** Sessions over scripted backends, with time that stands still. */
final class SessionFixture {
    static final ClientProfile PROFILE =
            new ClientProfile(
                    Revision.LATEST,
                    Json.parse("{\"roots\":{},\"sampling\":{}}"),
                    Json.parse("{\"name\":\"test\"}"));

    final FakeClock clock = new FakeClock();
    final FakeAlarms alarms = new FakeAlarms(clock);
    final HealthBoard health = new HealthBoard(HealthRules.DEFAULT, clock);
    final LocalSessionStorage storage =
            new LocalSessionStorage(SessionLimits.DEFAULT.idle(), clock);
    final ScriptedBackend[] backends;
    final LiveSessionFactory factory;

    SessionFixture(ScriptedBackend... backends) {
        this(builder -> builder, backends);
    }

    static SessionFixture watchedBy(Watches watches, ScriptedBackend... backends) {
        return new SessionFixture(builder -> builder.watches(watches), backends);
    }

    /** Changes the factory before it is built. */
    interface Tuning {
        LiveSessionFactory.Builder tune(LiveSessionFactory.Builder builder);
    }

    SessionFixture(Tuning tuning, ScriptedBackend... backends) {
        this.backends = backends;
        this.factory =
                tuning.tune(
                                LiveSessionFactory.over(ScriptedBackend.connector(backends), alarms)
                                        .forClients(storage)
                                        .aggregator(new Aggregator(AggregationRules.DEFAULT))
                                        .health(health)
                                        .clock(clock))
                        .build();
    }

    List<Backend> configured() {
        return Arrays.stream(backends).map(ScriptedBackend::backend).toList();
    }

    MultiSession open() {
        return open(Identity.NONE);
    }

    MultiSession open(Identity owner) {
        return open("id", owner);
    }

    /** A session whose client has said that it is ready. */
    MultiSession open(String id, Identity owner) {
        var session = begin(id, owner);
        session.notice(owner, JsonRpc.notification(Method.INITIALIZED));
        return session;
    }

    /** A session whose client has said nothing yet. */
    MultiSession begin(String id, Identity owner) {
        return factory.makeSession(id, owner, PROFILE, configured());
    }

    SessionManager manager(SessionLimits limits) {
        return manager(storage, factory, limits);
    }

    SessionManager manager(SessionStorage where, MultiSessionFactory made, SessionLimits limits) {
        return new SessionManager(where, made, new BackendRegistry(configured()), limits, clock);
    }

    static RecordingSink call(MultiSession session, String tool) {
        return send(
                session,
                Json.of(tool),
                Method.TOOLS_CALL,
                "{\"name\":\"" + tool + "\",\"arguments\":{}}");
    }

    static RecordingSink send(MultiSession session, Json id, String method, String params) {
        var sink = new RecordingSink();
        start(session, id, method, params, sink);
        return sink;
    }

    static Running start(
            MultiSession session, Json id, String method, String params, RecordingSink sink) {
        return session.exchange(
                Identity.NONE, new Exchange(JsonRpc.request(id, method, Json.parse(params)), sink));
    }

    static Envelope message(String text) {
        return Envelope.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    static final Duration SILENCE = Backend.Limits.DEFAULT.silence();
}
