package dev.heddle.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * A Redis that runs for the measurement: {@code redis-server} from the path, or the program that
 * {@code REDIS_SERVER} names. It is asked by way of {@code redis-cli}.
 */
record RedisProcess(int port, ProcessHandle process) implements AutoCloseable {
    private static final String PREFIX = "thv:vmcp:session:";
    private static final String COMMANDS = "total_commands_processed:";
    private static final String SEARCHES = "cmdstat_zrangebyscore:calls="; // for what is left
    private static final String SCRIPTS = "cmdstat_evalsha:calls=";

    /**
     * @param folder for what it writes
     */
    static RedisProcess start(String core, int port, Path folder) {
        var program = System.getenv().getOrDefault("REDIS_SERVER", "redis-server");
        var command =
                List.of(
                        program,
                        "--bind",
                        "127.0.0.1",
                        "--port",
                        Integer.toString(port),
                        "--save",
                        "",
                        "--dir",
                        folder.toString());
        return new RedisProcess(
                port, Subject.start(core, folder.resolve("redis.log"), command, Map.of()));
    }

    /** The section by which a gateway keeps its sessions there. */
    String section() {
        return "sessionStorage: {provider: redis, address: '127.0.0.1:%d', keys: [%s]}\n"
                .formatted(port, "a secret for as long as it is measured");
    }

    /** How many commands it has carried out, those of this class among them. */
    long commands() {
        return number("stats", COMMANDS);
    }

    /** How many times it has been asked to run a script. */
    long scripts() {
        return number("commandstats", SCRIPTS);
    }

    /** How many requests of nodes there have been: what scripts do is part of theirs. */
    long requests() {
        return scripts() + (has(SEARCHES) ? number("commandstats", SEARCHES) : 0);
    }

    private boolean has(String prefix) {
        return ask("info", "commandstats").contains(prefix);
    }

    private long number(String section, String prefix) {
        var line =
                ask("info", section)
                        .lines()
                        .filter(one -> one.startsWith(prefix))
                        .findFirst()
                        .orElseThrow()
                        .substring(prefix.length())
                        .strip();
        int more = line.indexOf(',');
        return Long.parseLong(more < 0 ? line : line.substring(0, more));
    }

    /** The lengths in bytes of the records of all sessions. */
    Collection<Double> recordSizes() {
        var sizes = new ArrayList<Double>();
        ask("--scan", "--pattern", PREFIX + "*")
                .lines()
                .filter(key -> key.length() > PREFIX.length() + "content".length())
                .filter(key -> key.indexOf(':', PREFIX.length()) < 0)
                .forEach(key -> sizes.add(Double.valueOf(ask("strlen", key).strip())));
        return sizes;
    }

    private String ask(String... words) {
        var command = new ArrayList<>(List.of("redis-cli", "-p", Integer.toString(port)));
        command.addAll(List.of(words));
        try {
            var running = new ProcessBuilder(command).redirectErrorStream(true).start();
            try (var out = running.getInputStream()) {
                return new String(out.readAllBytes(), StandardCharsets.UTF_8);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroy();
    }
}
