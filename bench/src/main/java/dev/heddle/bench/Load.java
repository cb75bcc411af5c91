package dev.heddle.bench;

import org.HdrHistogram.Histogram;

import java.net.URI;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Clients, each with one connection and one session, that call tools and check every reply's id.
 * All of them live on one event loop.
 */
final class Load implements AutoCloseable {
    /**
     * @param tools called in turn, one after the other over the clients
     * @param together whether all clients are connections of one session
     */
    record Plan(URI url, int clients, List<String> tools, boolean together) {
        Plan(URI url, int clients, List<String> tools) {
            this(url, clients, tools, false);
        }
    }

    /** What came of it. Latencies are in nanoseconds. */
    record Result(long calls, long errors, double seconds, Histogram latency) {
        double perSecond() {
            return calls / seconds;
        }
    }

    private final Loop loop;
    private final Plan plan;
    private final List<LoadClient> clients = new ArrayList<>();
    private final ArrayDeque<LoadClient> idle = new ArrayDeque<>();
    private final ArrayDeque<Long> due = new ArrayDeque<>();
    private Histogram latency = new Histogram(3);
    private long calls;
    private long errors;
    private int out;
    private volatile CountDownLatch quiet = new CountDownLatch(1);
    private boolean open;
    private boolean running;
    private volatile String common = ""; // the headers of the one session, if there is one

    /** Connects all clients and begins their sessions. */
    Load(Loop loop, Plan plan) {
        this.loop = loop;
        this.plan = plan;
        var ready = new CountDownLatch(plan.clients());
        for (int i = 0; i < plan.clients(); i++) {
            var client = new LoadClient(this, plan.tools().get(i % plan.tools().size()), i, ready);
            clients.add(client);
            client.connect(loop);
            if (i == 0 && plan.together()) {
                client.awaitBegun();
            }
        }
        await(ready);
    }

    static void await(CountDownLatch latch) {
        try {
            if (!latch.await(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("clients did not get their answers in time");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Every client calls as soon as it has its answer. */
    Result closedLoop(double warmUp, double seconds) {
        open = false;
        return run(
                warmUp, seconds, () -> clients.forEach(client -> client.call(System.nanoTime())));
    }

    /** So many calls in each second are due, whether answers come or not. */
    Result openLoop(double perSecond, double warmUp, double seconds) {
        return run(
                warmUp,
                seconds,
                () -> {
                    open = true;
                    idle.addAll(clients);
                    new Schedule(perSecond).run();
                });
    }

    /** Every client calls as soon as it has its answer, until {@link #end}. */
    void begin() {
        open = false;
        onLoop(
                () -> {
                    running = true;
                    clients.forEach(client -> client.call(System.nanoTime()));
                });
    }

    /** Ends what {@link #begin} has begun. */
    void end() {
        onLoop(() -> running = false);
        awaitQuiet();
    }

    private Result run(double warmUp, double seconds, Runnable begin) {
        onLoop(
                () -> {
                    running = true;
                    begin.run();
                });
        sleep(warmUp);
        long began = System.nanoTime();
        onLoop(this::reset);
        sleep(seconds);
        var result = new Result[1];
        onLoop(
                () ->
                        result[0] =
                                new Result(
                                        calls,
                                        errors,
                                        (System.nanoTime() - began) / 1e9,
                                        latency.copy()));
        onLoop(() -> running = false);
        awaitQuiet();
        return result[0];
    }

    /** A call that is out must be over before its client makes another. */
    private void awaitQuiet() {
        onLoop(this::tellIfQuiet);
        await(quiet);
        quiet = new CountDownLatch(1);
        due.clear();
        idle.clear();
    }

    private void tellIfQuiet() {
        if (!running && out == 0) {
            quiet.countDown();
        }
    }

    private void reset() {
        latency = new Histogram(3);
        calls = 0;
        errors = 0;
    }

    private void onLoop(Runnable task) {
        loop.group().next().submit(task).syncUninterruptibly();
    }

    /** A measurement takes the time that it is given. */
    private static void sleep(double seconds) {
        try {
            Thread.sleep((long) (seconds * 1000));
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    Plan plan() {
        return plan;
    }

    /** The headers of the session that all clients share; empty text if there is none. */
    String common() {
        return common;
    }

    /** A client's session has begun. */
    void share(String headers) {
        if (plan.together()) {
            common = headers;
        }
    }

    /** A call is out. */
    void called() {
        out++;
    }

    /** A call that was due at {@code when} has its answer. */
    void finished(LoadClient client, long when, boolean good) {
        long now = System.nanoTime();
        out--;
        if (good) {
            calls++;
            latency.recordValue(now - when);
        } else {
            errors++;
        }
        if (!running) {
            tellIfQuiet();
        } else if (!open) {
            client.call(now);
        } else if (due.isEmpty()) {
            idle.add(client);
        } else {
            client.call(due.remove());
        }
    }

    /** A connection has broken while a call was out; its client calls no more. */
    void lost() {
        out--;
        errors++;
        tellIfQuiet();
    }

    @Override
    public void close() {
        clients.forEach(LoadClient::close);
    }

    /** Says when calls are due, and gives them to clients that have nothing to do. */
    private final class Schedule implements Runnable {
        private final double perNano;
        private final long began = System.nanoTime();
        private long issued;

        Schedule(double perSecond) {
            this.perNano = perSecond / 1e9;
        }

        @Override
        public void run() {
            if (!running) {
                return;
            }
            long target = (long) ((System.nanoTime() - began) * perNano);
            for (; issued < target; issued++) {
                long when = began + (long) (issued / perNano);
                var client = idle.pollFirst();
                if (client == null) {
                    due.add(when);
                } else {
                    client.call(when);
                }
            }
            loop.group().next().schedule(this, 50, TimeUnit.MICROSECONDS);
        }
    }
}
