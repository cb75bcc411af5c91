package dev.heddle.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** The row about two nodes that share a Redis: what it costs that sessions can move. */
final class MoveRows {
    private static final String ROW = "S13";
    private static final int WARMING = 300;
    private static final int NOT_FOUND = 404;
    private static final int SESSIONS = 100;
    private static final int RATE = 200; // calls a second
    private static final long NANOS = 1_000_000_000;
    private static final int NOTED_SECONDS = 455; // a quarter of the usual sessions.ttl, and more
    private static final long QUIET_NANOS = 1_000_000_000;

    /** Backends are asked now and then whether they are well, by both nodes. */
    private static final double LITTLE = 0.05;

    private final Gateways gateways;
    private final Effort effort;
    private final Report report;
    private final Stubs stubs;

    MoveRows(Gateways gateways, Effort effort, Report report, Loop loop) {
        this.gateways = gateways;
        this.effort = effort;
        this.report = report;
        this.stubs = new Stubs(loop);
    }

    void measure() throws IOException {
        stubs.with(
                10,
                20,
                ten -> {
                    try (var redis = gateways.redis()) {
                        var options = Gateways.Options.NONE.sections(redis.section());
                        try (var here = gateways.heddle("here", ten, options);
                                var there = gateways.heddle("there", ten, options)) {
                            var nodes = new Pair(here, there, ten);
                            steady(nodes, redis);
                            streamed(nodes, redis);
                            nodes.restore(WARMING);
                            restore(nodes);
                            size(redis);
                            terminate(nodes);
                        }
                    }
                });
    }

    /**
     * @param took milliseconds for a call
     * @param more how many requests to backends each took beside the call itself
     */
    private record Restored(Numbers took, double more) {}

    /** Two nodes with the same backends. */
    private record Pair(Subject here, Subject there, List<Stub> ten) {
        /**
         * The first call of each session at the node that has never seen it.
         *
         * @param sessions how many, each with a conversation at each backend
         */
        Restored restore(int sessions) {
            var begun = new ArrayList<Wire>();
            try {
                for (int i = 0; i < sessions; i++) {
                    var wire = new Wire(here.url());
                    begun.add(wire);
                    wire.initialize();
                    wire.callsReach(here, ten);
                }
                awaitQuiet();
                long before = requests();
                var took = begun.stream().map(this::callThere).toList();
                long more = requests() - before - sessions;
                return new Restored(Numbers.of(took), more / (double) sessions);
            } finally {
                begun.forEach(Wire::close);
            }
        }

        private double callThere(Wire wire) {
            try (var moved = new Wire(there.url(), wire)) {
                long began = System.nanoTime();
                moved.call(there.tool("a", "echo0"));
                return (System.nanoTime() - began) / 1e6;
            }
        }

        /** What the beginning of sessions has caused is over. */
        private void awaitQuiet() {
            long changed = System.nanoTime();
            long before = -1;
            while (System.nanoTime() - changed < QUIET_NANOS) {
                long now = requests();
                changed = now == before ? changed : System.nanoTime();
                before = now;
                Thread.onSpinWait();
            }
        }

        /** How long the other node still serves a session that has ended, in milliseconds. */
        double terminate() {
            try (var wire = new Wire(here.url())) {
                wire.initialize();
                try (var moved = new Wire(there.url(), wire)) {
                    moved.call(there.tool("a", "echo0"));
                    long ended = System.nanoTime();
                    wire.end();
                    var ping = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}";
                    while (moved.post(ping).status() != NOT_FOUND) {
                        Thread.onSpinWait();
                    }
                    return (System.nanoTime() - ended) / 1e6;
                }
            }
        }

