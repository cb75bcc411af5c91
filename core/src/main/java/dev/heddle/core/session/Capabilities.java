package dev.heddle.core.session;

import dev.heddle.core.backend.Introduction;
import dev.heddle.core.tasks.TaskBridge;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Revision;

import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * What backends can do together for a client. A client's session learns no more capabilities once
 * it has begun, so that a backend of which nothing is known yet counts as one that can do
 * everything.
 */
final class Capabilities {
    private static final Json CHANGING = Json.parse("{\"listChanged\":true}");
    private static final Json SESSION_TASKS =
            Json.parse("{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}");

    private Capabilities() {}

    /**
     * @param backends how each has introduced itself; empty for one of which nothing is known
     * @param client the revision that the client speaks
     */
    static Json of(List<Optional<Introduction>> backends, Revision client) {
        var known = backends.stream().flatMap(Optional::stream).toList();
        boolean unsure = known.isEmpty() || known.size() < backends.size();
        Predicate<Predicate<Introduction>> can =
                ability -> unsure || known.stream().anyMatch(ability);
        boolean tasks =
                can.test(
                        one ->
                                TaskBridge.offersSessionTasks(one)
                                        || TaskBridge.offersExtension(one));
        return Json.object(
                all -> {
                    put(all, "completions", can.test(Capabilities::completes), Json.EMPTY_OBJECT);
                    put(all, "logging", can.test(one -> one.offers("logging")), Json.EMPTY_OBJECT);
                    put(all, "prompts", can.test(one -> one.offers("prompts")), CHANGING);
                    put(
                            all,
                            "resources",
                            can.test(one -> one.offers("resources")),
                            can.test(Capabilities::tellsOfUpdates)
                                    ? CHANGING.with("subscribe", Json.TRUE)
                                    : CHANGING);
                    put(all, "tools", can.test(one -> one.offers("tools")), CHANGING);
                    put(all, "tasks", tasks && TaskBridge.usesSessionTasks(client), SESSION_TASKS);
                    var extensions = extensions(known, tasks && !client.hasSessions());
                    put(all, "extensions", !extensions.members().isEmpty(), extensions);
                });
    }

    private static void put(Json.Members all, String name, boolean able, Json capability) {
        if (able) {
            all.put(name, capability);
        }
    }

    /** Before 2025-03-26 there was no word for it. */
    private static boolean completes(Introduction server) {
        return server.offers("completions")
                || (!server.revision().isAtLeast(Revision.V2025_03_26)
                        && (server.offers("prompts") || server.offers("resources")));
    }

    private static boolean tellsOfUpdates(Introduction server) {
        return server.isUnknown() || server.offers("resources", "subscribe");
    }

    /**
     * Those that need nothing of the gateway but that it leaves what it carries as it is, and those
     * that it knows.
     */
    private static Json extensions(List<Introduction> known, boolean tasks) {
        return Json.object(
                all -> {
                    put(all, MetaKey.TASKS, tasks, Json.EMPTY_OBJECT);
                    all.put(
                            MetaKey.UI,
                            known.stream()
                                    .map(one -> one.capabilities().get("extensions"))
                                    .flatMap(Optional::stream)
                                    .filter(Json::isObject)
                                    .map(offered -> offered.get(MetaKey.UI))
                                    .flatMap(Optional::stream)
                                    .findFirst());
                });
    }
}
