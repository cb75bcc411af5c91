package dev.heddle.testkit;

import dev.heddle.core.exchange.Alarms;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Alarms that go off when a test says so. */
public final class FakeAlarms implements Alarms {
    private final FakeClock clock;
    private final Instant began;
    private final List<Set> alarms = new CopyOnWriteArrayList<>();

    private record Set(Duration delay, Runnable task) {}

    public FakeAlarms(FakeClock clock) {
        this.clock = clock;
        this.began = clock.instant();
    }

    @Override
    public long now() {
        return Duration.between(began, clock.instant()).toNanos();
    }

    @Override
    public Alarm after(Duration delay, Runnable task) {
        var set = new Set(delay, task);
        alarms.add(set);
        return () -> alarms.remove(set);
    }

    /**
     * Sets off every alarm that was set for exactly {@code delay}, and says how many there were.
     */
    public int fire(Duration delay) {
        var due = alarms.stream().filter(set -> set.delay().equals(delay)).toList();
        alarms.removeAll(due);
        due.forEach(set -> set.task().run());
        return due.size();
    }

    /** How many alarms are set for exactly {@code delay}. */
    public long set(Duration delay) {
        return alarms.stream().filter(set -> set.delay().equals(delay)).count();
    }

    public int size() {
        return alarms.size();
    }
}
