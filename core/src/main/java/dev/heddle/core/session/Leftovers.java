package dev.heddle.core.session;

import dev.heddle.core.backend.BackendRegistry;
import dev.heddle.core.exchange.RepeatedTask;
import dev.heddle.core.fault.Fault;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.concurrent.Executors;

/**
 * Ends at the backends what is left of sessions that are over and that no process ended.
 * Thread-safe.
 */
final class Leftovers {
    private static final Logger log = LoggerFactory.getLogger(Leftovers.class);

    private static final String NAME = "leftover-";

    private final SessionStorage storage;
    private final MultiSessionFactory factory;
    private final BackendRegistry registry;
    private final RepeatedTask ending =
            new RepeatedTask(
                    task -> Thread.ofVirtual().name("heddle-leftovers").start(task), this::end);

    Leftovers(SessionStorage storage, MultiSessionFactory factory, BackendRegistry registry) {
        this.storage = storage;
        this.factory = factory;
        this.registry = registry;
    }

    /** Ends in the background what there is. */
    void endSoon() {
        ending.soon();
    }

    /** However many there are, some at a time: they are nobody's way to wait for. */
    private void end() {
        try {
            for (var some = storage.claimLeftovers();
                    !some.isEmpty();
                    some = storage.claimLeftovers()) {
                endTogether(some);
            }
        } catch (Fault.StorageUnavailable away) {
            log.debug("nobody ends what is left: {}", away.getMessage());
        }
    }

    private void endTogether(List<SessionStorage.Leftover> some) {
        try (var threads =
                Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("heddle-leftover").factory())) {
            some.forEach(leftover -> threads.execute(() -> end(leftover)));
        }
    }

    /** Takes a session over only to end it, at the backends too. */
    private void end(SessionStorage.Leftover leftover) {
        try {
            boolean heard =
                    factory.endSession(
                            NAME + leftover.name(),
                            Metadata.completed(leftover.record()),
                            registry.snapshot().backends().values());
            if (heard) {
                storage.settle(leftover); // else somebody tries again when the claim is over
            }
        } catch (Fault unfit) {
            log.warn("what is left of a session is left to expire: {}", unfit.getMessage());
        }
    }
}
