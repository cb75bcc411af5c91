package dev.heddle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts a load in front of gateways and stubs behind them, and tells what a call costs. The stubs
 * and the load share this process and its core; what is measured has the other core.
 */
public final class Bench {
    private static final int CLIENTS = 64;
    private static final int FIRST_STUB = 13101;
    private static final int BACKENDS = 3;

    /** How long each part of a measurement takes, in seconds, and how often it is repeated. */
    private record Effort(double firstWarmUp, double warmUp, double measured, int rounds) {
        static final Effort QUICK = new Effort(8, 1, 4, 3);
        static final Effort WHOLE = new Effort(15, 2, 10, 7);
    }

    private final Gateways gateways;
    private final Effort effort;

    private Bench(Gateways gateways, Effort effort) {
        this.gateways = gateways;
        this.effort = effort;
    }

    /**
     * Measures, and tells on standard output.
     *
     * @param args {@code --quick} for less effort; {@code NAME=URL} for each further gateway, which
     *     has the three stubs behind it under the names a, b and c, with prefixes; {@code --heddle
     *     NAME=OPTIONS} for each further Heddle, with options of its virtual machine, or with
     *     {@code io:NAME}
     */
    public static void main(String[] args) throws IOException {
        var options = List.of(args);
        var effort = options.contains("--quick") ? Effort.QUICK : Effort.WHOLE;
        var root = Path.of(System.getProperty("heddle.root"));
        var gateways = new Gateways(root, Files.createTempDirectory("heddle-bench"));
        new Bench(gateways, effort).run(options);
        System.exit(0);
    }

    private void run(List<String> options) throws IOException {
        var loop = new Loop("bench");
        var stubs = new ArrayList<Stub>();
        for (int i = 0; i < BACKENDS; i++) {
            stubs.add(new Stub(loop, FIRST_STUB + i, 100, false));
        }
        var subjects = new ArrayList<Subject>();
        try {
            subjects.add(Gateways.direct(stubs));
            subjects.add(gateways.nginx(stubs));
            subjects.add(gateways.heddle("heddle", stubs, "", ""));
            for (int i = 0; i < options.size(); i++) {
                if (options.get(i).equals("--heddle")) {
                    subjects.add(variant(options.get(++i), stubs));
                } else if (options.get(i).contains("=")) {
                    subjects.add(Gateways.other(options.get(i)));
                }
            }
            if (options.contains("S7")) {
                for (boolean listening : new boolean[] {false, true}) {
                    try (var one = gateways.heddle("memory" + listening, stubs, "", "")) {
                        System.out.println(
                                "S7 listening "
                                        + listening
                                        + ": "
                                        + Memory.of(one, stubs, listening));
                    }
                }
                return;
            }
            new Calls(loop, subjects, "echo0", System.out::println)
                    .measure(
                            effort.firstWarmUp(),
                            effort.warmUp(),
                            effort.measured(),
                            effort.rounds(),
                            CLIENTS);
        } finally {
            subjects.forEach(Subject::close);
            stubs.forEach(Stub::close);
            loop.close();
        }
    }

    private Subject variant(String option, List<Stub> stubs) throws IOException {
        int equals = option.indexOf('=');
        var name = option.substring(0, equals);
        var value = option.substring(equals + 1);
        return value.startsWith("io:")
                ? gateways.heddle(name, stubs, "io: " + value.substring(3), "")
                : gateways.heddle(name, stubs, "", value);
    }
}
