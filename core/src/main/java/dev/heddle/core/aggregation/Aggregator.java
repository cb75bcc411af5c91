package dev.heddle.core.aggregation;

import dev.heddle.core.aggregation.AggregationRules.ItemOverride;
import dev.heddle.core.aggregation.AggregationRules.Selection;
import dev.heddle.core.aggregation.Naming.Catalogued;
import dev.heddle.core.aggregation.Naming.Claim;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.core.tasks.TaskBridge;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.MalformedJson;
import dev.heddle.protocol.OutputSchema;
import dev.heddle.protocol.Revision;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Makes one surface of many catalogs: overrides, filters, names, routes.
 *
 * <p>A function of its input: the same catalogs in the same order give the same surface, and the
 * same instance while it is remembered. Thread-safe.
 */
public final class Aggregator {
    private static final int REMEMBERED = 256;
    private static final Json MAY_BE_TASK = Json.parse("{\"taskSupport\":\"optional\"}");

    private volatile AggregationRules rules;
    private final ReentrantLock lock = new ReentrantLock(); // guards remembered
    private final Map<List<String>, Surface> remembered = new LinkedHashMap<>(16, 0.75f, true);

    public Aggregator(AggregationRules rules) {
        this.rules = rules;
    }

    /** One that leaves the backends' names alone. */
    public static Aggregator raw() {
        return new Aggregator(AggregationRules.RAW);
    }

    /** Goes by other rules from now on; surfaces that exist stay as they are. */
    public void follow(AggregationRules next) {
        lock.lock();
        try {
            rules = next;
            remembered.clear();
        } finally {
            lock.unlock();
        }
    }

    /**
     * The surface of {@code parts}, which stand in the order of the configuration.
     *
     * @param client whose words are used: some things are described differently to clients with
     *     sessions and without
     */
    public Surface aggregate(List<Part> parts, Revision client) {
        var key = new ArrayList<String>();
        key.add(client.hasSessions() ? "sessions" : "stateless");
        parts.stream().map(Part::mark).forEach(key::add);
        lock.lock();
        try {
            var known = remembered.get(key);
            if (known != null) {
                return known;
            }
            var surface = build(parts, client);
            remembered.put(List.copyOf(key), surface);
            if (remembered.size() > REMEMBERED) {
                remembered.remove(remembered.keySet().iterator().next());
            }
            return surface;
        } finally {
            lock.unlock();
        }
    }

    private Surface build(List<Part> parts, Revision client) {
        var notes = new ArrayList<Note>();
        var tools = new ArrayList<Claim>();
        var hidden = new ArrayList<Claim>();
        for (var part : parts) {
            for (var claim : claims(part, part.catalog().tools(), rules.tools())) {
                (showsTool(claim) ? tools : hidden).add(claim);
            }
        }
        var taken = new HashMap<String, Claim>();
        var shown = new Naming(rules, "tool", taken, notes).assign(tools);
        var unseen = new Naming(rules, "hidden tool", taken, new ArrayList<>()).assign(hidden);
        var prompts = new Naming(rules, "prompt", new HashMap<>(), notes).assign(prompts(parts));
        var resources = resources(parts, "resource", Catalog::resources, notes);
        var templates = resources(parts, "template", Catalog::templates, notes);
        return new Surface(
                new Listing(
                        "tools",
                        items(shown, rules.tools(), notes).stream()
                                .map(item -> inWordsOf(client, servers(parts), item))
                                .toList()),
                new Listing("resources", usable(resources)),
                new Listing("resourceTemplates", usable(templates)),
                new Listing("prompts", items(prompts, rules.prompts(), notes)),
                new Surface.Routes(
                        routes(shown),
                        routes(prompts),
                        routes(unseen),
                        owners(resources),
                        owners(templates),
                        parts.stream().filter(Part::hasResources).map(Part::backend).toList()),
                Instructions.of(parts),
                notes);
    }

    private static Map<BackendId, Introduction> servers(List<Part> parts) {
        var servers = new HashMap<BackendId, Introduction>();
        parts.forEach(part -> servers.put(part.backend(), part.catalog().introduction()));
        return servers;
    }

    /** A tool as clients of the era of {@code client} understand it. */
    private static Listing.Item inWordsOf(
            Revision client, Map<BackendId, Introduction> servers, Listing.Item tool) {
        var server =
                servers.getOrDefault(tool.route().backend(), Introduction.unknown(Revision.LATEST));
        if (client.hasSessions() == server.revision().hasSessions()) {
            return tool;
        }
        try {
            var json =
                    client.hasSessions()
                            ? asTask(OutputSchema.closed(tool.json()), server)
                            : tool.json().without("execution");
            return new Listing.Item(tool.key(), json, tool.route());
        } catch (MalformedJson unreadable) {
            return tool;
        }
    }

    /** A server without sessions decides itself whether a call becomes a task. */
    private static Json asTask(Json tool, Introduction server) {
        return TaskBridge.offersExtension(server) ? tool.with("execution", MAY_BE_TASK) : tool;
    }

