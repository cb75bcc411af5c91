package dev.heddle.core.session;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector.Adopted;
import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.core.session.Metadata.Noted;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Map;
import java.util.Optional;

/**
 * Opens the backend sessions of one conversation so that all processes that hold the session end in
 * the same one: what its record names is taken over, and what is opened here is noted there. Only
 * one thread opens at a time; apart from that, thread-safe.
 */
final class ConversationOpener {
    private static final Logger log = LoggerFactory.getLogger(ConversationOpener.class);
    private static final int TRIES = 5;

    /**
     * What has been opened or taken over.
     *
     * @param afresh whether what another process has held is lost
     */
    record Opened(Connected connected, boolean afresh) {}

    private final Conversation conversation;
    private final Backend backend;
    private final Conversation.Client client;
    private final Shared shared;
    private final ConversationHost host;
    private volatile Noted hint; // what the next opening need not ask for
    private volatile Noted last = Noted.NEVER; // opened or taken over here
    private volatile boolean kept; // whether the session's record names that

    /**
     * @param hint what is noted of the conversation already
     */
    ConversationOpener(
            Conversation conversation,
            Conversation.Client client,
            Shared shared,
            ConversationHost host,
            Noted hint) {
        this.conversation = conversation;
        this.backend = conversation.backend();
        this.client = client;
        this.shared = shared;
        this.host = host;
        this.hint = hint;
    }

    /**
     * Opens one, or takes over what is noted. Blocks.
     *
     * @throws Fault.BackendFailed if there is none to be had
     */
    Opened open(BackendEvents events) {
        try (var _ = shared.openings().acquire(backend)) {
            var known = hint;
            hint = Noted.NOTHING;
            return isNewer(known) ? adopt(known, events) : openOrAdopt(events);
        }
    }

    /** Opens one unless another process has done so; of two that do at once, one wins. */
    private Opened openOrAdopt(BackendEvents events) {
        for (int i = 0; i < TRIES; i++) {
            requireHome();
            var noted = host.noted(conversation);
            if (isNewer(noted)) {
                return adopt(noted, events);
            }
            var fresh = connect(events, Optional.empty());
            boolean mine = last.equals(Noted.NEVER);
            if (isNoted(fresh, noted)) {
                boolean afresh = backend.target().isBound() && mine && noted.opened() > 0;
                return new Opened(fresh, afresh);
            }
            fresh.session().close();
        }
        throw Fault.BackendFailed.notSent(
                backend.id().value(), Reason.UNREACHABLE, "is opened by others all the time");
    }

    /** What cannot move is opened by one process only. */
    private void requireHome() {
        if (backend.target().isBound() && !host.claim(conversation)) {
            throw Fault.BackendFailed.notSent(
                    backend.id().value(), Reason.ELSEWHERE, "is held by another process");
        }
    }

    private boolean isNoted(Connected fresh, Noted before) {
        try {
            var outcome = host.note(conversation, fresh, before.opened(), last.opened());
            outcome.ifPresent(note -> use(note, fresh));
            return outcome.isPresent();
        } catch (RuntimeException | Error e) {
            fresh.session().close();
            throw e;
        }
    }

    private void use(SessionRecord.Note note, Connected connected) {
        last = Noted.of(note.number(), connected);
        kept = note.kept();
    }

    /** Whether it can be taken over, and is not known to be gone. */
    private boolean isNewer(Noted noted) {
        return noted.adopted().isPresent()
                && (noted.opened() > last.opened()
                        || (noted.opened() == last.opened() && !noted.isSame(last)));
    }

    private Opened adopt(Noted noted, BackendEvents events) {
        last = noted;
        kept = true;
        return new Opened(connect(events, noted.adopted()), false);
    }

    private Connected connect(BackendEvents events, Optional<Adopted> adopted) {
        return shared.connector()
                .connect(
                        backend,
                        new Opening(
                                client.opener(),
                                client.profile(),
                                events,
                                adopted,
                                false,
                                name -> host.tool(conversation, name)));
    }

    /** Whether one can be taken over without asking anybody. */
    boolean isNoted() {
        return hint.adopted().isPresent();
    }

    /** Whether other processes can go on with what was opened last. */
    boolean isKept() {
        return kept;
    }

    /** What is to be noted of the backend session that is open. */
    Map<String, String> metadata(Connected open) {
        return Metadata.backendSession(backend.id(), open, last.opened());
    }

    /** Counts as if none had been opened here. */
    void forget() {
        last = Noted.NEVER;
    }

    /**
     * Learns what is noted, and notes what could not be noted earlier. May block.
     *
     * @return whether another backend session is to be used instead of the one that is open
     */
    boolean catchUp(Noted noted, Optional<Connected> open) {
        if (isNewer(noted)) {
            hint = noted;
            return true;
        } else if (noted.opened() < last.opened()) {
            open.ifPresent(connected -> noteLate(connected, noted.opened()));
        } else if (noted.adopted().isPresent() && noted.isSame(last)) {
            kept = true;
        }
        return false;
    }

    private void noteLate(Connected connected, long before) {
        host.note(conversation, connected, before, before).ifPresent(note -> use(note, connected));
    }

    /**
     * What was never taken over is so now, to be ended. Blocks.
     *
     * @return whether the backend has heard so
     */
    boolean endNoted(BackendEvents events) {
        var known = hint;
        hint = Noted.NOTHING;
        if (known.adopted().isEmpty()) {
            return true;
        }
        try {
            var session = connect(events, known.adopted()).session();
            session.close();
            return session.hasHeardEnd();
        } catch (Fault.BackendFailed away) {
            log.debug("a backend has not been told: {}", away.getMessage());
            return false;
        }
    }
}
