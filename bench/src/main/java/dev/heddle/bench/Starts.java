package dev.heddle.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** How long it takes from the command to the answer that the gateway is ready, and its memory. */
final class Starts {
    private final Gateways gateways;
    private final Report report;

    Starts(Gateways gateways, Report report) {
        this.gateways = gateways;
        this.report = report;
    }

    /** Seconds, and megabytes resident then. */
    Numbers[] measure(List<Stub> stubs, int times) throws IOException {
        var seconds = new ArrayList<Double>();
        var resident = new ArrayList<Double>();
        try (var client = HttpClient.newHttpClient()) {
            for (int i = 0; i < times; i++) {
                long began = System.nanoTime();
                try (var started = gateways.started("start", stubs)) {
                    awaitReady(client, started.url().resolve("/readyz"));
                    seconds.add((System.nanoTime() - began) / 1e9);
                    resident.add(started.resident() / 1e6);
                    report.figure("S9", "heddle", i, "seconds", seconds.getLast());
                    report.figure("S9", "heddle", i, "resident MB", resident.getLast());
                }
            }
        }
        return new Numbers[] {Numbers.of(seconds), Numbers.of(resident)};
    }

    private static void awaitReady(HttpClient client, URI page) {
        long until = System.nanoTime() + 30_000_000_000L;
        var request = HttpRequest.newBuilder(page).build();
        while (System.nanoTime() < until) {
            try {
                if (client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode()
                        == 200) {
                    return;
                }
                pause();
            } catch (IOException notYet) {
                pause();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        throw new IllegalStateException("not ready in time: " + page);
    }

    /** Leaves the core to what is being started. */
    private static void pause() {
        LockSupport.parkNanos(2_000_000);
    }
}
