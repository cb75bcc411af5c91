package dev.heddle.core.session;

import dev.heddle.core.exchange.Running;

import java.util.concurrent.CompletableFuture;

/** An exchange that begins later, and may be cancelled before it does. Thread-safe. */
final class Postponed implements Running {
    private final CompletableFuture<Running> begun = new CompletableFuture<>();

    void begin(Running running) {
        begun.complete(running);
    }

    @Override
    public void cancel() {
        begun.thenAccept(Running::cancel);
    }
}
