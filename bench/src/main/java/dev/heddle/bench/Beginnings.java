package dev.heddle.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/** What a session's beginning and its lists cost where the catalogs are known. */
final class Beginnings {
    private static final int WARMING = 3000;
    private static final long AWAKE_NANOS = 2_000_000;
    private static final int LISTINGS = 500;
    private static final int CHANGES = 200;

    private final Report report;

    Beginnings(Report report) {
        this.report = report;
    }

    /** Begins so many sessions in each second. Returns how long that took, in milliseconds. */
    Numbers rate(Subject subject, List<Stub> stubs, int perSecond, int sessions) {
        warm(subject);
        long before = requests(stubs);
        var took = new ConcurrentLinkedQueue<Double>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            long began = System.nanoTime();
            for (int i = 0; i < sessions; i++) {
                long due = began + i * 1_000_000_000L / perSecond;
                awaitTime(due);
                threads.execute(() -> took.add(begin(subject, due)));
            }
        }
        var numbers = Numbers.of(took);
        double asked = (requests(stubs) - before) / (double) sessions;
        var name = perSecond + "/s ";
        report.figure("S5", subject.name(), 0, name + "p50 ms", numbers.percentile(50));
        report.figure("S5", subject.name(), 0, name + "p99 ms", numbers.percentile(99));
        report.figure("S5", subject.name(), 0, name + "backend requests", asked);
        return numbers;
    }

    /** Is awake by then, so that what the load takes to wake up does not count. */
    private static void awaitTime(long due) {
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
            if (left > AWAKE_NANOS) {
                LockSupport.parkNanos(left - AWAKE_NANOS);
            } else {
                Thread.onSpinWait();
            }
        }
    }

    /** Counted from the time when it was due. */
    private static double begin(Subject subject, long due) {
        try (var wire = new Wire(subject.url())) {
            wire.initialize();
            double took = (wire.answeredAt() - due) / 1e6;
            wire.end();
            return took;
        }
    }

    private static void warm(Subject subject) {
        for (int i = 0; i < WARMING; i++) {
            begin(subject, System.nanoTime());
        }
    }

    private static long requests(List<Stub> stubs) {
        return stubs.stream().mapToLong(Stub::requests).sum();
    }

    /** Lists all tools again and again in one session. Milliseconds for all pages of a list. */
    Numbers lists(Subject subject, List<Stub> stubs) {
        try (var wire = new Wire(subject.url())) {
            wire.initialize();
            wire.callsReach(subject, stubs);
            var took = new ArrayList<Double>();
            long before = 0;
            for (int i = -LISTINGS; i < LISTINGS; i++) {
                if (i == 0) {
                    before = requests(stubs);
                }
                long began = System.nanoTime();
                wire.listAll("tools");
                if (i >= 0) {
                    took.add((System.nanoTime() - began) / 1e6);
                }
            }
            var numbers = Numbers.of(took);
            report.figure("S6", subject.name(), 0, "p50 ms", numbers.percentile(50));
            report.figure("S6", subject.name(), 0, "p99 ms", numbers.percentile(99));
            double asked = (double) (requests(stubs) - before);
            report.figure("S6", subject.name(), 0, "backend requests", asked);
            return numbers;
        }
    }

    /** From a backend's notification to the client's, in milliseconds. */
    Numbers changes(Subject subject, List<Stub> stubs) {
        try (var wire = new Wire(subject.url())) {
            wire.initialize();
            wire.callsReach(subject, stubs);
            try (var stream = new Wire(wire)) {
                stream.listen();
                awaitStreams(stubs);
                var took = new ArrayList<Double>();
                for (int i = 0; i < CHANGES; i++) {
                    long began = System.nanoTime();
                    stubs.get(i % stubs.size()).offer(99, 1000 + i); // never what was there before
                    stream.line();
                    took.add((System.nanoTime() - began) / 1e6);
                }
                var numbers = Numbers.of(took.subList(CHANGES / 4, CHANGES));
                report.figure("S10", subject.name(), 0, "p50 ms", numbers.percentile(50));
                report.figure("S10", subject.name(), 0, "p99 ms", numbers.percentile(99));
                return numbers;
            }
        }
    }

    private static void awaitStreams(List<Stub> stubs) {
        while (stubs.stream().anyMatch(stub -> stub.streams() == 0)) {
            Thread.onSpinWait();
        }
    }
}
