package dev.heddle.core.tasks;

import dev.heddle.core.backend.BackendConnector.Connected;
import dev.heddle.core.backend.BackendConnector.Opening;
import dev.heddle.core.backend.BackendSession;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.exchange.Ids;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Revision;

import java.util.function.Function;

/**
 * Lets clients that know tasks of one kind use those of servers that have the other: with sessions
 * tasks are the client's wish and have results that are waited for (MCP 2025-11-25, Tasks), without
 * they are the server's choice and are asked after (the extension {@code
 * io.modelcontextprotocol/tasks} of MCP 2026-07-28). Thread-safe.
 */
public final class TaskBridge {
    private final Ids ids;
    private final Alarms alarms;

    public TaskBridge(Ids ids, Alarms alarms) {
        this.ids = ids;
        this.alarms = alarms;
    }

    /**
     * Opens a conversation whose tasks are such as its client knows, if it knows any.
     *
     * @param backend the name of the backend
     */
    public Connected connect(
            String backend, Opening opening, Function<Opening, Connected> connector) {
        var client = opening.profile();
        boolean extension = !client.revision().hasSessions() && Tasks.declares(client);
        if (!extension && !usesSessionTasks(client.revision())) {
            return connector.apply(opening);
        }
        var events = new TaskEvents(opening.events());
        var connected = connector.apply(opening.with(events));
        var introduction = connected.introduction();
        if (extension && offersSessionTasks(introduction)) {
            var tasks = new SessionServerTasks(backend, connected.session(), opening, ids, alarms);
            return over(tasks, tasks, events, introduction);
        } else if (!extension && offersExtension(introduction)) {
            var tasks =
                    new StatelessServerTasks(backend, connected.session(), opening, ids, alarms);
            return over(tasks, tasks, events, introduction);
        }
        return connected;
    }

    private static Connected over(
            BackendSession session,
            TaskEvents.Taker taker,
            TaskEvents events,
            Introduction introduction) {
        events.to(taker);
        return new Connected(session, introduction);
    }

    /** Whether clients with a session of {@code revision} may have tasks. */
    public static boolean usesSessionTasks(Revision revision) {
        return revision.hasSessions() && revision.isAtLeast(Revision.V2025_11_25);
    }

    /** Whether a server carries out calls of tools as tasks of a session. */
    public static boolean offersSessionTasks(Introduction server) {
        return usesSessionTasks(server.revision())
                && (server.isUnknown()
                        || server.capabilities()
                                .get("tasks")
                                .flatMap(tasks -> tasks.get("requests"))
                                .flatMap(requests -> requests.get("tools"))
                                .flatMap(tools -> tools.get("call"))
                                .isPresent());
    }

    /** Whether a server without sessions may make tasks of calls. */
    public static boolean offersExtension(Introduction server) {
        return !server.revision().hasSessions()
                && server.capabilities()
                        .get("extensions")
                        .filter(Json::isObject)
                        .flatMap(extensions -> extensions.get(MetaKey.TASKS))
                        .isPresent();
    }
}
