package dev.heddle.core.session;

import static org.assertj.core.api.Assertions.assertThat;

import dev.heddle.core.backend.Introduction;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Revision;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Optional;

class CapabilitiesTest {
    private static Optional<Introduction> server(Revision revision, String capabilities) {
        return Optional.of(
                new Introduction(
                        revision, Json.parse(capabilities), Json.EMPTY_OBJECT, Optional.empty()));
    }

    private static Optional<Introduction> server(String capabilities) {
        return server(Revision.LATEST, capabilities);
    }

    private static Json of(Revision client, Optional<Introduction> backend) {
        return Capabilities.of(List.of(backend), client);
    }

    @Test
    void what_one_backend_can_do_all_can() {
        var backends = List.of(server("{\"tools\":{}}"), server("{\"logging\":{}}"));
        assertThat(Capabilities.of(backends, Revision.LATEST))
                .hasToString("{\"logging\":{},\"tools\":{\"listChanged\":true}}");
    }

    @Test
    void updates_are_told_if_one_backend_tells_of_them() {
        assertThat(of(Revision.LATEST, server("{\"resources\":{}}")))
                .hasToString("{\"resources\":{\"listChanged\":true}}");
        assertThat(of(Revision.LATEST, server("{\"resources\":{\"subscribe\":true}}")))
                .hasToString("{\"resources\":{\"listChanged\":true,\"subscribe\":true}}");
    }

    @Test
    void a_backend_of_which_nothing_is_known_may_do_everything() {
        var backends = List.of(server("{\"tools\":{}}"), Optional.<Introduction>empty());
        var all = Capabilities.of(backends, Revision.LATEST);
        assertThat(all.members())
                .containsOnlyKeys(
                        "completions", "logging", "prompts", "resources", "tools", "tasks");
        assertThat(Capabilities.of(List.of(), Revision.LATEST)).isEqualTo(all);
    }

    @Test
    void before_there_was_a_word_for_completions_whoever_had_prompts_had_them() {
        var prompts = "{\"prompts\":{}}";
        assertThat(of(Revision.LATEST, server(Revision.V2024_11_05, prompts)).get("completions"))
                .isPresent();
        assertThat(of(Revision.LATEST, server(prompts)).get("completions")).isEmpty();
    }

    @Test
    void tasks_of_either_kind_are_told_in_the_words_of_the_client() {
        var session = server("{\"tasks\":{\"requests\":{\"tools\":{\"call\":{}}}}}");
        var extension =
                server(
                        Revision.STATELESS,
                        "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
        for (var server : List.of(session, extension)) {
            assertThat(of(Revision.LATEST, server).members()).containsOnlyKeys("tasks");
            assertThat(of(Revision.STATELESS, server))
                    .hasToString("{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
            assertThat(of(Revision.V2025_06_18, server)).isEqualTo(Json.EMPTY_OBJECT);
        }
    }

    @Test
    void user_interfaces_are_told_of_and_what_is_not_known_is_not() {
        assertThat(
                        of(
                                Revision.LATEST,
                                server(
                                        "{\"extensions\":{\"io.modelcontextprotocol/ui\":{\"a\":1},\"x/y\":{}}}")))
                .hasToString("{\"extensions\":{\"io.modelcontextprotocol/ui\":{\"a\":1}}}");
    }
}
