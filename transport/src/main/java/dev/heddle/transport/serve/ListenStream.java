package dev.heddle.transport.serve;

import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Question;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.session.MultiSession;
import dev.heddle.core.session.SharedSubscriptions;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MetaKey;
import dev.heddle.protocol.Method;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.serve.StatelessEndpoint.Asked;

import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;

/**
 * The answer to {@code subscriptions/listen}: tells a client without sessions what it asked to be
 * told, until it leaves (MCP 2026-07-28, Subscriptions).
 */
final class ListenStream implements ClientStream {
    private static final String NOTHING_WANTED =
            "params.notifications: found none (expected: an object that says which are wanted)";

    private final Asked asked;
    private final StatelessForms forms;
    private final Wanted wanted;
    private final Json meta;

    /** What a client wants to be told. */
    private record Wanted(boolean tools, boolean prompts, boolean resources, Set<String> uris) {
        static Wanted of(Envelope request) {
            var given =
                    request.param("notifications")
                            .filter(Json::isObject)
                            .orElseThrow(() -> new Fault.InvalidParams(NOTHING_WANTED));
            var uris =
                    given.get("resourceSubscriptions").map(Json::elements).stream()
                            .flatMap(List::stream)
                            .filter(Json::isString)
                            .map(Json::text)
                            .collect(Collectors.toUnmodifiableSet());
            return new Wanted(
                    is(given, "toolsListChanged"),
                    is(given, "promptsListChanged"),
                    is(given, "resourcesListChanged"),
                    uris);
        }

        private static boolean is(Json given, String name) {
            return given.get(name).filter(Json::isTrue).isPresent();
        }

        boolean wants(Envelope message) {
            return switch (message.method()) {
                case Method.TOOLS_CHANGED -> tools;
                case Method.PROMPTS_CHANGED -> prompts;
                case Method.RESOURCES_CHANGED -> resources;
                case Method.RESOURCE_UPDATED -> message.uri().filter(uris::contains).isPresent();
                default -> false;
            };
        }

        Json honoured(Set<String> subscribed) {
            return Json.object(
                    members -> {
                        flag(tools, "toolsListChanged", members::put);
                        flag(prompts, "promptsListChanged", members::put);
                        flag(resources, "resourcesListChanged", members::put);
                        if (!subscribed.isEmpty()) {
                            var texts = subscribed.stream().sorted().map(Json::of).toList();
                            members.put("resourceSubscriptions", Json.array(texts));
                        }
                    });
        }

        private static void flag(boolean set, String name, BiConsumer<String, Boolean> put) {
            if (set) {
                put.accept(name, true);
            }
        }
    }

    private ListenStream(Asked asked, StatelessForms forms) {
        this.asked = asked;
        this.forms = forms;
        this.wanted = Wanted.of(asked.message());
        this.meta =
                Json.object(members -> members.put(MetaKey.SUBSCRIPTION_ID, asked.message().id()));
    }

    /** Tells the client, beginning with what it will be told. */
    static void open(
            MultiSession session,
            Asked asked,
            StatelessForms forms,
            SharedSubscriptions subscriptions) {
        var stream = new ListenStream(asked, forms);
        subscriptions.join(
                session,
                asked.caller(),
                stream.wanted.uris(),
                share -> {
                    asked.reply().whenOver(share.leave());
                    stream.begin(session, share.uris());
                });
    }

    private void begin(MultiSession session, Set<String> subscribed) {
        try {
            acknowledge(subscribed);
            var attachment = session.attach(asked.caller(), this);
            asked.reply().whenOver(attachment::detach);
        } catch (Fault refused) {
            StatelessForms.refuse(asked.reply(), asked.message().id(), refused);
        }
    }

    private void acknowledge(Set<String> subscribed) {
        var params =
                Json.object(
                        members ->
                                members.put("notifications", wanted.honoured(subscribed))
                                        .put("_meta", meta));
        asked.reply().event(Spliced.of(JsonRpc.notification(Method.ACKNOWLEDGED, params)));
    }

    @Override
    public void notification(Spliced message) {
        var envelope = message.envelope();
        if (wanted.wants(envelope)) {
            var params = envelope.params().orElse(Json.EMPTY_OBJECT);
            var named =
                    params.with(
                            "_meta",
                            params.get("_meta")
                                    .map(
                                            given ->
                                                    given.with(
                                                            MetaKey.SUBSCRIPTION_ID,
                                                            asked.message().id()))
                                    .orElse(meta));
            asked.reply().event(Spliced.of(JsonRpc.notification(envelope.method(), named)));
        }
    }

    @Override
    public boolean question(Question question) {
        return false;
    }

    /** The gateway ends the stream in order. */
    @Override
    public void ended() {
        var result = forms.own(Json.EMPTY_OBJECT);
        var whole =
                result.with(
                        "_meta",
                        result.get("_meta")
                                .orElse(Json.EMPTY_OBJECT)
                                .with(MetaKey.SUBSCRIPTION_ID, asked.message().id()));
        asked.reply().last(200, Spliced.of(JsonRpc.result(asked.message().id(), whole)));
    }
}