    private static Map<String, Route> routes(Map<String, Claim> named) {
        var routes = new LinkedHashMap<String, Route>();
        named.forEach((name, claim) -> routes.put(name, claim.route()));
        return routes;
    }

    private List<Claim> prompts(List<Part> parts) {
        var claims = new ArrayList<Claim>();
        for (var part : parts) {
            var selection = rules.prompts().getOrDefault(part.backend(), Selection.ALL);
            claims(part, part.catalog().prompts(), rules.prompts()).stream()
                    .filter(claim -> selection.shows(claim.wanted(), claim.route().original()))
                    .forEach(claims::add);
        }
        return claims;
    }

    private static List<Claim> claims(
            Part part, List<Catalog.Entry> entries, Map<BackendId, Selection> selections) {
        var overrides = selections.getOrDefault(part.backend(), Selection.ALL).overrides();
        return entries.stream()
                .map(
                        entry ->
                                new Claim(
                                        new Route(part.backend(), entry.key()),
                                        overrides.containsKey(entry.key())
                                                ? overrides
                                                        .get(entry.key())
                                                        .name()
                                                        .orElse(entry.key())
                                                : entry.key(),
                                        new Catalogued(entry, part.usable())))
                .toList();
    }

    private boolean showsTool(Claim claim) {
        var selection = rules.tools().get(claim.route().backend());
        if (rules.hideAllTools()) {
            return false;
        }
        return selection == null
                ? !rules.denyByDefault()
                : selection.shows(claim.wanted(), claim.route().original());
    }

    /**
     * Things keep their names while their backend is down, but only those that can be used are
     * listed.
     */
    private static List<Listing.Item> items(
            Map<String, Claim> named, Map<BackendId, Selection> selections, List<Note> notes) {
        var items = new ArrayList<Listing.Item>();
        named.forEach(
                (name, claim) -> {
                    if (claim.source().usable()) {
                        var selection =
                                selections.getOrDefault(claim.route().backend(), Selection.ALL);
                        var override = selection.overrides().get(claim.route().original());
                        items.add(
                                new Listing.Item(
                                        name,
                                        described(claim, name, override, notes),
                                        claim.route()));
                    }
                });
        return items;
    }

    /** A thing whose description cannot be changed keeps it; nothing else is lost by it. */
    private static Json described(
            Claim claim, String name, @Nullable ItemOverride override, List<Note> notes) {
        var json = claim.source().entry().json();
        if (!name.equals(claim.route().original())) {
            json = json.with("name", Json.of(name));
        }
        try {
            return override == null ? json : overridden(json, override);
        } catch (MalformedJson e) {
            notes.add(
                    new Note(
                            "override",
                            claim.route().backend(),
                            claim.route().original(),
                            "not applied: " + e.getMessage()));
            return json;
        }
    }

    private static Json overridden(Json item, ItemOverride override) {
        var json = item;
        if (override.description().isPresent()) {
            json = json.with("description", Json.of(override.description().get()));
        }
        if (!override.annotations().isEmpty()) {
            var annotations =
                    json.get("annotations").filter(Json::isObject).orElse(Json.EMPTY_OBJECT);
            for (var annotation : override.annotations().entrySet()) {
                annotations = annotations.with(annotation.getKey(), annotation.getValue());
            }
            json = json.with("annotations", annotations);
        }
        return json;
    }

    /**
     * A resource or template that is asked for at {@code backend}; of two equal ones the first is
     * kept.
     */
    private record Owned(Catalog.Entry entry, BackendId backend, boolean usable) {}

    /** URIs are not renamed: of two equal ones the backend that is configured first is asked. */
    private static Map<String, Owned> resources(
            List<Part> parts,
            String kind,
            Function<Catalog, List<Catalog.Entry>> list,
            List<Note> notes) {
        var owned = new LinkedHashMap<String, Owned>();
        for (var part : parts) {
            for (var entry : list.apply(part.catalog())) {
                var owner =
                        owned.putIfAbsent(
                                entry.key(), new Owned(entry, part.backend(), part.usable()));
                if (owner != null) {
                    notes.add(
                            new Note(
                                    kind,
                                    part.backend(),
                                    entry.key(),
                                    "not shown: backend '"
                                            + owner.backend()
                                            + "' has the same URI"));
                }
            }
        }
        return owned;
    }

    private static List<Listing.Item> usable(Map<String, Owned> owned) {
        return owned.values().stream()
                .filter(Owned::usable)
                .map(
                        one ->
                                new Listing.Item(
                                        one.entry().key(),
                                        one.entry().json(),
                                        new Route(one.backend(), one.entry().key())))
                .toList();
    }

    private static Map<String, BackendId> owners(Map<String, Owned> owned) {
        var owners = new LinkedHashMap<String, BackendId>();
        owned.forEach((key, one) -> owners.put(key, one.backend()));
        return owners;
    }
}
