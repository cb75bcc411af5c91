package dev.heddle.bench;

import java.util.ArrayList;
import java.util.List;

/** What sessions cost that do nothing, each of which has called each of its backends. */
final class Memory {
    private static final int FEW = 1000;
    private static final int MANY = 5000;

    /** Each holds four connections then, and machines allow 20,000 to a process. */
    private static final int MANY_LISTENING = 4000;

    private static final long SETTLING_MILLIS = 15_000;

    private final Report report;

    Memory(Report report) {
        this.report = report;
    }

    /**
     * What one session costs.
     *
     * @param heap KB of live objects, counted after two full collections
     * @param resident KB of the process
     * @param behind backend sessions
     */
    record Session(double heap, double resident, double behind) {}

    /**
     * @param listening whether each session holds a GET stream open
     */
    Session session(Subject subject, List<Stub> stubs, boolean listening) {
        var streams = new ArrayList<Wire>();
        try (var wire = new Wire(subject.url())) {
            begin(wire, subject, stubs, FEW, listening, streams);
            settle();
            long sessions = open(stubs);
            long heap = subject.liveHeap();
            long resident = subject.resident();
            int more = (listening ? MANY_LISTENING : MANY) - FEW;
            begin(wire, subject, stubs, more, listening, streams);
            settle();
            double cost = (subject.liveHeap() - heap) / (double) more;
            var name = listening ? "listening " : "idle ";
            report.figure("S7", subject.name(), 0, name + "heap bytes", cost);
            double memory = (subject.resident() - resident) / (double) more;
            report.figure("S7", subject.name(), 0, name + "resident bytes", memory);
            double behind = (open(stubs) - sessions) / (double) more;
            report.figure("S7", subject.name(), 0, name + "backend sessions", behind);
            return new Session(cost / 1024, memory / 1024, behind);
        } finally {
            streams.forEach(Wire::close);
        }
    }

    /** Begins so many sessions that stay. */
    void crowd(Subject subject, List<Stub> stubs, int sessions) {
        try (var wire = new Wire(subject.url())) {
            begin(wire, subject, stubs, sessions, false, new ArrayList<>());
        }
        settle();
        report.figure("S8", subject.name(), 0, "sessions", sessions);
        report.figure("S8", subject.name(), 0, "heap MB", subject.liveHeap() / 1e6);
        report.figure("S8", subject.name(), 0, "resident MB", subject.resident() / 1e6);
    }

    private static void begin(
            Wire wire,
            Subject subject,
            List<Stub> stubs,
            int sessions,
            boolean listening,
            List<Wire> streams) {
        for (int i = 0; i < sessions; i++) {
            wire.initialize();
            wire.callsReach(subject, stubs);
            if (listening) {
                var stream = new Wire(wire);
                stream.listen();
                streams.add(stream);
            }
        }
    }

    private static long open(List<Stub> stubs) {
        return stubs.stream().mapToLong(Stub::sessions).sum();
    }

    /** What a session does in the background soon after its beginning is not counted. */
    private static void settle() {
        try {
            Thread.sleep(SETTLING_MILLIS);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Reads so many large results at once. Bytes that the process held more then, for each of them.
     */
    double large(Subject subject, int calls) {
        var tool = subject.tool("a", "big");
        try (var first = new Wire(subject.url())) {
            first.initialize();
            first.call(tool);
            var wires = new ArrayList<Wire>();
            try {
                for (int i = 0; i < calls; i++) {
                    wires.add(new Wire(first));
                }
                long before = subject.resident();
                wires.forEach(wire -> wire.writeCall(tool));
                settle(); // nobody reads: what is in flight is in the gateway
                double more = (subject.resident() - before) / (double) calls;
                wires.forEach(Wire::readResult);
                report.figure("S12", subject.name(), 0, "resident bytes", more);
                return more;
            } finally {
                wires.forEach(Wire::close);
            }
        }
    }
}