        long requests() {
            return ten.stream().mapToLong(Stub::requests).sum();
        }
    }

    private void restore(Pair nodes) {
        var restored = nodes.restore(effort.whole() ? 2000 : 500);
        var took = restored.took();
        double more = restored.more();
        report.figure(ROW, "heddle", 0, "restore p50 ms", took.percentile(50));
        report.figure(ROW, "heddle", 0, "restore p99 ms", took.percentile(99));
        report.figure(ROW, "heddle", 0, "backend requests", more);
        report.row(
                ROW,
                "first call at a node that has never seen the session, p50 / p99; further backend"
                        + " requests (health checks)",
                "5 / 20 ms; 0",
                "",
                "%.1f / %.1f ms; %.2f".formatted(took.percentile(50), took.percentile(99), more),
                took.percentile(50) <= 5 && took.percentile(99) <= 20 && more < LITTLE);
    }

    private void size(RedisProcess redis) {
        var sizes = Numbers.of(redis.recordSizes());
        report.figure(ROW, "heddle", 0, "record bytes", sizes.median());
        report.row(
                ROW,
                "record of a session with ten backends",
                "2,048 bytes",
                "",
                sizes.spread("%.0f") + " bytes",
                sizes.median() < 2048);
    }

    /**
     * Each session's calls go to one node and then the other, for as long as it takes until all
     * their use has been noted once.
     */
    private void steady(Pair nodes, RedisProcess redis) {
        int calls = RATE * (effort.whole() ? NOTED_SECONDS : 20);
        var wires = new ArrayList<Wire>();
        try {
            for (int i = 0; i < SESSIONS; i++) {
                var wire = new Wire(nodes.here().url());
                wires.add(wire);
                wire.initialize();
                wire.callsReach(nodes.here(), nodes.ten());
                wires.add(new Wire(nodes.there().url(), wire));
            }
            for (int i = 0; i < wires.size(); i++) {
                wires.get(i).call(tool(nodes, i));
            }
            nodes.awaitQuiet();
            long before = redis.commands();
            double each = requestsFor(nodes, wires, redis, calls) * 1000.0 / calls;
            double commands = (redis.commands() - before) * 1000.0 / calls;
            report.figure(ROW, "heddle", 0, "requests per 1000 calls", each);
            report.figure(ROW, "heddle", 0, "commands per 1000 calls", commands);
            report.row(
                    ROW,
                    "requests to Redis for 1,000 calls, at 200 a second over 100 sessions that two"
                            + " nodes serve by turns; the commands that they take",
                    "5",
                    "",
                    "%.1f; %.1f".formatted(each, commands),
                    each < 5);
        } finally {
            wires.forEach(Wire::close);
        }
    }

    private static long requestsFor(Pair nodes, List<Wire> wires, RedisProcess redis, int calls) {
        long before = redis.requests();
        long due = System.nanoTime();
        for (int i = 0; i < calls; i++) {
            int next = (i % SESSIONS) * 2 + i / SESSIONS % 2;
            wires.get(next).call(tool(nodes, next));
            due += NANOS / RATE;
            LockSupport.parkNanos(due - System.nanoTime());
        }
        return redis.requests() - before;
    }

    private static String tool(Pair nodes, int wire) {
        var node = wire % 2 == 0 ? nodes.here() : nodes.there();
        return node.tool(Gateways.backend(wire % 10), "echo0");
    }

    /** What goes out with an id is in the store before. */
    private void streamed(Pair nodes, RedisProcess redis) {
        int calls = effort.whole() ? 5_000 : 1_000;
        try (var wire = new Wire(nodes.here().url())) {
            wire.initialize();
            var steps = nodes.here().tool("a", "steps");
            var params =
                    "{\"name\":\"%s\",\"arguments\":{},\"_meta\":{\"progressToken\":\"p\"}}"
                            .formatted(steps);
            wire.request("tools/call", params);
            long commands = redis.commands();
            long scripts = redis.scripts();
            for (int i = 0; i < calls; i++) {
                wire.request("tools/call", params);
            }
            double each = (double) (redis.commands() - commands) / calls;
            double requests = (double) (redis.scripts() - scripts) / calls;
            report.figure(ROW, "heddle", 0, "requests per streamed call", requests);
            report.beside(
                    ROW,
                    "requests to Redis for an answer of ten notifications and a result on a stream;"
                            + " the commands that they take",
                    "%.1f; %.1f".formatted(requests, each));
        }
    }

    private void terminate(Pair nodes) {
        var took = new ArrayList<Double>();
        for (int i = 0; i < (effort.whole() ? 1000 : 300); i++) {
            took.add(nodes.terminate());
        }
        var numbers = Numbers.of(took);
        report.figure(ROW, "heddle", 0, "termination p50 ms", numbers.percentile(50));
        report.figure(ROW, "heddle", 0, "termination p99 ms", numbers.percentile(99));
        report.row(
                ROW,
                "from the end of a session at one node to its refusal at the other, p50 / p99",
                "p99 50 ms",
                "",
                "%.1f / %.1f ms".formatted(numbers.percentile(50), numbers.percentile(99)),
                numbers.percentile(99) < 50);
    }
}
