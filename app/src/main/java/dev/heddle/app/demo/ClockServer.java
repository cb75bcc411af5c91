package dev.heddle.app.demo;

import dev.heddle.core.backend.InProcessServer;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.Method;

import java.time.DateTimeException;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/** Tells the time. */
public final class ClockServer {
    private static final Json TOOLS =
            Json.parse(
                    """
                    {"tools":[{"name":"now","title":"Time","description":"Tells the time in a time zone.",\
                    "inputSchema":{"type":"object","properties":{"zone":{"type":"string",\
                    "description":"A time zone such as Europe/Vienna; UTC if absent"}}},\
                    "annotations":{"readOnlyHint":true,"openWorldHint":false}}]}\
                    """);

    private ClockServer() {}

    public static InProcessServer create(InstantSource clock) {
        return new DemoServer(
                "heddle-clock",
                Json.parse("{\"tools\":{}}"),
                _ ->
                        (method, request) ->
                                switch (method) {
                                    case Method.PING -> Json.EMPTY_OBJECT;
                                    case Method.TOOLS_LIST -> TOOLS;
                                    case Method.TOOLS_CALL -> call(clock, request);
                                    default -> throw DemoServer.Refused.unknown(method);
                                });
    }

    private static Json call(InstantSource clock, Envelope request) throws DemoServer.Refused {
        var tool = request.name().orElse("");
        if (!tool.equals("now")) {
            throw new DemoServer.Refused(ErrorCode.INVALID_PARAMS, "tool '" + tool + "' not found");
        }
        var zone = DemoServer.argument(request, "zone");
        try {
            var time = clock.instant().atZone(ZoneId.of(zone.isEmpty() ? "UTC" : zone));
            return DemoServer.said(time.format(DateTimeFormatter.ISO_OFFSET_DATE_TIME));
        } catch (DateTimeException e) {
            return DemoServer.failed("There is no time zone '" + zone + "'.");
        }
    }
}
