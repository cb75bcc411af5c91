package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Revision;
import dev.heddle.testkit.RecordingSink;
import dev.heddle.testkit.ScriptedBackend;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

class PinnedStateTest {
    private final ScriptedBackend one = stateless("a").tools("x").resources("r:1");
    private final ScriptedBackend other = stateless("b").tools("y").resources("r:2");
    private final MultiSession session =
            new SessionFixture(one, other)
                    .factory.makeSession(
                            "id",
                            Identity.NONE,
                            new ClientProfile(
                                    Revision.STATELESS, Json.EMPTY_OBJECT, Json.EMPTY_OBJECT),
                            List.of(one.backend(), other.backend()));

    private static ScriptedBackend stateless(String id) {
        return new ScriptedBackend(id)
                .introducing(Revision.STATELESS, "{\"tools\":{},\"resources\":{}}")
                .onCall(
                        (_, request) ->
                                request.answer(
                                        Json.parse(
                                                "{\"resultType\":\"input_required\",\"requestState\":\"s\"}")));
    }

    private RecordingSink send(String method, String params) {
        session.settle();
        var sink = new RecordingSink();
        var request = JsonRpc.request(Json.of(1), method, Json.parse(params));
        session.exchange(Identity.NONE, new Exchange(request, sink));
        return sink;
    }

    private static String state(ScriptedBackend backend) {
        return backend.lastTalk().received().toString();
    }

    @Test
    void a_state_says_whose_it_is_and_goes_back_as_it_was() {
        assertThat(send(Method.TOOLS_CALL, "{\"name\":\"x\"}").result().text("requestState"))
                .contains("a~s");
        one.onCall(
                (_, request) ->
                        request.answer(
                                Json.object(
                                        all ->
                                                all.put(
                                                        "seen",
                                                        request.message().param("requestState")))));
        assertThat(
                        send(Method.TOOLS_CALL, "{\"name\":\"x\",\"requestState\":\"a~s~t\"}")
                                .result()
                                .text("seen"))
                .contains("s~t");
    }

    @Test
    void no_backend_sees_the_state_of_another() {
        var sink = send(Method.TOOLS_CALL, "{\"name\":\"y\",\"requestState\":\"a~s\"}");
        assertThat(sink.fault())
                .isInstanceOf(Fault.InvalidParams.class)
                .hasMessageContaining("backend 'a'");
        assertThat(other.lastTalkIfAny().map(talk -> talk.received().contains(Method.TOOLS_CALL)))
                .isNotEqualTo(Optional.of(true));
    }

    @Test
    void a_state_without_a_name_leads_nowhere() {
        assertThat(send(Method.TOOLS_CALL, "{\"name\":\"x\",\"requestState\":\"s\"}").fault())
                .hasMessageContaining("leads nowhere");
    }

    @Test
    void whoever_has_a_resource_that_nobody_lists_is_found_and_named() {
        one.onCall((_, request) -> request.error(-32602, "unknown"));
        assertThat(send(Method.RESOURCES_READ, "{\"uri\":\"u:9\"}").result().text("requestState"))
                .contains("b~s");
    }

    @Test
    void a_resource_that_nobody_lists_is_read_on_where_its_reading_began() {
        var sink = send(Method.RESOURCES_READ, "{\"uri\":\"u:9\",\"requestState\":\"b~s\"}");
        assertThat(sink.result().text("requestState")).contains("b~s");
        assertThat(state(other)).contains(Method.RESOURCES_READ);
        assertThat(one.lastTalkIfAny().map(talk -> talk.received().contains(Method.RESOURCES_READ)))
                .isNotEqualTo(Optional.of(true));
    }
}
