package dev.heddle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Puts loads in front of gateways and stubs behind them, and tells what gateways cost. The stubs
 * and the load share this process and its core; what is measured has the other core.
 */
public final class Bench {
    private static final String ALL = "S1,S3,S4,S5,S6,S7,S8,S9,S10,S11,S12,S13";
    private static final String QUICK = "S1,S6,S9";

    private Bench() {}

    /**
     * Measures, and tells on standard output.
     *
     * @param args {@code --quick} for less effort; {@code --rows S1,S5} for some rows only; {@code
     *     --write} to write the page and the figures; {@code --save} for a new baseline; {@code
     *     NAME=URL} for each further gateway, which has the three stubs behind it under the names
     *     a, b and c, with prefixes; {@code --heddle NAME=OPTIONS} for each further Heddle, with
     *     options of its virtual machine, or with {@code io:NAME}
     */
    public static void main(String[] args) throws IOException {
        Locale.setDefault(Locale.ROOT); // figures are written alike everywhere
        var options = List.of(args);
        var effort = options.contains("--quick") ? Effort.QUICK : Effort.WHOLE;
        int at = options.indexOf("--rows");
        if (options.contains("--write") && (at >= 0 || !effort.whole())) {
            throw new IllegalArgumentException(
                    "found --write with --rows or --quick (expected: a whole run)");
        }
        var rows = at >= 0 ? options.get(at + 1) : effort.whole() ? ALL : QUICK;
        var root = Path.of(System.getProperty("heddle.root"));
        var report = new Report();
        var folder = Files.createTempDirectory("heddle-bench");
        var gateways = new Gateways(root, folder, others(options));
        new Measurements(gateways, effort, report)
                .measure(List.of(rows.replace("S2", "S1").split(",", -1)));
        var baseline = new Baseline(root.resolve("bench/baseline.csv"));
        baseline.compare(report);
        if (options.contains("--save")) {
            baseline.save(report);
        }
        if (options.contains("--write")) {
            report.writeCsv(root.resolve("docs/performance/figures.csv"));
            new PerformancePage(root, report, effort).write();
        }
        System.exit(0);
    }

    private static List<Gateways.Other> others(List<String> options) {
        var others = new ArrayList<Gateways.Other>();
        for (int i = 0; i < options.size(); i++) {
            if (options.get(i).equals("--heddle")) {
                others.add(Gateways.Other.variant(options.get(++i)));
            } else if (options.get(i).contains("=")) {
                others.add(Gateways.Other.running(options.get(i)));
            }
        }
        return others;
    }
}
