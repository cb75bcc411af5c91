package dev.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The rows of the table, one after the other, each with what it needs. */
final class Measurements {
    private static final int CLIENTS = 64;
    private static final int BUSY = 200;
    private static final double QUIET_CALLS_PER_SECOND = 500;
    private static final double CROWDED_CALLS_PER_SECOND = 10_000;

    private final Gateways gateways;
    private final Effort effort;
    private final Report report;
    private final List<Gateways.Other> others;
    private final Loop loop = new Loop("bench");
    private final Calls calls;
    private final Beginnings beginnings;
    private final Memory memory;

    Measurements(Gateways gateways, Effort effort, Report report, List<Gateways.Other> others) {
        this.gateways = gateways;
        this.effort = effort;
        this.report = report;
        this.others = List.copyOf(others);
        this.calls = new Calls(loop, effort, report);
        this.beginnings = new Beginnings(report);
        this.memory = new Memory(report);
    }

    void measure(List<String> rows) throws IOException {
        for (var row : rows) {
            switch (row) {
                case "S1", "S2" -> throughput();
                case "S3" -> addedLatency();
                case "S4" -> streaming();
                case "S5" -> initialize();
                case "S6" -> lists();
                case "S7" -> idleSessions();
                case "S8" -> crowd();
                case "S9" -> start();
                case "S10" -> changes();
                case "S11" -> neighbours();
                case "S12" -> large();
                default ->
                        throw new IllegalArgumentException(
                                "found row " + row + " (expected: S1 to S12)");
            }
        }
    }

    /** What is there for one row. */
    private interface Setting {
        void run(List<Stub> stubs) throws IOException;
    }

    private void with(int backends, int tools, Setting setting) throws IOException {
        var stubs = new ArrayList<Stub>();
        for (int i = 0; i < backends; i++) {
            stubs.add(new Stub(loop, 0, tools, false));
        }
        try {
            setting.run(stubs);
        } finally {
            stubs.forEach(Stub::close);
        }
    }

    private void row(
            String id, String measure, String target, String stretch, String found, boolean met) {
        report.row(new Report.Row(id, measure, target, stretch, found, met));
    }

