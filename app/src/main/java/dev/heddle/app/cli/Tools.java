package dev.heddle.app.cli;

import dev.heddle.app.wiring.Gateway;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.session.MultiSession;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.time.InstantSource;
import java.util.concurrent.Callable;

/** Shows what a client would see. */
@Command(
        name = "tools",
        mixinStandardHelpOptions = true,
        description =
                "Lists the tools that a client would see, where each comes from, and what was"
                        + " renamed or hidden.")
final class Tools implements Callable<Integer> {
    @Mixin private BackendOptions backends = new BackendOptions();

    @Mixin private BackendOptions.Targets targets = new BackendOptions.Targets();

    @Override
    public Integer call() {
        backends.startLogging("warn");
        var config = Sessions.patient(backends.read(targets.list()));
        backends.goOnLogging(config, "warn");
        try (var gateway = new Gateway(config, Version.text(), InstantSource.system());
                var session =
                        Sessions.open(
                                gateway, ClientProfile.gateway(config.name(), Version.text()))) {
            gateway.awaitBackends(() -> false, Sessions.PATIENCE);
            show(gateway, session);
            boolean nothing = session.tools().items().isEmpty();
            return nothing && !gateway.pages().troubles().isEmpty() ? Main.FAILED : 0;
        }
    }

    private static void show(Gateway gateway, MultiSession session) {
        var tools = gateway.sessions().getAdaptedTools(session.id(), gateway.caller());
        for (var tool : tools.items()) {
            var route = tool.route();
            var original = route.original().equals(tool.key()) ? "" : " as " + route.original();
            System.out.printf("%-40s %s%s%n", tool.key(), route.backend(), original);
        }
        var surface = gateway.pages().surface();
        surface.notes().stream()
                .filter(note -> note.kind().equals("tool"))
                .forEach(
                        note ->
                                System.out.println(
                                        "# "
                                                + note.backend()
                                                + ": "
                                                + note.original()
                                                + " "
                                                + note.text()));
        surface.hiddenTools()
                .values()
                .forEach(
                        route ->
                                System.out.println(
                                        "# "
                                                + route.backend()
                                                + ": "
                                                + route.original()
                                                + " is hidden"));
        gateway.pages().troubles().forEach(trouble -> System.err.println("# " + trouble));
    }
}
