package dev.heddle.app.config;

import dev.heddle.core.aggregation.AggregationRules;
import dev.heddle.core.aggregation.AggregationRules.Alphabet;
import dev.heddle.core.aggregation.AggregationRules.ItemOverride;
import dev.heddle.core.aggregation.AggregationRules.Selection;
import dev.heddle.core.aggregation.AggregationRules.Strategy;
import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendId;
import dev.heddle.protocol.Json;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reads how many backends become one surface. Confined to one thread. */
final class AggregationSection {
    private static final Logger log = LoggerFactory.getLogger(AggregationSection.class);
    private static final List<String> HINTS =
            List.of("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint");

    private final Section section;
    private final List<BackendId> backends;

    AggregationSection(Section section, List<Backend> backends) {
        this.section = section;
        this.backends = backends.stream().map(Backend::id).toList();
    }

    AggregationRules read() {
        var tools = selections("tools", true);
        boolean deny =
                section.oneOf("defaultToolVisibility", List.of("allow", "deny"))
                        .filter("deny"::equals)
                        .isPresent();
        var strategy = strategy(tools, deny);
        boolean model =
                section.oneOf("names", List.of("mcp", "model")).filter("model"::equals).isPresent();
        return new AggregationRules(
                strategy,
                model ? Alphabet.MODEL : Alphabet.MCP,
                tools,
                selections("prompts", false),
                section.flag("excludeAllTools").orElse(false),
                deny);
    }

    private Strategy strategy(Map<BackendId, Selection> tools, boolean deny) {
        var settings = section.section("conflictResolutionConfig");
        var format = settings.text("prefixFormat").orElse("{workload}_");
        var order =
                settings.texts("priorityOrder").stream()
                        .flatMap(name -> BackendId.slug(name).stream())
                        .toList();
        var word =
                section.oneOf("conflictResolution", List.of("auto", "prefix", "priority", "manual"))
                        .orElse("auto");
        warnOfInert(settings, "prefixFormat", word, "prefix");
        warnOfInert(settings, "priorityOrder", word, "priority");
        return switch (word) {
            case "prefix" -> {
                if (!format.contains("{workload}")) {
                    settings.complain(
                            "prefixFormat",
                            settings.shown("prefixFormat"),
                            "text with {workload} in it");
                }
                yield new Strategy.Prefix(format);
            }
            case "priority" -> priority(settings, order, tools, deny);
            case "manual" -> {
                if (tools.values().stream()
                        .allMatch(selection -> selection.overrides().isEmpty())) {
                    section.complain(
                            "conflictResolution", "'manual' without any override", "at least one");
                }
                yield new Strategy.Manual();
            }
            default -> new Strategy.Auto();
        };
    }

    private static void warnOfInert(Section settings, String key, String word, String needed) {
        if (settings.has(key) && !word.equals(needed)) {
            log.warn(
                    "{}.{} has no effect beside conflictResolution '{}'",
                    settings.path(),
                    key,
                    word);
        }
    }

    private static Strategy priority(
            Section settings,
            List<BackendId> order,
            Map<BackendId, Selection> tools,
            boolean deny) {
        if (order.isEmpty()) {
            settings.complain(
                    "priorityOrder: found nothing (expected: backend ids, the first wins)");
        }
        for (var backend : order) {
            if (deny && !tools.containsKey(backend)) {
                settings.complain(
                        "priorityOrder",
                        "'" + backend + "', whose tools are hidden",
                        "an entry in aggregation.tools for it, since defaultToolVisibility is"
                                + " deny");
            }
        }
        return new Strategy.Priority(order);
    }

    private Map<BackendId, Selection> selections(String key, boolean annotated) {
        var selections = new LinkedHashMap<BackendId, Selection>();
        for (var entry : section.sections(key)) {
            var workload = entry.text("workload").flatMap(BackendId::slug);
            if (workload.isEmpty()) {
                entry.complain("workload: found nothing (expected: a backend's id)");
                continue;
            }
            if (!backends.contains(workload.get())) {
                log.warn("{}: there is no backend '{}'", entry.path(), workload.get());
            }
            var filter =
                    entry.has("filter")
                            ? Optional.of(Set.copyOf(entry.texts("filter")))
                            : Optional.<Set<String>>empty();
            var overrides = overrides(entry, annotated);
            var selection =
                    new Selection(filter, overrides, entry.flag("excludeAll").orElse(false));
            if (selections.put(workload.get(), selection) != null) {
                entry.complain(
                        "workload",
                        "'" + workload.get() + "' a second time",
                        "one entry for each backend");
            }
        }
        return selections;
    }

    private static Map<String, ItemOverride> overrides(Section entry, boolean annotated) {
        var overrides = new LinkedHashMap<String, ItemOverride>();
        entry.named("overrides")
                .forEach(
                        (original, section) -> {
                            var annotations =
                                    annotated
                                            ? annotations(section.section("annotations"))
                                            : Map.<String, Json>of();
                            var override =
                                    new ItemOverride(
                                            section.text("name"),
                                            section.text("description"),
                                            annotations);
                            if (override.name().isEmpty()
                                    && override.description().isEmpty()
                                    && annotations.isEmpty()) {
                                section.complain(
                                        "found nothing that is said differently (expected: a name,"
                                                + " a description"
                                                + (annotated ? " or annotations)" : ")"));
                            }
                            overrides.put(original, override);
                        });
        return overrides;
    }

    private static Map<String, Json> annotations(Section section) {
        var annotations = new LinkedHashMap<String, Json>();
        section.text("title").ifPresent(title -> annotations.put("title", Json.of(title)));
        for (var hint : HINTS) {
            section.flag(hint).ifPresent(value -> annotations.put(hint, Json.of(value)));
        }
        return annotations;
    }
}
