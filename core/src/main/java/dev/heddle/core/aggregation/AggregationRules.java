package dev.heddle.core.aggregation;

import dev.heddle.core.backend.BackendId;
import dev.heddle.protocol.Json;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * How the offers of several backends become one surface.
 *
 * @param tools what is shown of the tools of each backend
 * @param prompts what is shown of the prompts of each backend
 * @param hideAllTools whether clients see no backend tool at all
 * @param denyByDefault whether the tools of a backend without an entry in {@code tools} are hidden
 */
public record AggregationRules(
        Strategy strategy,
        Alphabet alphabet,
        Map<BackendId, Selection> tools,
        Map<BackendId, Selection> prompts,
        boolean hideAllTools,
        boolean denyByDefault) {

    /** Bare names, prefixed only where two backends collide; everything is shown. */
    public static final AggregationRules DEFAULT =
            new AggregationRules(
                    new Strategy.Auto(), Alphabet.MCP, Map.of(), Map.of(), false, false);

    /** The backends' own names; of two that are equal the first is shown. */
    static final AggregationRules RAW =
            new AggregationRules(
                    new Strategy.Manual(), Alphabet.ANY, Map.of(), Map.of(), false, false);

    public AggregationRules {
        tools = Map.copyOf(tools);
        prompts = Map.copyOf(prompts);
    }

    /** What becomes of two things with one name. */
    public sealed interface Strategy {
        /** Both get their backend as prefix. */
        record Auto() implements Strategy {}

        /** Every name gets a prefix, in which <code>{workload}</code> stands for the backend. */
        record Prefix(String format) implements Strategy {}

        /** The backend that is listed first keeps the name, the others lose it. */
        record Priority(List<BackendId> order) implements Strategy {
            public Priority {
                order = List.copyOf(order);
            }
        }

        /**
         * Overrides are to tell them apart. Where they do not, the backend configured first keeps
         * the name.
         */
        record Manual() implements Strategy {}
    }

    /** The characters that client-visible names may have. */
    public enum Alphabet {
        /** Any: names are not touched. */
        ANY(""),
        /** MCP's own (MCP 2025-11-25, Tools, Tool Names). */
        MCP("[^A-Za-z0-9_.-]"),
        /** What model APIs take too. */
        MODEL("[^A-Za-z0-9_-]");

        private final String illegal;

        Alphabet(String illegal) {
            this.illegal = illegal;
        }

        String legalize(String name) {
            return this == ANY ? name : name.replaceAll(illegal, "_");
        }
    }

    /**
     * What is shown of one backend's tools or prompts.
     *
     * @param filter the names that are shown: new ones are tried first, then original ones; empty
     *     for all
     * @param overrides by original name
     */
    public record Selection(
            Optional<Set<String>> filter, Map<String, ItemOverride> overrides, boolean hideAll) {
        static final Selection ALL = new Selection(Optional.empty(), Map.of(), false);

        public Selection {
            filter = filter.map(Set::copyOf);
            overrides = Map.copyOf(overrides);
        }

        /**
         * An entry of the filter that some new name has means that one, not the original of the
         * same name.
         */
        boolean shows(String renamed, String original) {
            if (hideAll || filter.isEmpty()) {
                return !hideAll;
            }
            var names = filter.get();
            return names.contains(renamed) || (names.contains(original) && !isNewName(original));
        }

        private boolean isNewName(String name) {
            return overrides.values().stream()
                    .anyMatch(override -> override.name().filter(name::equals).isPresent());
        }
    }

    /**
     * What is said differently about one tool or prompt. {@code annotations} replace single
     * members, in their order.
     */
    public record ItemOverride(
            Optional<String> name, Optional<String> description, Map<String, Json> annotations) {
        public ItemOverride {
            annotations = Collections.unmodifiableMap(new LinkedHashMap<>(annotations));
        }
    }
}
