package dev.heddle.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Throughput and processor time of tools/call: all subjects in turn, several rounds, so that what
 * the machine does meanwhile meets all of them.
 */
final class Calls {

    /** One subject in one round: calls in a second, microseconds of processor time for a call. */
    private record Sample(double rate, double cpu, long errors) {}

    private final Loop loop;
    private final List<Subject> subjects;
    private final String tool;
    private final Consumer<String> lines;

    Calls(Loop loop, List<Subject> subjects, String tool, Consumer<String> lines) {
        this.loop = loop;
        this.subjects = List.copyOf(subjects);
        this.tool = tool;
        this.lines = lines;
    }

    /** Measures and tells, all times in seconds. */
    void measure(double firstWarmUp, double warmUp, double seconds, int rounds, int clients) {
        var samples = new LinkedHashMap<String, List<Sample>>();
        for (int round = 0; round < rounds; round++) {
            for (var subject : subjects) {
                double warm = round == 0 ? firstWarmUp : warmUp;
                samples.computeIfAbsent(subject.name(), _ -> new ArrayList<>())
                        .add(sample(subject, warm, seconds, clients));
            }
        }
        tell(samples);
    }

    private Sample sample(Subject subject, double warmUp, double seconds, int clients) {
        var tools =
                subject.prefixed() ? List.of("a_" + tool, "b_" + tool, "c_" + tool) : List.of(tool);
        try (var load = new Load(loop, new Load.Plan(subject.url(), clients, tools))) {
            load.closedLoop(warmUp, 0.1);
            var before = subject.cpu();
            var result = load.closedLoop(0, seconds);
            var used = subject.cpu().minus(before);
            lines.accept(
                    String.format(
                            Locale.ROOT,
                            "%-10s %8.0f calls/s  p50 %6.0f us  p99 %6.0f us  cpu %5.1f us (%.1f"
                                    + " user)  errors %d",
                            subject.name(),
                            result.perSecond(),
                            result.latency().getValueAtPercentile(50) / 1e3,
                            result.latency().getValueAtPercentile(99) / 1e3,
                            used.total() * 1e6 / result.calls(),
                            used.user() * 1e6 / result.calls(),
                            result.errors()));
            return new Sample(
                    result.perSecond(), used.total() * 1e6 / result.calls(), result.errors());
        }
    }

    /** Ratios are taken within one round, since machines are noisy; their median counts. */
    private void tell(Map<String, List<Sample>> samples) {
        var yardstick = samples.getOrDefault("nginx", List.of());
        lines.accept(row("", "share of nginx", "cpu, times nginx's"));
        samples.forEach(
                (name, own) -> {
                    var shares = new ArrayList<Double>();
                    var costs = new ArrayList<Double>();
                    for (int i = 0; i < own.size() && i < yardstick.size(); i++) {
                        shares.add(own.get(i).rate() / yardstick.get(i).rate());
                        costs.add(own.get(i).cpu() / yardstick.get(i).cpu());
                    }
                    lines.accept(row(name, spread(shares), spread(costs)));
                });
    }

    private static String row(String name, String share, String cost) {
        return String.format(Locale.ROOT, "%-10s %20s %20s", name, share, cost);
    }

    private static String spread(List<Double> values) {
        var sorted = values.stream().sorted().toList();
        return String.format(
                Locale.ROOT,
                "%.2f (%.2f-%.2f)",
                sorted.get(sorted.size() / 2),
                sorted.getFirst(),
                sorted.getLast());
    }
}
