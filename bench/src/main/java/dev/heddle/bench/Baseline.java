package dev.heddle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What was measured before, to be compared with. Only ratios to what runs beside are kept, and what
 * hardly depends on the machine's mood.
 */
final class Baseline {
    private static final Map<String, List<String>> KEPT =
            Map.of(
                    "S1", List.of("share", "cost"),
                    "S4", List.of("share", "cost"),
                    "S7", List.of("idle heap bytes", "listening heap bytes"),
                    "S9", List.of("resident MB"));

    private final Path file;

    Baseline(Path file) {
        this.file = file;
    }

    /** Tells how far the figures of {@code report} are from those before. */
    void compare(Report report) throws IOException {
        var before = read();
        figures(report)
                .forEach(
                        (name, value) -> {
                            var old = before.get(name);
                            if (old != null) {
                                report.say(
                                        "%-40s %10.3f  before %10.3f  (%+.1f %%)"
                                                .formatted(
                                                        name, value, old, (value / old - 1) * 100));
                            }
                        });
    }

    private Map<String, Double> read() throws IOException {
        var before = new LinkedHashMap<String, Double>();
        if (Files.exists(file)) {
            for (var line : Files.readAllLines(file)) {
                int last = line.lastIndexOf(',');
                before.put(line.substring(0, last), Double.parseDouble(line.substring(last + 1)));
            }
        }
        return before;
    }

    /** What has not been measured stays as it was. */
    void save(Report report) throws IOException {
        var all = read();
        all.putAll(figures(report));
        Files.write(
                file,
                all.entrySet().stream()
                        .map(
                                entry ->
                                        String.format(
                                                Locale.ROOT,
                                                "%s,%.4g",
                                                entry.getKey(),
                                                entry.getValue()))
                        .toList());
    }

    private static Map<String, Double> figures(Report report) {
        var medians = new LinkedHashMap<String, Double>();
        KEPT.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(
                        entry -> {
                            for (var name : entry.getValue()) {
                                report.figures(entry.getKey(), name)
                                        .forEach(
                                                (subject, numbers) ->
                                                        medians.put(
                                                                entry.getKey()
                                                                        + ","
                                                                        + subject
                                                                        + ","
                                                                        + name,
                                                                numbers.median()));
                            }
                        });
        return medians;
    }
}