    private void throughput() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    var subjects = new ArrayList<Subject>();
                    try {
                        subjects.add(Gateways.direct(stubs));
                        subjects.add(gateways.nginx(stubs));
                        subjects.add(gateways.heddle("heddle", stubs, "", ""));
                        if (effort.whole()) {
                            subjects.add(gateways.heddle("epoll", stubs, "io: epoll", ""));
                        }
                        for (var other : others) {
                            subjects.add(gateways.other(other, stubs));
                        }
                        calls.measure("S1", subjects, "echo0");
                    } finally {
                        subjects.forEach(Subject::close);
                    }
                });
        calls.shares("S1")
                .forEach(
                        (name, share) -> {
                            var measure = "tools/call, share of nginx's throughput: " + name;
                            row(
                                    "S1",
                                    measure,
                                    "0.85",
                                    "1.05",
                                    share.spread("%.2f"),
                                    share.median() >= 0.85);
                        });
        calls.costs("S1")
                .forEach(
                        (name, cost) -> {
                            var measure = "processor time of a call, times nginx's: " + name;
                            row(
                                    "S2",
                                    measure,
                                    "1.25",
                                    "0.95",
                                    cost.spread("%.2f"),
                                    cost.median() <= 1.25);
                        });
    }

    private void addedLatency() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    var direct = Gateways.direct(stubs);
                    try (var nginx = gateways.nginx(stubs);
                            var heddle = gateways.heddle("heddle", stubs, "", "")) {
                        calls.measure("S3 most", List.of(nginx, heddle), "echo0");
                        double rate = report.figure("S3 most", "calls/s", "nginx").median() / 2;
                        calls.latency("S3", nginx, rate, CLIENTS);
                        var added = added("S3", direct, heddle, rate);
                        row(
                                "S3",
                                "added latency at %.0f calls/s, p50 / p99".formatted(rate),
                                "100 us / 1 ms",
                                "50 us / 500 us",
                                added.toString(),
                                added.isSmall());
                    }
                });
    }

    /** What a gateway adds to the latency of its backends, in microseconds. */
    private record Added(double p50, double p99) {
        boolean isSmall() {
            return p50 <= 100 && p99 <= 1000;
        }

        @Override
        public String toString() {
            return "%.0f us / %.0f us".formatted(p50, p99);
        }
    }

    private Added added(String row, Subject direct, Subject gateway, double perSecond) {
        var without = calls.latency(row, direct, perSecond, CLIENTS);
        var with = calls.latency(row, gateway, perSecond, CLIENTS);
        return new Added(
                with[0].median() - without[0].median(), with[1].median() - without[1].median());
    }

    private void streaming() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    var subjects = new ArrayList<Subject>();
                    try {
                        subjects.add(Gateways.direct(stubs));
                        subjects.add(gateways.nginx(stubs).at("/stream"));
                        subjects.add(gateways.heddle("heddle", stubs, "", ""));
                        calls.measure("S4", subjects, "steps");
                    } finally {
                        subjects.forEach(Subject::close);
                    }
                });
        var share = report.figure("S4", "share", "heddle");
        row(
                "S4",
                "answers of 11 events, share of a pass-through nginx",
                "0.7",
                "0.9",
                share.spread("%.2f"),
                share.median() >= 0.7);
    }

    private void initialize() throws IOException {
        with(
                9,
                50,
                stubs -> {
                    var all = new ArrayList<>(stubs);
                    try (var hanging = new Stub(loop, 0, 50, true)) {
                        all.add(hanging);
                        try (var heddle = gateways.heddle("heddle", all, "", "")) {
                            var floor = beginnings.rate(Gateways.direct(stubs), stubs, 1, 20);
                            report.say(
                                    "S5 initialize of one backend alone, 1/s, p50: %.1f ms"
                                            .formatted(floor.percentile(50)));
                            initialize(heddle, all, 1, 20);
                            initialize(heddle, all, 100, effort.whole() ? 2000 : 500);
                        }
                    }
                });
    }

    private void initialize(Subject heddle, List<Stub> stubs, int perSecond, int sessions) {
        var took = beginnings.rate(heddle, stubs, perSecond, sessions);
        double p50 = took.percentile(50);
        double p99 = took.percentile(99);
        var asked = report.figure("S5", perSecond + "/s backend requests", heddle.name()).median();
        row(
                "S5",
                "initialize, one of ten backends hanging, %d/s, p50 / p99".formatted(perSecond),
                "5 / 50 ms",
                "2 / 20 ms",
                "%.1f / %.1f ms; %.1f backend requests each".formatted(p50, p99, asked),
                p50 <= 5 && p99 <= 50);
    }

    private void lists() throws IOException {
        with(
                10,
                100,
                stubs -> {
                    try (var heddle = gateways.heddle("heddle", stubs, "", "")) {
                        double p50 = beginnings.lists(heddle, stubs).percentile(50);
                        double asked = report.figure("S6", "backend requests", "heddle").median();
                        row(
                                "S6",
                                "tools/list of 1,000 tools, p50, backend requests",
                                "5 ms, 0",
                                "1 ms, 0",
                                "%.2f ms, %.0f".formatted(p50, asked),
                                p50 <= 5 && asked == 0);
                    }
                });
    }

    private void idleSessions() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    double[] bytes = new double[2];
                    for (int i = 0; i < 2; i++) {
                        try (var heddle = gateways.heddle("heddle", stubs, "", "")) {
                            bytes[i] = memory.session(heddle, stubs, i == 1);
                        }
                    }
                    row(
                            "S7",
                            "live heap of an idle session without / with a GET stream",
                            "4 / 12 KB",
                            "2 / 8 KB",
                            "%.1f / %.1f KB".formatted(bytes[0] / 1024, bytes[1] / 1024),
                            bytes[0] <= 4096 && bytes[1] <= 12 * 1024);
                });
    }

    private void crowd() throws IOException {
        int sessions = 100_000;
        with(
                3,
                100,
                stubs -> {
                    var direct = Gateways.direct(stubs);
                    try (var heddle = gateways.heddle("crowd", stubs, "", "-Xmx1g")) {
                        memory.crowd(heddle, stubs, sessions);
                        var added = added("S8", direct, heddle, CROWDED_CALLS_PER_SECOND);
                        row(
                                "S8",
                                "sessions in a heap of 1 GB; added latency then, p50 / p99",
                                "100,000; 100 us / 1 ms",
                                "250,000; 50 us / 500 us",
                                "%,d; %s".formatted(sessions, added),
                                added.isSmall());
                    }
                });
    }

    private void start() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    var found = new Starts(gateways, report).measure(stubs, 3 * effort.rounds());
                    row(
                            "S9",
                            "start to /readyz; resident memory then",
                            "1.0 s; 150 MB",
                            "0.5 s; 100 MB",
                            "%s s; %s MB"
                                    .formatted(found[0].spread("%.2f"), found[1].spread("%.0f")),
                            found[0].median() <= 1 && found[1].median() <= 150);
                });
    }

    private void changes() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    try (var heddle = gateways.heddle("heddle", stubs, "", "")) {
                        var took = beginnings.changes(heddle, stubs);
                        double p50 = took.percentile(50);
                        double p99 = took.percentile(99);
                        row(
                                "S10",
                                "list_changed from backend to client, p50 / p99",
                                "5 / 50 ms",
                                "2 / 20 ms",
                                "%.1f / %.1f ms".formatted(p50, p99),
                                p50 <= 5 && p99 <= 50);
                    }
                });
    }

    private void neighbours() throws IOException {
        with(
                3,
                100,
                stubs -> {
                    try (var heddle = gateways.heddle("heddle", stubs, "", "")) {
                        calls.measure("S11 most", List.of(heddle), "echo0");
                        var alone =
                                calls.latency("S11", heddle, QUIET_CALLS_PER_SECOND, CLIENTS - 1);
                        double working = beside("a_work", heddle) / alone[1].median();
                        double hurrying = beside("a_echo0", heddle) / alone[1].median();
                        row(
                                "S11",
                                "p99 of 63 quiet sessions beside one with 200 calls out that take"
                                        + " 20 ms (none at all), times alone",
                                "under 2",
                                "under 1.2",
                                "%.1f (%.1f)".formatted(working, hurrying),
                                working < 2);
                    }
                });
    }

    /** The p99 of quiet sessions beside a busy one that calls {@code tool}. */
    private double beside(String tool, Subject gateway) throws IOException {
        try (var busy = new Load(loop, new Load.Plan(gateway.url(), BUSY, List.of(tool), true))) {
            busy.begin();
            var found =
                    calls.latency(
                            "S11 beside " + tool, gateway, QUIET_CALLS_PER_SECOND, CLIENTS - 1);
            busy.end();
            return found[1].median();
        }
    }

    private void large() throws IOException {
        int calls = 16;
        with(
                1,
                100,
                stubs -> {
                    try (var heddle = gateways.heddle("large", stubs, "", "")) {
                        double bytes = memory.large(heddle, calls);
                        row(
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
