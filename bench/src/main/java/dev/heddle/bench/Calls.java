package dev.heddle.bench;

import java.util.List;
import java.util.Map;

/**
 * Throughput and processor time of tools/call: all subjects in turn, several rounds, so that what
 * the machine does meanwhile meets all of them. Ratios are taken within one round.
 */
final class Calls {
    static final String YARDSTICK = "nginx";
    private static final int WARM_UPS = 3;
    private static final int CLIENTS = 64;

    private final Loop loop;
    private final Effort effort;
    private final Report report;

    Calls(Loop loop, Effort effort, Report report) {
        this.loop = loop;
        this.effort = effort;
        this.report = report;
    }

    /** Measures under the name of {@code row}. */
    void measure(String row, List<Subject> subjects, String tool) {
        subjects.forEach(subject -> warmUp(subject, tool));
        for (int round = 0; round < effort.rounds(); round++) {
            double rate = 0;
            double cost = 0;
            for (var subject : subjects) {
                var sample = sample(row, subject, round, tool);
                if (subject.name().equals(YARDSTICK)) {
                    rate = sample.rate();
                    cost = sample.cpu();
                }
                if (rate > 0) {
                    report.figure(row, subject.name(), round, "share", sample.rate() / rate);
                }
                if (cost > 0 && sample.cpu() > 0) {
                    report.figure(row, subject.name(), round, "cost", sample.cpu() / cost);
                }
            }
        }
    }

    private record Sample(double rate, double cpu) {}

    /** Clients come and go, as they will when it is measured. */
    private void warmUp(Subject subject, String tool) {
        for (int times = 0; times < WARM_UPS; times++) {
            try (var load = load(subject, tool)) {
                load.closedLoop(effort.firstWarmUp() / WARM_UPS, 0.1);
            }
        }
    }

    private Load load(Subject subject, String tool) {
        return new Load(loop, new Load.Plan(subject.url(), CLIENTS, subject.tools(tool)));
    }

    private Sample sample(String row, Subject subject, int round, String tool) {
        try (var load = load(subject, tool)) {
            load.closedLoop(effort.warmUp(), 0.1);
            var before = subject.cpu();
            var result = load.closedLoop(0, effort.measured());
            var used = subject.cpu().minus(before);
            double micros = used.total() * 1e6 / result.calls();
            double p50 = result.latency().getValueAtPercentile(50) / 1e3;
            double p99 = result.latency().getValueAtPercentile(99) / 1e3;
            report.say(
                    ("%s %-10s %8.0f calls/s  p50 %6.0f us  p99 %6.0f us  cpu %5.1f us (%.1f user) "
                                    + " errors %d")
                            .formatted(
                                    row,
                                    subject.name(),
                                    result.perSecond(),
                                    p50,
                                    p99,
                                    micros,
                                    used.user() * 1e6 / result.calls(),
                                    result.errors()));
            report.figure(row, subject.name(), round, "calls/s", result.perSecond());
            report.figure(row, subject.name(), round, "cpu us", micros);
            double user = used.user() * 1e6 / result.calls();
            report.figure(row, subject.name(), round, "user us", user);
            report.figure(row, subject.name(), round, "busy", used.total() / result.seconds());
            report.figure(row, subject.name(), round, "p50 us", p50);
            report.figure(row, subject.name(), round, "p99 us", p99);
            report.figure(row, subject.name(), round, "errors", (double) result.errors());
            return new Sample(result.perSecond(), micros);
        }
    }

    /** The shares of the yardstick's throughput, by subject. */
    Map<String, Numbers> shares(String row) {
        return report.figures(row, "share");
    }

    /** The processor time of a call, times the yardstick's, by subject. */
    Map<String, Numbers> costs(String row) {
        return report.figures(row, "cost");
    }

    /**
     * Latencies when so many calls are due in each second, whether answers come or not, and what
     * each subject adds to those of the first, in microseconds. All subjects in turn, as above.
     */
    void latencies(String row, List<Subject> subjects, double perSecond, int clients) {
        subjects.forEach(subject -> warmUp(subject, perSecond, clients));
        for (int round = 0; round < effort.rounds(); round++) {
            double p50 = 0;
            double p99 = 0;
            for (var subject : subjects) {
                var latency = latency(row, subject, round, perSecond, clients);
                if (subject.equals(subjects.getFirst())) {
                    p50 = latency.p50();
                    p99 = latency.p99();
                } else {
                    var name = subject.name();
                    report.figure(row, name, round, "added p50 us", latency.p50() - p50);
                    report.figure(row, name, round, "added p99 us", latency.p99() - p99);
                }
            }
        }
    }

    /**
     * A compiler that works beside the calls shows at the 99th percentile, and what it has made for
     * a core without a pause it makes anew for one that has some.
     */
    private void warmUp(Subject subject, double perSecond, int clients) {
        for (int times = 0; times < WARM_UPS; times++) {
            var plan = new Load.Plan(subject.url(), clients, subject.tools("echo0"));
            try (var load = new Load(loop, plan)) {
                load.openLoop(perSecond, effort.firstWarmUp(), 0.1);
            }
        }
    }

    private record Latency(double p50, double p99) {}

    private Latency latency(String row, Subject subject, int round, double perSecond, int clients) {
        var plan = new Load.Plan(subject.url(), clients, subject.tools("echo0"));
        try (var load = new Load(loop, plan)) {
            var result = load.openLoop(perSecond, effort.warmUp(), effort.measured());
            var latency =
                    new Latency(
                            result.latency().getValueAtPercentile(50) / 1e3,
                            result.latency().getValueAtPercentile(99) / 1e3);
            report.say(
                    "%s %-10s %8.0f calls/s due  p50 %6.0f us  p99 %6.0f us  errors %d"
                            .formatted(
                                    row,
                                    subject.name(),
                                    perSecond,
                                    latency.p50(),
                                    latency.p99(),
                                    result.errors()));
            report.figure(row, subject.name(), round, "p50 us", latency.p50());
            report.figure(row, subject.name(), round, "p99 us", latency.p99());
            report.figure(row, subject.name(), round, "calls/s", result.perSecond());
            report.figure(row, subject.name(), round, "errors", (double) result.errors());
            return latency;
        }
    }
}
