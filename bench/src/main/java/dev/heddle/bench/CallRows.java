package dev.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The rows about calls: how many, what they cost, how long they take. */
final class CallRows {
    private static final int CLIENTS = 64;
    private static final int BUSY = 200;
    private static final double QUIET_CALLS_PER_SECOND = 500;
    private static final int CROWD = 100_000;
    private static final String HEDDLE = "heddle";

    private final Gateways gateways;
    private final Effort effort;
    private final Report report;
    private final Loop loop;
    private final Stubs stubs;
    private final Calls calls;

    CallRows(Gateways gateways, Effort effort, Report report, Loop loop) {
        this.gateways = gateways;
        this.effort = effort;
        this.report = report;
        this.loop = loop;
        this.stubs = new Stubs(loop);
        this.calls = new Calls(loop, effort, report);
    }

    void throughput() throws IOException {
        stubs.atKnownPorts(3, 100, three -> closedLoop(three, "S1", "echo0", "/mcp"));
        shares("S1", "tools/call, share of nginx's throughput: ", 0.85, "1.05");
        costs("S2", "S1", "processor time of a call, times nginx's: ");
    }

    void streaming() throws IOException {
        stubs.atKnownPorts(3, 100, three -> closedLoop(three, "S4", "steps", "/stream"));
        shares("S4", "answers of 11 events, share of a pass-through nginx: ", 0.7, "0.9");
        costs("S4", "S4", "processor time of such an answer, times nginx's: ");
    }

    /** Only for calls there is a target. */
    private void costs(String row, String measured, String measure) {
        for (var cost : calls.costs(measured).entrySet()) {
            var name = cost.getKey();
            var found =
                    "%s; %.1f us, %.1f of them not in the kernel"
                            .formatted(
                                    cost.getValue().spread("%.2f"),
                                    report.figure(measured, "cpu us", name).median(),
                                    report.figure(measured, "user us", name).median());
            if (name.equals(HEDDLE) && row.equals("S2")) {
                boolean met = cost.getValue().median() <= 1.25;
                report.row(row, measure + name, "1.25", "0.95", found, met);
            } else {
                report.beside(row, measure + name, found);
            }
        }
    }

    private void shares(String row, String measure, double target, String stretch) {
        for (var share : calls.shares(row).entrySet()) {
            var name = share.getKey();
            var found = share.getValue().spread("%.2f") + "; " + absolute(row, name);
            if (name.equals(HEDDLE)) {
                boolean met = share.getValue().median() >= target;
                report.row(row, measure + name, Double.toString(target), stretch, found, met);
            } else {
                report.beside(row, measure + name, found);
            }
        }
    }

    /** All gateways in turn, and the stub without any. */
    private void closedLoop(List<Stub> three, String row, String tool, String path)
            throws IOException {
        var subjects = new ArrayList<Subject>();
        try {
            subjects.add(gateways.nginx(three).at(path));
            subjects.add(Gateways.direct(three));
            subjects.add(gateways.heddle(HEDDLE, three));
            if (effort.whole()) {
                subjects.add(gateways.heddle("epoll", three, Gateways.Options.NONE.io("epoll")));
            }
            subjects.addAll(gateways.others(three));
            calls.measure(row, subjects, tool);
        } finally {
            subjects.forEach(Subject::close);
        }
    }

    /** What a share is a share of, and whether anything went wrong. */
    private String absolute(String row, String subject) {
        double busy = report.figure(row, "busy", subject).median();
        return "%,.0f calls/s, %s%.0f errors"
                .formatted(
                        report.figure(row, "calls/s", subject).median(),
                        busy > 0 ? "core %.0f %% busy, ".formatted(busy * 100) : "",
                        report.figure(row, "errors", subject).most());
    }

    void addedLatency() throws IOException {
        stubs.atKnownPorts(3, 100, this::addedLatency);
    }

