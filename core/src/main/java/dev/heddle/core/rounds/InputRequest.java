package dev.heddle.core.rounds;

import dev.heddle.core.exchange.Question;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MetaKey;

import java.util.List;

/**
 * A question of a server with sessions, as a client without one reads it (MCP 2026-07-28, Multi
 * round-trip requests).
 */
public final class InputRequest {
    /** By these only a hop with sessions would hear of progress, and know the task. */
    private static final List<String> OF_SESSIONS = List.of("progressToken", MetaKey.RELATED_TASK);

    private InputRequest() {}

    /** The question's method and parameters, without what only sessions have a use for. */
    public static Json of(Question question) {
        var request = question.request();
        return Json.object(
                members -> {
                    members.put("method", request.method());
                    request.params()
                            .map(params -> withoutMeta(params.without("elicitationId")))
                            .ifPresent(params -> members.put("params", params));
                });
    }

    private static Json withoutMeta(Json params) {
        var meta = params.get("_meta").filter(Json::isObject);
        if (meta.isEmpty()) {
            return params;
        }
        var left = meta.get();
        for (var key : OF_SESSIONS) {
            left = left.without(key);
        }
        return left.members().isEmpty() ? params.without("_meta") : params.with("_meta", left);
    }
}
