package dev.heddle.core.aggregation;

import dev.heddle.core.aggregation.AggregationRules.ItemOverride;
import dev.heddle.core.aggregation.AggregationRules.Selection;
import dev.heddle.core.aggregation.Naming.Catalogued;
import dev.heddle.core.aggregation.Naming.Claim;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.protocol.Json;

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

    /** The surface of {@code parts}, which stand in the order of the configuration. */
    public Surface aggregate(List<Part> parts) {
        var key = parts.stream().map(Part::mark).toList();
        lock.lock();
        try {
            var known = remembered.get(key);
            if (known != null) {
                return known;
            }
            var surface = build(parts);
            remembered.put(key, surface);
            if (remembered.size() > REMEMBERED) {
                remembered.remove(remembered.keySet().iterator().next());
            }
            return surface;
        } finally {
            lock.unlock();
        }
    }

    private Surface build(List<Part> parts) {
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
        return new Surface(
                new Listing("tools", items(shown, rules.tools())),
                new Listing("resources", resources(parts, "resource", Catalog::resources, notes)),
                new Listing(
                        "resourceTemplates",
                        resources(parts, "template", Catalog::templates, notes)),
                new Listing("prompts", items(prompts, rules.prompts())),
                new Surface.Routes(routes(shown), routes(prompts), routes(unseen)),
                notes);
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
            Map<String, Claim> named, Map<BackendId, Selection> selections) {
        var items = new ArrayList<Listing.Item>();
        named.forEach(
                (name, claim) -> {
                    if (claim.source().usable()) {
                        var selection =
                                selections.getOrDefault(claim.route().backend(), Selection.ALL);
                        var json =
                                described(
                                        claim,
                                        name,
                                        selection.overrides().get(claim.route().original()));
                        items.add(new Listing.Item(name, json, claim.route()));
                    }
                });
        return items;
    }

    private static Json described(Claim claim, String name, @Nullable ItemOverride override) {
        var json = claim.source().entry().json();
        if (!name.equals(claim.route().original())) {
            json = json.with("name", Json.of(name));
        }
        if (override == null) {
            return json;
        }
        if (override.description().isPresent()) {
            json = json.with("description", Json.of(override.description().get()));
        }
        if (!override.annotations().isEmpty()) {
            var annotations = json.get("annotations").orElse(Json.EMPTY_OBJECT);
            for (var annotation : override.annotations().entrySet()) {
                annotations = annotations.with(annotation.getKey(), annotation.getValue());
            }
            json = json.with("annotations", annotations);
        }
        return json;
    }

    /** URIs are not renamed: of two equal ones the backend that is configured first is asked. */
    private static List<Listing.Item> resources(
            List<Part> parts,
            String kind,
            Function<Catalog, List<Catalog.Entry>> list,
            List<Note> notes) {
        var owners = new HashMap<String, BackendId>();
        var items = new ArrayList<Listing.Item>();
        for (var part : parts) {
            for (var entry : list.apply(part.catalog())) {
                var owner = owners.putIfAbsent(entry.key(), part.backend());
                if (owner != null) {
                    notes.add(
                            new Note(
                                    kind,
                                    part.backend(),
                                    entry.key(),
                                    "not shown: backend '" + owner + "' has the same URI"));
                } else if (part.usable()) {
                    items.add(
                            new Listing.Item(
                                    entry.key(),
                                    entry.json(),
                                    new Route(part.backend(), entry.key())));
                }
            }
        }
        return items;
    }
}
