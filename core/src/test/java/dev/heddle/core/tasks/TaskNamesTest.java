package dev.heddle.core.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.sealing.Vault;
import dev.heddle.core.tasks.TaskNames.Task;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Optional;

class TaskNamesTest {
    private static final String SECRET = "a secret that all processes share";

    private final TaskNames here = names(Optional.of("here 10.0.0.1:1"));
    private final TaskNames there = names(Optional.of("there 10.0.0.2:1"));

    private static TaskNames names(Optional<String> self) {
        return new TaskNames(Vault.of(List.of(SECRET)), self);
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "a.b~c", "~", ".", ""})
    void a_name_leads_every_process_to_the_task_and_to_where_it_can_be_asked_after(String id) {
        var task = new Task(new BackendId("b"), id);
        var everywhere = here.name(task, "anna", false);
        assertThat(there.find(everywhere, "anna")).isEqualTo(task);
        assertThat(there.home(everywhere)).isEmpty();
        var bound = here.name(task, "anna", true);
        assertThat(bound).isEqualTo(here.name(task, "anna", true));
        assertThat(there.find(bound, "anna")).isEqualTo(task);
        assertThat(there.home(bound)).contains("here 10.0.0.1:1");
        assertThatThrownBy(() -> there.find(bound, "bert")).isInstanceOf(Fault.InvalidParams.class);
        assertThat(names(Optional.empty()).name(task, "anna", true)).isEqualTo(everywhere);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "b", "b~", "b~code", "b~code.~7", "b~code.foreign~7", ".~~", "~.~"})
    void what_is_no_name_leads_nowhere(String text) {
        assertThat(here.home(text)).isEmpty();
        assertThatThrownBy(() -> here.find(text, "anna")).isInstanceOf(Fault.InvalidParams.class);
    }
}