    private void addedLatency(List<Stub> three) throws IOException {
        var proxies = new ArrayList<Subject>();
        try {
            proxies.add(gateways.nginx(three));
            proxies.add(gateways.heddle(HEDDLE, three));
            proxies.addAll(gateways.others(three));
            double rate = sustainable("S3 most", proxies);
            var all = new ArrayList<>(proxies);
            all.addFirst(Gateways.direct(three));
            calls.latencies("S3", all, rate, CLIENTS);
            for (var proxy : proxies) {
                var name = proxy.name();
                var measure = "latency added at %,.0f calls/s, p50 / p99: %s".formatted(rate, name);
                if (name.equals(HEDDLE)) {
                    boolean met = addsLittle("S3", name);
                    var found = added("S3", name);
                    report.row("S3", measure, "100 us / 1 ms", "50 us / 500 us", found, met);
                } else {
                    report.beside("S3", measure, added("S3", name));
                }
            }
        } finally {
            proxies.forEach(Subject::close);
        }
    }

    /** Half of what nginx can do today. */
    private double sustainable(String row, List<Subject> proxies) {
        calls.measure(row, proxies, "echo0");
        return report.figure(row, "calls/s", "nginx").median() / 2;
    }

    private String added(String row, String subject) {
        return report.figure(row, "added p50 us", subject).spread("%.0f")
                + " us / "
                + report.figure(row, "added p99 us", subject).spread("%.0f")
                + " us; %.0f errors".formatted(report.figure(row, "errors", subject).most());
    }

    private boolean addsLittle(String row, String subject) {
        return report.figure(row, "added p50 us", subject).median() <= 100
                && report.figure(row, "added p99 us", subject).median() <= 1000;
    }

    void crowd() throws IOException {
        var roomy =
                Gateways.Options.NONE
                        .sections("sessions: {max: 1000000, maxPerOwner: 1000000}\n")
                        .jvm("-Xmx1g");
        stubs.with(
                3,
                100,
                three -> {
                    try (var nginx = gateways.nginx(three);
                            var heddle = gateways.heddle("crowd", three, roomy)) {
                        new Memory(report).crowd(heddle, three, CROWD);
                        var all = List.of(Gateways.direct(three), nginx, heddle);
                        double rate = sustainable("S8 most", List.of(nginx));
                        calls.latencies("S8", all, rate, CLIENTS);
                        report.beside(
                                "S8",
                                "latency added at %,.0f calls/s, p50 / p99: nginx".formatted(rate),
                                added("S8", "nginx"));
                        report.row(
                                "S8",
                                "sessions in a heap of 1 GB; added latency then, p50 / p99",
                                "100,000; 100 us / 1 ms",
                                "250,000; 50 us / 500 us",
                                "%,d; %s; %.0f MB live, %.0f MB resident"
                                        .formatted(
                                                CROWD,
                                                added("S8", "crowd"),
                                                report.figure("S8", "heap MB", "crowd").median(),
                                                report.figure("S8", "resident MB", "crowd")
                                                        .median()),
                                addsLittle("S8", "crowd"));
                    }
                });
    }

    void neighbours() throws IOException {
        stubs.with(
                3,
                100,
                three -> {
                    try (var heddle = gateways.heddle(HEDDLE, three)) {
                        calls.measure("S11 most", List.of(heddle), "echo0");
                        quiet("S11", heddle);
                        double alone = report.figure("S11", "p99 us", HEDDLE).median();
                        double working = beside("a_work", heddle) / alone;
                        double hurrying = beside("a_echo0", heddle) / alone;
                        report.row(
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

    private void quiet(String row, Subject gateway) {
        calls.latencies(row, List.of(gateway), QUIET_CALLS_PER_SECOND, CLIENTS - 1);
    }

    /** The p99 of quiet sessions beside a busy one that calls {@code tool}. */
    private double beside(String tool, Subject gateway) {
        var row = "S11 beside " + tool;
        try (var busy = new Load(loop, new Load.Plan(gateway.url(), BUSY, List.of(tool), true))) {
            busy.begin();
            quiet(row, gateway);
            busy.end();
            return report.figure(row, "p99 us", gateway.name()).median();
        }
    }
}
