package dev.heddle.redis;

import dev.heddle.core.session.SessionStorage;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts what it hears, and keeps what it is told. */
record Heard(AtomicInteger changes, List<String> messages) implements SessionStorage.Listener {
    Heard() {
        this(new AtomicInteger());
    }

    Heard(AtomicInteger changes) {
        this(changes, new CopyOnWriteArrayList<>());
    }

    @Override
    public void changed() {
        changes.incrementAndGet();
    }

    @Override
    public void told(String message) {
        messages.add(message);
    }
}
