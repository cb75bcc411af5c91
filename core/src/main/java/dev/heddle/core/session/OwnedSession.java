package dev.heddle.core.session;

import dev.heddle.core.events.EventLog;
import dev.heddle.core.exchange.ClientStream;
import dev.heddle.core.exchange.Exchange;
import dev.heddle.core.exchange.Reply;
import dev.heddle.core.exchange.Running;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.identity.Identity;
import dev.heddle.core.identity.IdentityBinding;
import dev.heddle.protocol.Envelope;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Lets only the owner of a session use it. Whoever else calls is refused, and the session lives on
 * untouched. Thread-safe.
 */
final class OwnedSession extends WrappedSession {
    private final IdentityBinding binding;

    OwnedSession(MultiSession next, IdentityBinding binding) {
        super(next);
        this.binding = binding;
    }

    @Override
    public Map<String, String> metadata() {
        var metadata = new LinkedHashMap<>(next().metadata());
        metadata.put(Metadata.BINDING, binding.format());
        return metadata;
    }

    @Override
    public void authorize(Identity caller) {
        binding.check(caller);
        next().authorize(caller);
    }

    @Override
    public Running exchange(Identity caller, Exchange exchange) {
        try {
            binding.check(caller);
        } catch (Fault refusal) {
            exchange.sink().reply(new Reply.Failed(refusal));
            return Running.NONE;
        }
        return next().exchange(caller, exchange);
    }

    @Override
    public void notice(Identity caller, Envelope notification) {
        binding.check(caller);
        next().notice(caller, notification);
    }

    @Override
    public Optional<Fault> answer(Identity caller, Envelope response) {
        binding.check(caller);
        return next().answer(caller, response);
    }

    @Override
    public Attachment attach(Identity caller, ClientStream stream) {
        binding.check(caller);
        return next().attach(caller, stream);
    }

    @Override
    public void watchTask(Identity caller, String task, boolean wanted, Consumer<Boolean> told) {
        binding.check(caller);
        next().watchTask(caller, task, wanted, told);
    }

    @Override
    public EventLog events(Identity caller) {
        binding.check(caller);
        return next().events(caller);
    }
}
