package dev.heddle.core.session;

import static dev.heddle.core.session.SessionFixture.PROFILE;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.SessionStorage.Following;
import dev.heddle.core.session.SessionStorage.Listener;
import dev.heddle.protocol.Json;
import dev.heddle.testkit.FakeClock;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;
import dev.heddle.testkit.WrappedStorage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;

/** What a process of a newer version may tell. */
class RelayedTest {
    private static final String NEW_KIND = "{\"ofTomorrow\":{\"id\":1}}";
    private static final String NEW_NEWS =
            "{\"stream\":{\"what\":\"OF_TOMORROW\",\"stream\":\"p\"}}";

    /** A store in which a test can tell what another process would. */
    private static final class Heard extends WrappedStorage {
        private final List<Listener> listeners = new ArrayList<>();

        Heard() {
            super(new Neighbours(new FakeClock()));
        }

        @Override
        public Following follow(String id, Listener listener) {
            listeners.add(listener);
            return super.follow(id, listener);
        }

        void tell(String text) {
            listeners.getLast().told(text);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {NEW_KIND, NEW_NEWS, "{\"stream\":7}", "[]", "?"})
    void what_is_not_known_here_is_not_taken_for_something_else(String text) {
        assertThatThrownBy(() -> Relayed.of(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void what_is_known_here_may_say_more() {
        assertThat(Relayed.of("{\"ofTomorrow\":true,\"asked\":7}"))
                .isEqualTo(new Relayed.Asked(Json.of(7)));
    }

    @Test
    void whoever_hears_what_it_does_not_know_goes_on() {
        var backend = new ScriptedBackend("a").tools("x");
        var store = new Heard();
        var fixture = new SessionFixture(builder -> builder.forClients(store), backend);
        var manager = fixture.manager(store, fixture.factory, SessionLimits.DEFAULT);
        var session = manager.begin(Identity.NONE, PROFILE, "here");
        SessionFixture.call(session, "x").result();
        var stream = new RecordingSink();
        session.attach(Identity.NONE, stream);
        backend.lastTalk().ask("elicitation/create", Json.EMPTY_OBJECT);
        var id = stream.nextQuestion().id();
        store.tell(NEW_KIND);
        store.tell(NEW_NEWS);
        store.tell(new Relayed.Unasked(id).text());
        assertThat(stream.nextQuestion().id()).isEqualTo(id);
        assertThat(manager.live(session.id())).isPresent();
    }
}
