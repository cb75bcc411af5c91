package dev.heddle.app.cli;

import dev.heddle.app.config.Problems;
import dev.heddle.app.wiring.Gateway;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Callable;

/** Calls one tool, to see and try without a client. */
@Command(
        name = "call",
        mixinStandardHelpOptions = true,
        description = "Calls one tool and shows its result as JSON.",
        footerHeading = "%nExample:%n",
        footer = "  heddle call now '{\"zone\": \"Europe/Vienna\"}'")
final class Call implements Callable<Integer> {
    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "The tool, by the name that a client sees.")
    private String tool = "";

    @Parameters(index = "1", paramLabel = "JSON", description = "The arguments, a JSON object.")
    private String arguments = "{}";

    @Parameters(
            index = "2..*",
            paramLabel = "URL_OR_COMMAND",
            description = "Backends: URLs, or commands in quotes, each perhaps as NAME=TARGET.")
    private List<String> targets = List.of();

    @Mixin private BackendOptions backends = new BackendOptions();

    @Override
    public Integer call() {
        var json = parse(arguments);
        backends.startLogging("warn");
        var config = backends.read(targets).waiting(Duration.ZERO);
        backends.goOnLogging(config, "warn");
        try (var gateway = new Gateway(config, Version.text(), InstantSource.system());
                var session =
                        Sessions.open(
                                gateway, ClientProfile.gateway(config.name(), Version.text()))) {
            gateway.awaitBackends(
                    () ->
                            session.tools().items().stream()
                                    .anyMatch(item -> item.key().equals(tool)),
                    Sessions.PATIENCE);
            var result = session.callTool(gateway.caller(), tool, json, Json.EMPTY_OBJECT);
            System.out.println(result);
            return result.get("isError").filter(Json::isTrue).isPresent() ? Main.TOOL_ERROR : 0;
        }
    }

    private static Json parse(String text) {
        try {
            var json = Json.parse(text);
            if (json.isObject()) {
                return json;
            }
            throw new Problems.Invalid(
                    List.of("arguments: found '" + text + "' (expected: a JSON object)"));
        } catch (MalformedJson e) {
            throw new Problems.Invalid(List.of("arguments: " + e.getMessage()));
        }
    }
}
