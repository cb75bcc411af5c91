package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.tasks.TaskBridge;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Method;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * Opens conversations with servers that have no sessions: there is nothing to be said first.
 * Conversations with one server under the same credentials hear it on one stream. Thread-safe.
 */
final class StatelessOpener {
    private final Ids ids;
    private final Alarms alarms;
    private final Hop gateway;
    private final Discovery discovery;
    private final Map<Endpoint, Listening> listenings = new ConcurrentHashMap<>();

    /**
     * @param gateway what the gateway says of itself when it listens for several clients
     */
    StatelessOpener(Ids ids, Alarms alarms, ClientProfile gateway) {
        this.ids = ids;
        this.alarms = alarms;
        this.gateway = Hop.of(gateway);
        this.discovery = new Discovery(ids);
    }

    /** Asks a server what it is. Blocks, at most for {@code patience}. */
    Discovery.Finding discover(StatelessWire wire, ClientProfile profile, Duration patience) {
        return discovery.ask(wire, profile, patience);
    }

    /**
     * A conversation over HTTP.
     *
     * @param posts makes what carries requests to {@code endpoint}
     * @param era asked when the server may be another than it was
     */
    Connected overHttp(
            Endpoint endpoint,
            Supplier<HttpBackendSession> posts,
            Opening opening,
            Introduction introduction,
            StatelessSession.Parts.Era era) {
        var member = new Listening.Member[1];
        listenings.compute(
                endpoint,
                (_, known) -> {
                    var listening =
                            known == null ? listening(StatelessWire.over(posts.get())) : known;
                    member[0] = listening.join(opening.events());
                    return listening;
                });
        var wire = StatelessWire.over(posts.get());
        var session =
                new StatelessSession(
                        parts(endpoint.backend(), wire, opening, era),
                        member[0],
                        () -> sweep(endpoint));
        return new Connected(session, introduction);
    }

    private void sweep(Endpoint endpoint) {
        listenings.computeIfPresent(endpoint, (_, known) -> known.isDeserted() ? null : known);
    }

    /**
     * A conversation over one wire for all messages.
     *
     * @param heard takes what comes on it beside answers
     */
    Connected overWire(
            String backend,
            DuplexSession wire,
            Heard heard,
            Opening opening,
            Introduction introduction,
            StatelessSession.Parts.Era era) {
        var carrier = StatelessWire.over(wire);
        var listening = listening(carrier);
        heard.by(listening);
        var session =
                new StatelessSession(
                        parts(backend, carrier, opening, era),
                        listening.join(opening.events()),
                        () -> {});
        return new Connected(session, introduction);
    }

    private Listening listening(StatelessWire wire) {
        return new Listening(wire, gateway, ids, alarms);
    }

    private StatelessSession.Parts parts(
            String backend, StatelessWire wire, Opening opening, StatelessSession.Parts.Era era) {
        var profile = opening.profile();
        return new StatelessSession.Parts(
                backend,
                wire,
                Hop.of(profile),
                !profile.revision().hasSessions(),
                TaskBridge.usesSessionTasks(profile.revision()),
                opening.tools(),
                ids,
                alarms,
                era,
                new AtomicBoolean());
    }

    /** What comes on a wire for all messages beside answers: mostly what is listened to. */
    static final class Heard implements BackendEvents {
        private final BackendEvents events;
        private volatile Optional<Listening> listening = Optional.empty();

        Heard(BackendEvents events) {
            this.events = events;
        }

        private void by(Listening listener) {
            listening = Optional.of(listener);
        }

        @Override
        public void notification(Envelope message) {
            switch (message.method()) {
                case Method.LOG_MESSAGE, Method.PROGRESS -> events.notification(message);
                default -> listening.ifPresent(listener -> listener.heard(message));
            }
        }

        @Override
        public void question(Question question) {
            question.refuse("a server without sessions asks in results only");
        }

        @Override
        public void lost(Fault.BackendFailed why) {
            events.lost(why);
        }
    }
}
