package dev.heddle.bench;

import java.io.IOException;
import java.util.List;

/** The rows about sessions and the process: beginnings, lists, changes, memory. */
final class SessionRows {
    private static final String HEDDLE = "heddle";
    private static final int LARGE_CALLS = 16;

    private final Gateways gateways;
    private final Effort effort;
    private final Report report;
    private final Stubs stubs;
    private final Beginnings beginnings;
    private final Memory memory;

    SessionRows(Gateways gateways, Effort effort, Report report, Loop loop) {
        this.gateways = gateways;
        this.effort = effort;
        this.report = report;
        this.stubs = new Stubs(loop);
        this.beginnings = new Beginnings(report);
        this.memory = new Memory(report);
    }

    void initialize() throws IOException {
        stubs.withHanging(
                9,
                50,
                ten -> {
                    try (var heddle = gateways.heddle(HEDDLE, ten)) {
                        var alone = beginnings.rate(Gateways.direct(ten), ten, 1, 20);
                        report.beside(
                                "S5",
                                "initialize of one backend without a gateway, 1/s, p50 / p99",
                                millis(alone));
                        initialize(heddle, ten, 1, effort.whole() ? 60 : 20);
                        initialize(heddle, ten, 100, effort.whole() ? 2000 : 500);
                    }
                });
    }

    private static String millis(Numbers numbers) {
        return "%.1f / %.1f ms".formatted(numbers.percentile(50), numbers.percentile(99));
    }

    private void initialize(Subject heddle, List<Stub> ten, int perSecond, int sessions) {
        var took = beginnings.rate(heddle, ten, perSecond, sessions);
        var asked = report.figure("S5", perSecond + "/s backend requests", HEDDLE).median();
        report.row(
                "S5",
                "initialize, one of ten backends hanging, %d/s, p50 / p99".formatted(perSecond),
                "5 / 50 ms",
                "2 / 20 ms",
                "%s; %.1f backend requests each".formatted(millis(took), asked),
                took.percentile(50) <= 5 && took.percentile(99) <= 50);
    }

    void lists() throws IOException {
        stubs.with(
                10,
                100,
                ten -> {
                    try (var heddle = gateways.heddle(HEDDLE, ten)) {
                        double p50 = beginnings.lists(heddle, ten).percentile(50);
                        double asked = report.figure("S6", "backend requests", HEDDLE).median();
                        report.row(
                                "S6",
                                "tools/list of 1,000 tools, p50, backend requests",
                                "5 ms, 0",
                                "1 ms, 0",
                                "%.2f ms, %.0f".formatted(p50, asked),
                                p50 <= 5 && asked == 0);
                    }
                });
    }

    void idle() throws IOException {
        stubs.with(
                3,
                100,
                three -> {
                    var without = idle(three, false);
                    var with = idle(three, true);
                    report.row(
                            "S7",
                            "live heap of an idle session without / with a GET stream",
                            "4 / 12 KB",
                            "2 / 8 KB",
                            "%.1f / %.1f KB".formatted(without.heap(), with.heap()),
                            without.heap() <= 4 && with.heap() <= 12);
                    report.beside(
                            "S7",
                            "resident memory beside it, and backend sessions",
                            "%.1f / %.1f KB; %.1f / %.1f"
                                    .formatted(
                                            without.resident(),
                                            with.resident(),
                                            without.behind(),
                                            with.behind()));
                });
    }

    private Memory.Session idle(List<Stub> three, boolean listening) throws IOException {
        try (var heddle = gateways.heddle(HEDDLE, three)) {
            return memory.session(heddle, three, listening);
        }
    }

    void start() throws IOException {
        stubs.with(
                3,
                100,
                three -> {
                    var found = new Starts(gateways, report).measure(three, 3 * effort.rounds());
                    report.row(
                            "S9",
                            "start to /readyz; resident memory then",
                            "1.0 s; 150 MB",
                            "0.5 s; 100 MB",
                            found[0].spread("%.2f") + " s; " + found[1].spread("%.0f") + " MB",
                            found[0].median() <= 1 && found[1].median() <= 150);
                });
    }

    void changes() throws IOException {
        stubs.with(
                3,
                100,
                three -> {
                    try (var heddle = gateways.heddle(HEDDLE, three)) {
                        var took = beginnings.changes(heddle, three);
                        report.row(
                                "S10",
                                "list_changed from backend to client, p50 / p99",
                                "5 / 50 ms",
                                "2 / 20 ms",
                                millis(took),
                                took.percentile(50) <= 5 && took.percentile(99) <= 50);
                    }
                });
    }

    void large() throws IOException {
        stubs.with(
                1,
                100,
                one -> {
                    try (var heddle = gateways.heddle("large", one)) {
                        double bytes = memory.large(heddle, LARGE_CALLS);
                        report.row(
                                "S12",
                                "resident memory for a 10 MB result that nobody reads",
                                "4 MB",
                                "",
                                "%.1f MB".formatted(bytes / 1e6),
                                bytes < 4e6);
                    }
                });
    }
}
