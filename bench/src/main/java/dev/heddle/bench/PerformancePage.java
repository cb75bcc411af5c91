package dev.heddle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Writes {@code docs/performance.md} with its charts. What people say about it they write in {@code
 * bench/notes.md}.
 */
final class PerformancePage {
    private final Path root;
    private final Report report;
    private final Effort effort;

    PerformancePage(Path root, Report report, Effort effort) {
        this.root = root;
        this.report = report;
        this.effort = effort;
    }

    void write() throws IOException {
        chart("throughput", "S1", "share", "Throughput of tools/call, share of nginx", 0.85);
        chart("cost", "S1", "cost", "Processor time of a call, times nginx's", 1.25);
        chart("streaming", "S4", "share", "Answers of 11 events, share of nginx", 0.7);
        var page = new StringBuilder("# Performance\n\n");
        page.append(
                "Written by `bench/run --write`; the figures of all rounds are in"
                        + " [figures.csv](performance/figures.csv).\n\n");
        page.append("| | measure | target | stretch | found | |\n|---|---|---|---|---|---|\n");
        for (var row : report.rows()) {
            page.append(
                    String.format(
                            Locale.ROOT,
                            "| %s | %s | %s | %s | %s | %s |%n",
                            row.id(),
                            row.measure(),
                            row.target(),
                            row.stretch(),
                            row.found(),
                            row.verdict().words()));
        }
        page.append(
                "\n![Throughput](performance/throughput.svg)\n\n![Cost](performance/cost.svg)\n\n");
        page.append("![Streaming](performance/streaming.svg)\n\n");
        page.append(
                String.format(
                        Locale.ROOT,
                        "Machine: %s. Where a range stands in brackets, the figure is the median"
                                + " of %d interleaved rounds of %.0f s (S9: of all starts); the"
                                + " others are of one measurement.%n%n",
                        machine(),
                        effort.rounds(),
                        effort.measured()));
        page.append(Files.readString(root.resolve("bench/notes.md")));
        Files.writeString(root.resolve("docs/performance.md"), page.toString());
    }

    private void chart(String file, String row, String figure, String title, double target)
            throws IOException {
        var folder = root.resolve("docs/performance");
        Files.createDirectories(folder);
        Files.writeString(
                folder.resolve(file + ".svg"),
                Chart.bars(title, report.figures(row, figure), target));
    }

    private static String machine() throws IOException {
        var cpu =
                Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                        .filter(line -> line.startsWith("model name"))
                        .findFirst()
                        .map(line -> line.substring(line.indexOf(':') + 1).strip())
                        .orElse("unknown processor");
        return Runtime.getRuntime().availableProcessors()
                + " core(s) for the load, one for what is measured, "
                + cpu
                + ", Linux "
                + System.getProperty("os.version")
                + ", Java "
                + System.getProperty("java.version");
    }
}
