package dev.heddle.transport.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.core.rounds.RequestStates;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.session.ImplicitSessions;
import dev.heddle.core.session.LocalSessionStorage;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.MultiSessionFactory;
import dev.heddle.core.session.SessionLimits;
import dev.heddle.core.session.SessionManager;
import dev.heddle.core.session.SessionType;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.core.tasks.TaskNames;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;
import dev.heddle.transport.net.EventLoops;

import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** A session whose home is one node, and what comes for it to another one. */
class PeersTest {
    private static final String CALL =
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"x\"}}";

    private final EventLoops loops = new EventLoops(EventLoops.Io.NIO, 1);
    private final Vault vault = Vault.ofThisProcess();
    private final InstantSource clock = InstantSource.system();
    private final Peers home = peers("home");
    private final Peers other = peers("other");
    private final AtomicInteger heardAtHome = new AtomicInteger();
    private final SessionManager sessions =
            new SessionManager(
                    new LocalSessionStorage(Duration.ofMinutes(10), clock),
                    new Factory(home.self()),
                    new BackendRegistry(List.of()),
                    SessionLimits.DEFAULT,
                    clock);
    private final McpEndpoint endpoint = endpoint();
    private final String session = begun();

    PeersTest() {
        home.serve(
                (_, _, reply) -> {
                    heardAtHome.incrementAndGet();
                    reply.empty(202);
                });
    }

    @AfterEach
    void end() {
        other.close();
        home.close();
        loops.close();
    }

    private Peers peers(String node) {
        var options =
                new ServeOptions(
                        "127.0.0.1",
                        0,
                        "/mcp",
                        new OriginPolicy(true, "127.0.0.1", List.of(), List.of()),
                        1000,
                        1000,
                        10,
                        Duration.ofSeconds(25),
                        Optional.empty());
        try {
            return new Peers(loops, vault, clock, node, _ -> true, options);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private McpEndpoint endpoint() {
        var alarms = loops.alarms();
        var stateless =
                new Stateless(
                        new ImplicitSessions(sessions, alarms),
                        new Ids(),
                        new ParkedExchanges(alarms),
                        new RequestStates(vault, clock),
                        new SharedSubscriptions(new Ids(), alarms),
                        new TaskNames(vault, Optional.empty()));
        return new McpEndpoint(
                sessions,
                stateless,
                IncomingIdentity.always(Identity.NONE),
                new Introductions.Self("test", "1"),
                Optional.of(other));
    }

    private String begun() {
        var profile = new ClientProfile(Revision.LATEST, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT);
        return sessions.begin(Identity.NONE, profile, "here").id();
    }

    /** Makes sessions that are somewhere else. */
    private record Factory(String home) implements MultiSessionFactory {
        @Override
        public MultiSession makeSession(
                String id, Identity identity, ClientProfile profile, Collection<Backend> backends) {
            return (MultiSession)
                    Proxy.newProxyInstance(
                            PeersTest.class.getClassLoader(),
                            new Class<?>[] {MultiSession.class},
                            (_, method, _) ->
                                    switch (method.getName()) {
                                        case "id" -> id;
                                        case "type" -> SessionType.CLIENT;
                                        case "metadata" -> Map.of();
                                        case "home" -> Optional.of(home);
                                        case "authorize" -> null;
                                        default ->
                                                throw new UnsupportedOperationException(
                                                        method.getName());
                                    });
        }

        @Override
        public MultiSession restoreSession(
                String id, Map<String, String> metadata, Collection<Backend> backends) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean endSession(
                String id, Map<String, String> metadata, Collection<Backend> backends) {
            throw new UnsupportedOperationException();
        }
    }

    /** Asks the other node as a third one would. */
    private HttpResponse<String> asked() throws Exception {
        var head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/");
        head.headers().set(McpEndpoint.SESSION_HEADER, session);
        var body = CALL.getBytes(StandardCharsets.UTF_8);
        var address = other.self().substring(other.self().indexOf(' ') + 1);
        var request =
                HttpRequest.newBuilder(URI.create("http://" + address + "/"))
                        .POST(BodyPublishers.ofByteArray(body))
                        .header("Content-Type", "application/json")
                        .header(McpEndpoint.SESSION_HEADER.toString(), session)
                        .header(
                                Peers.PROOF_HEADER,
                                new PeerProof(vault, clock).of("other", head, body))
                        .build();
        try (var client = HttpClient.newHttpClient()) {
            return client.send(request, BodyHandlers.ofString());
        }
    }

    @Test
    void what_a_client_sends_to_another_node_is_handed_to_the_sessions_home() throws Exception {
        other.serve(endpoint::handle);
        assertThat(asked().statusCode()).isEqualTo(202);
        assertThat(heardAtHome).hasValue(1);
    }

    @Test
    void what_has_been_handed_on_is_not_handed_on_once_more() throws Exception {
        other.serve(endpoint::handleHere);
        var answer = asked();
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValue("retry-after")).contains("1");
        assertThat(answer.body()).contains("was not run");
        assertThat(heardAtHome).hasValue(0);
    }
}
