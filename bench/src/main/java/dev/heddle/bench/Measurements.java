package dev.heddle.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashSet;
import java.util.List;

/** The rows of the table, one after the other. */
final class Measurements {
    private final Report report;
    private final CallRows calls;
    private final SessionRows sessions;
    private final MoveRows moves;

    Measurements(Gateways gateways, Effort effort, Report report) {
        this.report = report;
        var loop = new Loop("bench");
        this.calls = new CallRows(gateways, effort, report, loop);
        this.sessions = new SessionRows(gateways, effort, report, loop);
        this.moves = new MoveRows(gateways, effort, report, loop);
    }

    void measure(List<String> rows) throws IOException {
        for (var row : new LinkedHashSet<>(rows)) {
            try {
                measure(row);
            } catch (IllegalStateException | UncheckedIOException failed) {
                report.beside(row, "could not be measured", String.valueOf(failed.getMessage()));
            }
        }
    }

    private void measure(String row) throws IOException {
        switch (row) {
            case "S1" -> calls.throughput();
            case "S3" -> calls.addedLatency();
            case "S4" -> calls.streaming();
            case "S5" -> sessions.initialize();
            case "S6" -> sessions.lists();
            case "S7" -> sessions.idle();
            case "S8" -> calls.crowd();
            case "S9" -> sessions.start();
            case "S10" -> sessions.changes();
            case "S11" -> calls.neighbours();
            case "S12" -> sessions.large();
            case "S13" -> moves.measure();
            default ->
                    throw new IllegalArgumentException(
                            "found row " + row + " (expected: S1 to S13)");
        }
    }
}
