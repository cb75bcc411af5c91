package dev.heddle.examples;

import dev.heddle.core.aggregation.AggregationRules;
import dev.heddle.core.aggregation.Aggregator;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.session.LiveSessionFactory;
import dev.heddle.protocol.Json;
import dev.heddle.transport.connect.Connectors;
import dev.heddle.transport.net.EventLoops;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;

/**
 * One session over several MCP servers, in a program of your own: {@code Embedding URL URL...}
 * lists all their tools, and calls the first one that is named {@code echo}.
 */
public final class Embedding {
    private Embedding() {}

    public static void main(String[] urls) {
        run(List.of(urls)).forEach(System.out::println);
    }

    /** Lists the tools behind {@code urls} and calls the one named {@code echo}. */
    public static List<String> run(List<String> urls) {
        var backends = new ArrayList<Backend>();
        for (var url : urls) {
            var id = new BackendId("server" + (backends.size() + 1));
            backends.add(new Backend(id, new Target.Remote(URI.create(url), Target.Wire.EITHER)));
        }
        try (var loops = new EventLoops(EventLoops.Io.best());
                var connectors =
                        new Connectors(
                                loops,
                                new OutgoingAuthRegistry(List.of()),
                                new Ids(),
                                ClientProfile.gateway("embedding", "1"))) {
            var factory =
                    LiveSessionFactory.over(connectors, loops.alarms())
                            .aggregator(new Aggregator(AggregationRules.DEFAULT))
                            .build();
            var me = Identity.local("me");
            var profile = ClientProfile.gateway("embedding", "1");
            try (var session = factory.makeSession("my-session", me, profile, backends)) {
                var lines = new ArrayList<String>();
                for (var tool : session.tools().items()) {
                    lines.add(tool.key() + " of " + tool.route().backend());
                    if (tool.route().original().equals("echo")) {
                        var arguments = Json.object(members -> members.put("message", "Hello"));
                        lines.add(
                                session.callTool(me, tool.key(), arguments, Json.EMPTY_OBJECT)
                                        .toString());
                    }
                }
                return lines;
            }
        }
    }
}
