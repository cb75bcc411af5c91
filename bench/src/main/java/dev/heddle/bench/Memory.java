package dev.heddle.bench;

import java.util.ArrayList;
import java.util.List;

/** What idle sessions cost, each of which has called each of its backends. */
final class Memory {
    private static final int FEW = 1000;
    private static final int MANY = 5000;

    /** Each holds four connections then, and machines allow 20,000 to a process. */
    private static final int MANY_LISTENING = 4000;

    private static final long SETTLING_MILLIS = 15_000;

    /**
     * @param heap bytes of live objects for one session
     * @param resident bytes of memory that the process holds more, for one session
     * @param backendSessions that are open at the backends, for one session
     */
    record Cost(double heap, double resident, double backendSessions) {}

    private Memory() {}

    /**
     * @param listening whether each session holds a GET stream open
     */
    static Cost of(Subject subject, List<Stub> stubs, boolean listening) {
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
            return new Cost(
                    (subject.liveHeap() - heap) / (double) more,
                    (subject.resident() - resident) / (double) more,
                    (open(stubs) - sessions) / (double) more);
        } finally {
            streams.forEach(Wire::close);
        }
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
            for (int backend = 0; backend < stubs.size(); backend++) {
                wire.call(subject.tool(Gateways.backend(backend), "echo0"));
            }
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
}
