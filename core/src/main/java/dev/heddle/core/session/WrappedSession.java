package dev.heddle.core.session;

import dev.heddle.core.aggregation.Listing;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.protocol.Envelope;
import dev.heddle.protocol.Json;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A session that is another one until a decorator says otherwise. Thread-safe if the decorator is.
 */
public abstract class WrappedSession implements MultiSession {
    private final MultiSession next;

    protected WrappedSession(MultiSession next) {
        this.next = next;
    }

    /** The session that is wrapped. */
    protected final MultiSession next() {
        return next;
    }

    @Override
    public final String id() {
        return next.id();
    }

    @Override
    public final SessionType type() {
        return next.type();
    }

    @Override
    public final ClientProfile profile() {
        return next.profile();
    }

    @Override
    public final Instant created() {
        return next.created();
    }

    @Override
    public final Instant updated() {
        return next.updated();
    }

    @Override
    public Map<String, String> metadata() {
        return next.metadata();
    }

    @Override
    public Listing tools() {
        return next.tools();
    }

    @Override
    public Listing resources() {
        return next.resources();
    }

    @Override
    public Listing prompts() {
        return next.prompts();
    }

    @Override
    public Optional<String> instructions() {
        return next.instructions();
    }

    @Override
    public Json capabilities() {
        return next.capabilities();
    }

    @Override
    public final List<String> tasks() {
        return next.tasks();
    }

    @Override
    public final Map<BackendId, String> backendSessions() {
        return next.backendSessions();
    }

    @Override
    public void authorize(Identity caller) {
        next.authorize(caller);
    }

    @Override
    public boolean leadsToStateless(Envelope request) {
        return next.leadsToStateless(request);
    }

    @Override
    public final boolean isUnheard() {
        return next.isUnheard();
    }

    @Override
    public final boolean isSettled() {
        return next.isSettled();
    }

    @Override
    public final void settle() {
        next.settle();
    }

    @Override
    public final boolean knowsWay(Envelope request) {
        return next.knowsWay(request);
    }

    @Override
    public Running exchange(Identity caller, Exchange exchange) {
        return next.exchange(caller, exchange);
    }

    @Override
    public void notice(Identity caller, Envelope notification) {
        next.notice(caller, notification);
    }

    @Override
    public Optional<Fault> answer(Identity caller, Envelope response) {
        return next.answer(caller, response);
    }

    @Override
    public Attachment attach(Identity caller, ClientStream stream) {
        return next.attach(caller, stream);
    }

    @Override
    public void watchTask(Identity caller, String task, boolean wanted, Consumer<Boolean> told) {
        next.watchTask(caller, task, wanted, told);
    }

    @Override
    public EventLog events(Identity caller) {
        return next.events(caller);
    }

    @Override
    public final boolean active() {
        return next.active();
    }

    @Override
    public final void refuse() {
        next.refuse();
    }

    @Override
    public final void hangUp() {
        next.hangUp();
    }

    @Override
    public void catchUp(Map<String, String> record) {
        next.catchUp(record);
    }

    @Override
    public Optional<String> home(Envelope request) {
        return next.home(request);
    }

    @Override
    public void missed(String process) {
        next.missed(process);
    }

    @Override
    public final boolean isHome() {
        return next.isHome();
    }

    @Override
    public void relayed(String message) {
        next.relayed(message);
    }

    @Override
    public void leave() {
        next.leave();
    }

    @Override
    public void close() {
        next.close();
    }
}
