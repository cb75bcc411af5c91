package dev.heddle.core.aggregation;

import dev.heddle.core.aggregation.AggregationRules.Alphabet;
import dev.heddle.core.aggregation.AggregationRules.Strategy;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.catalog.Catalog;
import dev.heddle.protocol.Digest;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Gives each thing of one kind its client-visible name.
 *
 * <p>Names are a function of what the backends offer, in the order of the configuration, and of
 * nothing else. What loses a name is reported and left out; nothing else is lost with it. Confined
 * to one thread.
 */
final class Naming {
    private static final int MAX_LENGTH = 64;
    private static final int SUFFIX = 8;

    /**
     * One thing that wants a name.
     *
     * @param wanted its own name, or the one that an override gives it
     */
    record Claim(Route route, String wanted, Catalogued source) {}

    /** What is known of the thing apart from its name. */
    record Catalogued(Catalog.Entry entry, boolean usable) {}

    /** A name that a claim gets unless it is too long or taken. */
    private record Proposal(Claim claim, String name) {
        /** Whether it is the claim's own choice, which goes before names that were made up. */
        boolean isWanted() {
            return name.equals(claim.wanted());
        }
    }

    private final Strategy strategy;
    private final Alphabet alphabet;
    private final String kind;
    private final List<Note> notes;
    private final Map<String, Claim> taken;

    /**
     * A naming that avoids the names in {@code taken}, adds to them, and reports to {@code notes}.
     */
    Naming(AggregationRules rules, String kind, Map<String, Claim> taken, List<Note> notes) {
        this.strategy = rules.strategy();
        this.alphabet = rules.alphabet();
        this.kind = kind;
        this.taken = taken;
        this.notes = notes;
    }

    /** The claims under the names that they get, in the order of {@code claims}. */
    Map<String, Claim> assign(List<Claim> claims) {
        var groups = new LinkedHashMap<String, List<Claim>>();
        claims.forEach(
                claim -> groups.computeIfAbsent(base(claim), _ -> new ArrayList<>()).add(claim));
        var proposals = new ArrayList<Proposal>();
        groups.forEach((base, group) -> propose(base, withoutRepeats(group), proposals));
        var settled = new HashMap<Route, String>();
        proposals.stream()
                .filter(Proposal::isWanted)
                .forEach(proposal -> settle(proposal, settled));
        proposals.stream()
                .filter(proposal -> !proposal.isWanted())
                .forEach(proposal -> settle(proposal, settled));
        var named = new LinkedHashMap<String, Claim>();
        for (var claim : claims) {
            var name = settled.remove(claim.route());
            if (name != null) {
                named.put(name, claim);
            }
        }
        return named;
    }

    private String base(Claim claim) {
        var prefixed =
                strategy instanceof Strategy.Prefix(var format)
                        ? format.replace("{workload}", claim.route().backend().value())
                                + claim.wanted()
                        : claim.wanted();
        return alphabet.legalize(prefixed);
    }

    /** A backend that lists one name twice means the first. */
    private List<Claim> withoutRepeats(List<Claim> group) {
        var kept = new ArrayList<Claim>();
        for (var claim : group) {
            if (kept.stream().anyMatch(other -> other.route().equals(claim.route()))) {
                note(claim, "listed twice by its backend; the first is shown");
            } else {
                kept.add(claim);
            }
        }
        return kept;
    }

    private void propose(String base, List<Claim> group, List<Proposal> proposals) {
        if (group.size() == 1) {
            proposals.add(new Proposal(group.getFirst(), base));
            return;
        }
        switch (strategy) {
            case Strategy.Auto _ -> proposePrefixed(base, group, proposals);
            case Strategy.Prefix _ ->
                    group.forEach(claim -> proposals.add(new Proposal(claim, base)));
            case Strategy.Priority(var order) ->
                    winner(group, order)
                            .ifPresentOrElse(
                                    winner -> proposeWinner(base, group, winner, proposals),
                                    () -> proposePrefixed(base, group, proposals));
            case Strategy.Manual _ -> proposeWinner(base, group, group.getFirst(), proposals);
        }
    }

    private static void proposePrefixed(String base, List<Claim> group, List<Proposal> proposals) {
        group.forEach(claim -> proposals.add(new Proposal(claim, prefixed(claim, base))));
    }

    private static Optional<Claim> winner(List<Claim> group, List<BackendId> order) {
        return group.stream()
                .filter(claim -> order.contains(claim.route().backend()))
                .min(Comparator.comparingInt(claim -> order.indexOf(claim.route().backend())));
    }

    private void proposeWinner(
            String base, List<Claim> group, Claim winner, List<Proposal> proposals) {
        proposals.add(new Proposal(winner, base));
        for (var claim : group) {
            if (!claim.equals(winner)) {
                note(
                        claim,
                        "not shown: '"
                                + base
                                + "' is taken by backend '"
                                + winner.route().backend()
                                + "'");
            }
        }
    }

    private static String prefixed(Claim claim, String base) {
        return claim.route().backend() + "_" + base;
    }

    /** Gives a claim its name, or one with a suffix of its own where that is too long or taken. */
    private void settle(Proposal proposal, Map<Route, String> settled) {
        var claim = proposal.claim();
        var legal = alphabet.legalize(proposal.name());
        boolean fits = alphabet == Alphabet.ANY || legal.length() <= MAX_LENGTH;
        var name = fits && !taken.containsKey(legal) ? legal : suffixed(claim, legal);
        if (taken.putIfAbsent(name, claim) != null) {
            note(claim, "not shown: '" + name + "' is taken");
            return;
        }
        settled.put(claim.route(), name);
        if (!name.equals(claim.route().original())) {
            note(claim, "shown as '" + name + "'");
        }
    }

    private static String suffixed(Claim claim, String name) {
        var digest =
                new Digest()
                        .add(claim.route().backend().value())
                        .add(claim.route().original())
                        .name();
        var head = name.substring(0, Math.min(name.length(), MAX_LENGTH - SUFFIX - 1));
        return head + "_" + digest.substring(0, SUFFIX);
    }

    private void note(Claim claim, String text) {
        notes.add(new Note(kind, claim.route().backend(), claim.route().original(), text));
    }
}
