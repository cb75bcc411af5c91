package dev.heddle.core.session;

import dev.heddle.core.session.SessionStorage.Changes;
import dev.heddle.core.tasks.Tasks.Made;
import dev.heddle.core.tasks.Tasks.Notes;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;

/** Notes the tasks of a session in its record, so that each process can list them. Thread-safe. */
record TaskNotes(SessionRecord record, Executor virtual) implements Notes {
    @Override
    public void made(Made task, List<Made> dropped) {
        var gone = dropped.stream().map(Metadata::field).collect(Collectors.toSet());
        var changes = new Changes(Map.of(Metadata.field(task), task.name()), gone);
        record.noteThen(changes, virtual, () -> {});
    }

    @Override
    public void forgotten(Made task) {
        var changes = new Changes(Map.of(), Set.of(Metadata.field(task)));
        record.noteThen(changes.quietly(), virtual, () -> {});
    }
}
