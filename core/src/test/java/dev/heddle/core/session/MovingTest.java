package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.identity.Identity;
import dev.heddle.testkit.BreakableStorage;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

/** What is noted of a session for other processes while the store comes and goes. */
class MovingTest {
    private final Neighbours neighbours = new Neighbours(new FakeClock());
    private final BreakableStorage store = new BreakableStorage(neighbours);
    private final SessionFixture fixture =
            new SessionFixture(
                    builder -> builder.forClients(store), new ScriptedBackend("a").tools("x"));
    private final MultiSession session = begun();

    private MultiSession begun() {
        var begun = fixture.open();
        neighbours.create("id", begun.metadata());
        return begun;
    }

    private String listener() {
        return neighbours.load("id").orElseThrow().getOrDefault(Metadata.LISTENER, "");
    }

    private void noteAgain() {
        await().until(() -> fixture.alarms.set(Moving.AGAIN) == 1);
        fixture.alarms.fire(Moving.AGAIN);
    }

    @Test
    void who_listens_is_noted_when_the_store_is_back() {
        store.away(true);
        session.attach(Identity.NONE, new RecordingSink());
        noteAgain();
        await().until(() -> fixture.alarms.set(Moving.AGAIN) == 1);
        assertThat(listener()).isEmpty();
        store.away(false);
        noteAgain();
        await().until(() -> listener().equals(Neighbours.HERE));
        assertThat(fixture.alarms.set(Moving.AGAIN)).isZero();
    }

    @Test
    void who_listens_no_more_is_noted_when_the_store_is_back() {
        ClientStream stream = new RecordingSink();
        var attachment = session.attach(Identity.NONE, stream);
        await().until(() -> listener().equals(Neighbours.HERE));
        store.away(true);
        attachment.detach();
        fixture.alarms.fire(EventLog.RETURN);
        await().until(() -> fixture.alarms.set(Moving.AGAIN) == 1);
        store.away(false);
        noteAgain();
        await().until(() -> listener().isEmpty());
    }
}
