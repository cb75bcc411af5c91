package dev.heddle.core.exchange;

import dev.heddle.protocol.Spliced;

import java.time.Duration;
import java.util.Optional;

/**
 * Hands on what comes back for one request, for those that change some of it on its way. The reply
 * is to be handed on by them; it does not flow unless they say that it may.
 */
public abstract class WrappedSink implements Sink {
    private final Sink next;

    /**
     * @param next takes what is handed on
     */
    protected WrappedSink(Sink next) {
        this.next = next;
    }

    protected final Sink next() {
        return next;
    }

    @Override
    public void notification(Spliced message) {
        next.notification(message);
    }

    @Override
    public boolean question(Question question) {
        return next.question(question);
    }

    @Override
    public boolean isReady() {
        return next.isReady();
    }

    @Override
    public void whenReady(Runnable task) {
        next.whenReady(task);
    }

    @Override
    public boolean isAlone() {
        return next.isAlone();
    }

    @Override
    public void alive(Duration pause) {
        next.alive(pause);
    }

    @Override
    public Optional<LogLevel> logLevel() {
        return next.logLevel();
    }
}
