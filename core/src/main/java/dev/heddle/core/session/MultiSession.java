package dev.heddle.core.session;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.BlockingCall;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.NonBlocking;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * One client's conversation with many backends.
 *
 * <p>Everything that a client asks goes through {@link #exchange}, which never blocks; the methods
 * of {@link Caller} are its blocking forms. Lists are immutable snapshots: a new one replaces the
 * old one, and each call keeps the one that it started with. Thread-safe.
 */
public interface MultiSession extends Caller {
    /** The session's id: visible ASCII, 0x21 to 0x7E. */
    String id();

    SessionType type();

    /** What the client said of itself. */
    ClientProfile profile();

    Instant created();

    /** When the client last used the session. */
    Instant updated();

    /** What is stored of the session, so that it can be restored: see {@link Metadata}. */
    Map<String, String> metadata();

    /** The tools as this session's client sees them. */
    Listing tools();

    Listing resources();

    Listing prompts();

    /** What the backends want the client to know, if they do. */
    Optional<String> instructions();

    /**
     * The capabilities that the client is told (MCP 2025-11-25, Lifecycle): those of all backends
     * together, where one of which nothing is known counts as one that can do everything.
     */
    Json capabilities();

    /** The names of the tasks that were made for the client, oldest first; some may have ended. */
    List<String> tasks();

    /**
     * The ids that backends gave to the conversations that are open now; empty text for one without
     * a name.
     */
    Map<BackendId, String> backendSessions();

    /**
     * Lets only those pass who may use the session.
     *
     * @throws dev.heddle.core.fault.Fault if {@code caller} may not
     */
    void authorize(Identity caller);

    /**
     * Whether {@code request} leads to a backend that has no sessions itself, so that nothing it
     * asks could be put to anybody but its caller. Never blocks.
     */
    boolean leadsToStateless(Envelope request);

    /**
     * Whether a backend has not heard that the session has ended, once it is closed. Never blocks.
     */
    boolean isUnheard();

    /**
     * Whether nothing is waited for any more that may be offered too. Only the session of clients
     * that have none begins before that. Never blocks.
     */
    boolean isSettled();

    /** Waits until the session is settled, for a bounded time. Blocks. */
    void settle();

    /**
     * Whether it is known to which backend {@code request} goes, or that it goes nowhere. Never
     * blocks.
     */
    boolean knowsWay(Envelope request);

    /** Carries one request. Never blocks, and never throws: a failure is a reply too. */
    Running exchange(Identity caller, Exchange exchange);

    /** Takes a notification of the client. Never blocks. */
    void notice(Identity caller, Envelope notification);

    /**
     * Takes the client's answer to a question. Returns why it cannot be taken: the process that
     * asked has ended, or cannot be told now. Never blocks.
     */
    Optional<Fault> answer(Identity caller, Envelope response);

    /** Uses {@code stream} from now on for what belongs to no call. Never blocks. */
    Attachment attach(Identity caller, ClientStream stream);

    /**
     * Wants to be told on the client's streams of changes of a task, or does not any more. Never
     * blocks.
     *
     * @param task its name, as the client knows it
     * @param told once whether that will be so
     */
    void watchTask(Identity caller, String task, boolean wanted, Consumer<Boolean> told);

    /**
     * What has been sent on the client's streams, for when it comes back.
     *
     * @throws dev.heddle.core.fault.Fault if {@code caller} may not use the session
     */
    EventLog events(Identity caller);

    /** Whether an open stream or a call in flight shows that the client is there. */
    boolean active();

    /**
     * Refuses newcomers from now on, without waiting for those inside; {@link #close} does the
     * rest.
     */
    void refuse();

    /**
     * Like {@link #refuse}, and ends the client's streams at once: the session has ended
     * everywhere, and only calls that are under way go on.
     */
    void hangUp();

    /**
     * Goes on from what is stored of the session now, where another process has changed it. May
     * block.
     */
    void catchUp(Map<String, String> record);

    /**
     * The process that {@code request} is to be handed to, if that is not this one: its name and
     * address. Never blocks.
     */
    Optional<String> home(Envelope request);

    /** The process that {@link #home} names could not be reached, and counts as gone. */
    void missed(String process);

    /** Whether this process holds what cannot move of the session. */
    boolean isHome();

    /**
     * Takes a message of the client that came to another process and may be for this one. Never
     * blocks.
     */
    void relayed(String message);

    /**
     * Like {@link #close}, but only here: what backends hold for the session stays, so that another
     * process can go on with it.
     */
    void leave();

    /** A stream in use. */
    @FunctionalInterface
    interface Attachment {
        /** Stops using the stream. Idempotent; never blocks. */
        void detach();
    }

    @Override
    default Json callTool(Identity caller, String name, Json arguments, Json meta) {
        return ask(
                caller,
                Method.TOOLS_CALL,
                Json.object(
                        params -> {
                            params.put("name", name).put("arguments", arguments);
                            if (!meta.members().isEmpty()) {
                                params.put("_meta", meta);
                            }
                        }));
    }

    @Override
    default Json readResource(Identity caller, String uri) {
        return ask(caller, Method.RESOURCES_READ, Json.object(params -> params.put("uri", uri)));
    }

    @Override
    default Json getPrompt(Identity caller, String name, Json arguments) {
        return ask(
                caller,
                Method.PROMPTS_GET,
                Json.object(params -> params.put("name", name).put("arguments", arguments)));
    }

    private Json ask(Identity caller, String method, Json params) {
        NonBlocking.requireMayBlock();
        var call = new BlockingCall();
        var id = Json.of("call-" + UUID.randomUUID());
        return call.await(
                exchange(caller, new Exchange(JsonRpc.request(id, method, params), call)));
    }
}
