package dev.heddle.core.session;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Alarms.Alarm;
import dev.heddle.core.exchange.BoundedMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;

/**
 * The sessions of clients that have none of their own (MCP 2026-07-28): one for each owner and
 * capabilities, begun when it is needed first and ended, like all others, when it is not used any
 * more. Thread-safe.
 */
public final class ImplicitSessions {
    private static final Logger log = LoggerFactory.getLogger(ImplicitSessions.class);
    private static final String NOWHERE = "clients without sessions";
    private static final int MANY = 1_000;
    private static final Duration ONCE_MORE = Duration.ofMinutes(1);

    private final SessionManager sessions;
    private final Alarms alarms;
    private final Map<Key, String> ids = new ConcurrentHashMap<>();
    private final BoundedMap<String, String> ofTasks = new BoundedMap<>(10 * MANY); // by name
    private final Map<String, Alarm> kept = new ConcurrentHashMap<>(); // by sessions' ids
    private final Map<Key, CountDownLatch> beginning = new ConcurrentHashMap<>();

    /** Who shares a session: those of one owner that can do the same. */
    private record Key(String owner, Json capabilities) {
        static Key of(Identity caller, ClientProfile profile) {
            return new Key(IdentityBinding.of(caller).format(), profile.capabilities());
        }
    }

    public ImplicitSessions(SessionManager sessions, Alarms alarms) {
        this.sessions = sessions;
        this.alarms = alarms;
    }

    /** The session of such a client if it has begun. Never blocks. */
    public Optional<MultiSession> live(Identity caller, ClientProfile profile) {
        return live(Key.of(caller, profile));
    }

    /** The session called {@code id}, if it has not ended. Never blocks. */
    public Optional<MultiSession> live(String id) {
        return sessions.live(id);
    }

    private Optional<MultiSession> live(Key key) {
        return Optional.ofNullable(ids.get(key)).flatMap(sessions::live);
    }

    /**
     * The session of such a client, which begins if it has not yet. Those who come together begin
     * one. Blocks.
     *
     * @throws Fault if there is none
     */
    public MultiSession find(Identity caller, ClientProfile profile) {
        var key = Key.of(caller, profile);
        while (true) {
            var live = live(key);
            if (live.isPresent()) {
                return live.get();
            }
            var done = new CountDownLatch(1);
            var other = beginning.putIfAbsent(key, done);
            if (other == null) {
                try {
                    return live(key).orElseGet(() -> begin(key, caller, profile));
                } finally {
                    beginning.remove(key);
                    done.countDown();
                }
            }
            await(other);
        }
    }

    private MultiSession begin(Key key, Identity caller, ClientProfile profile) {
        var session = sessions.begin(caller, profile, NOWHERE);
        if (ids.size() >= MANY) {
            ids.values().removeIf(id -> sessions.live(id).isEmpty());
        }
        ids.put(key, session.id());
        return session;
    }

    /**
     * Whether the request is to be carried out in a session of its own: it may be asked something,
     * and nobody can tell its client from others. Then nothing but the ticket leads to it.
     */
    public boolean wantsOwn(Identity caller, ClientProfile profile, String method) {
        boolean asks =
                switch (method) {
                    case Method.TOOLS_CALL, Method.PROMPTS_GET, Method.RESOURCES_READ -> true;
                    default -> false;
                };
        return asks
                && IdentityBinding.of(caller) instanceof IdentityBinding.Unauthenticated
                && profile.answersQuestions();
    }

    /**
     * Begins a session for one exchange. Blocks.
     *
     * @param remote the address that counts as its owner where the caller is anonymous
     * @throws Fault if there is none
     */
    public MultiSession own(Identity caller, ClientProfile profile, String remote) {
        return sessions.begin(caller, profile, remote);
    }

    /**
     * The session in which a task was made whose client shares none; its name is the only key.
     * Never blocks.
     *
     * @param name as the client knows it
     */
    public Optional<MultiSession> ofTask(String name) {
        return ofTasks.get(name).flatMap(sessions::live);
    }

    /**
     * The task called {@code name} has ended, and its client has been told so: a session of its own
     * ends when it has had the time to ask once more.
     */
    public void taskOver(String name, Identity caller) {
        if (ofTasks.contains(name)) {
            alarms.after(ONCE_MORE, () -> forgetTask(name, caller));
        }
    }

    private void forgetTask(String name, Identity caller) {
        ofTasks.remove(name)
                .filter(id -> !ofTasks.containsValue(id))
                .flatMap(sessions::live)
                .ifPresent(session -> terminate(session, caller));
    }

    /**
     * Keeps a session that was begun for one exchange until its client comes back, at most for
     * {@code patience}.
     */
    public void keep(MultiSession own, Identity caller, Duration patience) {
        if (kept.size() >= MANY) {
            terminate(own, caller);
            return;
        }
        kept.put(
                own.id(),
                alarms.after(
                        patience,
                        () -> {
                            if (kept.remove(own.id()) != null) {
                                terminate(own, caller);
                            }
                        }));
    }

    /** The session that was kept as {@code id}, for one more exchange; it is to be ended again. */
    public Optional<MultiSession> takeBack(String id) {
        var patience = kept.remove(id);
        if (patience == null) {
            return Optional.empty();
        }
        patience.cancel();
        return sessions.live(id);
    }

    /**
     * Ends a session that was begun for one exchange, in the background. One in which a task was
     * made goes on until that has ended, or nobody has asked after it for as long as sessions last.
     */
    public void end(MultiSession own, Identity caller) {
        var made = own.tasks();
        if (made.isEmpty()) {
            terminate(own, caller);
        } else {
            made.forEach(name -> ofTasks.put(name, own.id()));
        }
    }

    private void terminate(MultiSession own, Identity caller) {
        Thread.ofVirtual()
                .name("heddle-end")
                .start(
                        () -> {
                            try {
                                sessions.terminate(own.id(), caller);
                            } catch (Fault over) {
                                log.debug("a session had ended already: {}", over.getMessage());
                            }
                        });
    }

    private static void await(CountDownLatch other) {
        try {
            other.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Fault.SessionClosed();
        }
    }
}
