package dev.heddle.transport.connect;

import dev.heddle.core.backend.BackendEvents;
import dev.heddle.core.exchange.SparseMap;
import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.Envelope;

/**
 * Hands on what comes on the standing stream: to the call that it belongs to, if it is known, else
 * as what belongs to none. Thread-safe.
 */
record Unbound(Correspondence way, SparseMap<Long, Post> calls, BackendEvents events)
        implements StandingGet.Owner {
    @Override
    public Outgoing get(String position) {
        return way.get(position);
    }

    @Override
    public void missed() {
        events.missed();
    }

    @Override
    public void message(Envelope message) {
        switch (message.kind()) {
            case RESPONSE -> {
                var post = calls.get(message.id().integer().orElse(-1));
                if (post != null) {
                    post.message(message);
                }
            }
            case NOTIFICATION -> {
                var post =
                        message.progress()
                                .map(token -> calls.get(token.integer().orElse(-1)))
                                .orElse(null);
                if (post != null) {
                    post.message(message);
                } else {
                    events.notification(message);
                }
            }
            case REQUEST -> way.asked(message).ifPresent(events::question);
        }
    }

    @Override
    public void sessionGone() {
        events.lost(
                Fault.BackendFailed.notSent(
                        way.backend(),
                        Fault.BackendFailed.Reason.SESSION_GONE,
                        "has forgotten the session"));
    }
}
