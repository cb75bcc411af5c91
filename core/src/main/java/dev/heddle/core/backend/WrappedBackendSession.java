package dev.heddle.core.backend;

import dev.heddle.core.exchange.Sink;
import dev.heddle.protocol.Spliced;

import java.util.Optional;
import java.util.function.Consumer;

/** Hands on everything, for those that change some of it on its way. */
public abstract class WrappedBackendSession implements BackendSession {
    private final BackendSession next;

    /**
     * @param next carries what is handed on
     */
    protected WrappedBackendSession(BackendSession next) {
        this.next = next;
    }

    protected final BackendSession next() {
        return next;
    }

    @Override
    public Optional<String> sessionId() {
        return next.sessionId();
    }

    @Override
    public String cookies() {
        return next.cookies();
    }

    @Override
    public void send(long id, Spliced request, Sink sink) {
        next.send(id, request, sink);
    }

    @Override
    public void cancel(long id, String why) {
        next.cancel(id, why);
    }

    @Override
    public void notify(Spliced notification) {
        next.notify(notification);
    }

    @Override
    public void answer(Spliced response) {
        next.answer(response);
    }

    @Override
    public void listen(boolean wanted) {
        next.listen(wanted);
    }

    @Override
    public void listenElsewhere() {
        next.listenElsewhere();
    }

    @Override
    public void hearQuestions() {
        next.hearQuestions();
    }

    @Override
    public void watchTask(String task, Consumer<Boolean> told) {
        next.watchTask(task, told);
    }

    @Override
    public void unwatchTask(String task) {
        next.unwatchTask(task);
    }

    @Override
    public void leave() {
        next.leave();
    }

    @Override
    public void close() {
        next.close();
    }

    @Override
    public boolean hasHeardEnd() {
        return next.hasHeardEnd();
    }
}
