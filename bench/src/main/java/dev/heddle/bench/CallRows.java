package dev.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The rows about calls: how many, what they cost, how long they take. */
final class CallRows {
    private static final int CLIENTS = 64;
    private static final int BUSY = 200;
    private static final double QUIET_CALLS_PER_SECOND = 500;
    private static final double CROWDED_CALLS_PER_SECOND = 40_000;
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

    void throughput(List<Gateways.Other> others) throws IOException {
        stubs.with(3, 100, three -> throughput(three, others));
        for (var share : calls.shares("S1").entrySet()) {
            var name = share.getKey();
            var found = share.getValue().spread("%.2f") + "; " + absolute("S1", name);
            var measure = "tools/call, share of nginx's throughput: " + name;
            if (name.equals(HEDDLE)) {
                boolean met = share.getValue().median() >= 0.85;
                report.row("S1", measure, "0.85", "1.05", found, met);
            } else {
                report.beside("S1", measure, found);
            }
        }
        for (var cost : calls.costs("S1").entrySet()) {
            var name = cost.getKey();
            double micros = report.figure("S1", "cpu us", name).median();
            var found = cost.getValue().spread("%.2f") + "; %.1f us".formatted(micros);
            var measure = "processor time of a call, times nginx's: " + name;
            if (name.equals(HEDDLE)) {
                boolean met = cost.getValue().median() <= 1.25;
                report.row("S2", measure, "1.25", "0.95", found, met);
            } else {
                report.beside("S2", measure, found);
            }
        }
    }

    private void throughput(List<Stub> three, List<Gateways.Other> others) throws IOException {
        var subjects = new ArrayList<Subject>();
        try {
            subjects.add(Gateways.direct(three));
            subjects.add(gateways.nginx(three));
            subjects.add(gateways.heddle(HEDDLE, three));
            if (effort.whole()) {
                subjects.add(gateways.heddle("epoll", three, Gateways.Options.NONE.io("epoll")));
            }
            for (var other : others) {
                subjects.add(gateways.other(other, three));
            }
            calls.measure("S1", subjects, "echo0");
        } finally {
            subjects.forEach(Subject::close);
        }
    }

    /** What a share is a share of, and whether anything went wrong. */
    private String absolute(String row, String subject) {
        return "%,.0f calls/s, %.0f errors"
                .formatted(
                        report.figure(row, "calls/s", subject).median(),
                        report.figure(row, "errors", subject).most());
    }

    void addedLatency() throws IOException {
        stubs.with(
                3,
                100,
                three -> {
                    try (var nginx = gateways.nginx(three);
                            var heddle = gateways.heddle(HEDDLE, three)) {
                        calls.measure("S3 most", List.of(nginx, heddle), "echo0");
                        double rate = report.figure("S3 most", "calls/s", "nginx").median() / 2;
                        var all = List.of(Gateways.direct(three), nginx, heddle);
                        calls.latencies("S3", all, rate, CLIENTS);
                        var at = "added latency at %,.0f calls/s, p50 / p99".formatted(rate);
                        report.beside("S3", at + ": nginx", added("S3", "nginx"));
                        report.row(
                                "S3",
                                at,
                                "100 us / 1 ms",
                                "50 us / 500 us",
                                added("S3", HEDDLE),
                                addsLittle("S3", HEDDLE));
                    }
                });
    }

    private String added(String row, String subject) {
        return report.figure(row, "added p50 us", subject).spread("%.0f")
                + " us / "
                + report.figure(row, "added p99 us", subject).spread("%.0f")
                + " us";
    }

    private boolean addsLittle(String row, String subject) {
        return report.figure(row, "added p50 us", subject).median() <= 100
                && report.figure(row, "added p99 us", subject).median() <= 1000;
    }

    void streaming() throws IOException {
        stubs.with(
                3,
                100,
                three -> {
                    var subjects = new ArrayList<Subject>();
                    try {
                        subjects.add(Gateways.direct(three));
                        subjects.add(gateways.nginx(three).at("/stream"));
                        subjects.add(gateways.heddle(HEDDLE, three));
                        calls.measure("S4", subjects, "steps");
                    } finally {
                        subjects.forEach(Subject::close);
                    }
                });
        var share = report.figure("S4", "share", HEDDLE);
        report.row(
                "S4",
                "answers of 11 events, share of a pass-through nginx",
                "0.7",
                "0.9",
                share.spread("%.2f") + "; " + absolute("S4", HEDDLE),
                share.median() >= 0.7);
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
                    try (var heddle = gateways.heddle("crowd", three, roomy)) {
                        new Memory(report).crowd(heddle, three, CROWD);
                        var all = List.of(Gateways.direct(three), heddle);
                        calls.latencies("S8", all, CROWDED_CALLS_PER_SECOND, CLIENTS);
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
