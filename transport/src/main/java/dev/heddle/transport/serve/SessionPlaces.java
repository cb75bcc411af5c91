package dev.heddle.transport.serve;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.rounds.ParkedExchanges;
import dev.heddle.core.session.ImplicitSessions;
import dev.heddle.core.session.MultiSession;
import dev.heddle.protocol.Json;

import java.util.Optional;
import java.util.function.Consumer;

/**
 * Finds the session in which a request of a client without sessions is carried out: one that it has
 * in common with others, one of its own, or that of its task. A request whose session has begun
 * stays on its thread. Thread-safe.
 */
final class SessionPlaces {
    /** Carries out requests. */
    interface Carrier {
        /**
         * Carries out a request in {@code session}.
         *
         * @param over told when the whole exchange is over
         */
        void carry(MultiSession session, Asked asked, Consumer<Optional<Reply>> over);
    }

    private final ImplicitSessions sessions;
    private final Json nobody;

    /**
     * @param nobody what servers with sessions are told of clients that do not say who they are
     */
    SessionPlaces(ImplicitSessions sessions, Json nobody) {
        this.sessions = sessions;
        this.nobody = nobody;
    }

    private ClientProfile profile(Asked asked) {
        return asked.profile(nobody);
    }

    /** What several clients have in common. */
    private ClientProfile common(ClientProfile profile) {
        return new ClientProfile(profile.revision(), profile.capabilities(), nobody);
    }

    /** Hands the session for what is asked to {@code task} when all of its backends are known. */
    void whenSettled(Asked asked, Consumer<MultiSession> task) {
        var profile = profile(asked);
        sessions.live(asked.caller(), profile)
                .filter(MultiSession::isSettled)
                .ifPresentOrElse(
                        task,
                        () ->
                                asked.blocking(
                                        () -> {
                                            var session = shared(asked, profile);
                                            session.settle();
                                            task.accept(session);
                                        }));
    }

    private MultiSession shared(Asked asked, ClientProfile profile) {
        return sessions.find(asked.caller(), common(profile));
    }

    /** The session in which a request that comes back would be carried out, if there is one. */
    Optional<MultiSession> known(Asked asked) {
        return asked.own()
                .flatMap(sessions::live)
                .or(() -> sessions.live(asked.caller(), profile(asked)));
    }

    /** The session that knows the task {@code name}. */
    Optional<MultiSession> ofTask(String name) {
        return sessions.ofTask(name);
    }

    /** The client has been told that the task has ended. */
    void taskOver(String name, Identity caller) {
        sessions.taskOver(name, caller);
    }

    /** What was asked does not come back to its own session. */
    void leave(Asked asked) {
        asked.own()
                .flatMap(sessions::takeBack)
                .ifPresent(session -> sessions.end(session, asked.caller()));
    }

    /** Has a request that belongs to none that went before carried out where it belongs. */
    void place(Asked asked, Carrier carrier) {
        var before = asked.own().flatMap(sessions::takeBack);
        if (before.isPresent()) {
            asked.blocking(() -> aloneIn(before.get(), asked, carrier));
            return;
        }
        var profile = profile(asked);
        var live =
                asked.task()
                        .flatMap(sessions::ofTask)
                        .or(() -> sessions.live(asked.caller(), profile));
        if (live.isEmpty() || !isReady(live.get(), asked)) {
            asked.blocking(() -> inOwnOrShared(live, profile, asked, carrier));
        } else if (isShareable(live.get(), profile, asked)) {
            carrier.carry(live.get(), asked, _ -> {});
        } else {
            asked.blocking(() -> alone(profile, asked, carrier));
        }
    }

    /** Whoever wants what is known already waits for nothing else. */
    private static boolean isReady(MultiSession session, Asked asked) {
        return session.isSettled() || session.knowsWay(asked.message());
    }

    private static void makeReady(MultiSession session, Asked asked) {
        if (!isReady(session, asked)) {
            session.settle();
        }
    }

    private void inOwnOrShared(
            Optional<MultiSession> live, ClientProfile profile, Asked asked, Carrier carrier) {
        var session = live.orElseGet(() -> shared(asked, profile));
        makeReady(session, asked);
        if (isShareable(session, profile, asked)) {
            carrier.carry(session, asked, _ -> {});
        } else {
            alone(profile, asked, carrier);
        }
    }

    private boolean isShareable(MultiSession session, ClientProfile profile, Asked asked) {
        return !sessions.wantsOwn(asked.caller(), profile, asked.message().method())
                || session.leadsToStateless(asked.message());
    }

    /** Carries out a request in a session of its own, which ends with it. */
    private void alone(ClientProfile profile, Asked asked, Carrier carrier) {
        var own = sessions.own(asked.caller(), profile, asked.reply().remote());
        aloneIn(own, asked, carrier);
    }

    private void aloneIn(MultiSession session, Asked first, Carrier carrier) {
        var asked = first.in(Optional.of(session.id()));
        Consumer<Optional<Reply>> over = reply -> leave(session, asked, reply);
        try {
            makeReady(session, asked);
            carrier.carry(session, asked, over);
        } catch (RuntimeException e) {
            over.accept(Optional.empty());
            throw e;
        }
    }

    /** Whoever is to open a URL first comes back to the same server, which may remember it. */
    private void leave(MultiSession session, Asked asked, Optional<Reply> reply) {
        boolean comesBack =
                reply.orElse(null) instanceof Reply.Response(var message)
                        && Rounds.leadsToUrls(asked.message(), message.envelope());
        if (comesBack) {
            sessions.keep(session, asked.caller(), ParkedExchanges.PATIENCE);
        } else {
            sessions.end(session, asked.caller());
        }
    }
}
