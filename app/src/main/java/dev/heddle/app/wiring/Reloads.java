package dev.heddle.app.wiring;

import dev.heddle.app.config.HeddleConfig;
import dev.heddle.app.config.Problems;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reads the configuration again when its file changes or when it is told to. One that cannot be
 * used changes nothing. Thread-safe.
 */
public final class Reloads implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Reloads.class);
    private static final Duration GLANCE = Duration.ofSeconds(1);

    private final Path file;
    private final Callable<HeddleConfig> read;
    private final Gateway gateway;
    private final ReentrantLock reading = new ReentrantLock(); // orders reloads
    private final CountDownLatch stopped = new CountDownLatch(1);

    /**
     * Watches from now on.
     *
     * @param read what the file says now, command line included
     */
    public Reloads(Path file, Callable<HeddleConfig> read, Gateway gateway) {
        this.file = file;
        this.read = read;
        this.gateway = gateway;
        Thread.ofVirtual().name("heddle-reload").start(this::watch);
    }

    /** A file's content is compared, since its time stamp may not change with it. */
    private void watch() {
        var seen = content();
        try {
            while (!stopped.await(GLANCE.toMillis(), TimeUnit.MILLISECONDS)) {
                var now = content();
                if (now.length > 0 && !Arrays.equals(seen, now)) {
                    seen = now;
                    reload("its file has changed");
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private byte[] content() {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            return new byte[0];
        }
    }

    /** Reads the file and goes by it, if it can be used. */
    public void reload(String why) {
        reading.lock();
        try {
            var next = read.call();
            warnOfRestart(gateway.config(), next);
            gateway.reload(next);
            log.info(
                    "configuration read again, since {}: {} backends", why, next.backends().size());
        } catch (Problems.Invalid e) {
            log.error(
                    "configuration stays as it was, since the new one cannot be used:\n{}",
                    e.getMessage());
        } catch (Exception bug) {
            log.error("configuration stays as it was", bug);
        } finally {
            reading.unlock();
        }
    }

    private static void warnOfRestart(HeddleConfig before, HeddleConfig after) {
        if (after.backends().isEmpty() && !before.backends().isEmpty()) {
            log.warn("the new configuration has no backends");
        }
        var changed =
                List.of(
                        Objects.equals(before.server(), after.server()) ? "" : "server",
                        Objects.equals(before.sessions(), after.sessions()) ? "" : "sessions",
                        Objects.equals(before.operation(), after.operation()) ? "" : "operational",
                        Objects.equals(before.incoming(), after.incoming()) ? "" : "incomingAuth",
                        Objects.equals(before.catalogs(), after.catalogs()) ? "" : "catalogs",
                        Objects.equals(before.name(), after.name()) ? "" : "name");
        changed.stream()
                .filter(section -> !section.isEmpty())
                .forEach(section -> log.warn("changes in '{}' need a restart", section));
    }

    @Override
    public void close() {
        stopped.countDown();
    }
}
