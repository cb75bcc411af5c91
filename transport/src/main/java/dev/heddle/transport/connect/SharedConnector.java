package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.fault.Fault;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Gives all conversations with a backend one process. The first that needs it starts it; the last
 * that leaves ends it. Thread-safe.
 */
final class SharedConnector implements BackendConnector {
    private final BackendConnector starter;
    private final ClientProfile gateway;
    private final Ids ids;
    private final Map<Backend, CompletableFuture<SharedProcess>> processes =
            new ConcurrentHashMap<>();

    /**
     * @param starter starts one process for each conversation
     * @param gateway what a process is told of its client, which is nobody in particular and can
     *     answer nothing
     */
    SharedConnector(BackendConnector starter, ClientProfile gateway, Ids ids) {
        this.starter = starter;
        this.gateway = gateway;
        this.ids = ids;
    }

    @Override
    public Connected connect(Backend backend, Opening opening) {
        while (true) {
            var mine = new CompletableFuture<SharedProcess>();
            var others = processes.putIfAbsent(backend, mine);
            if (others == null) {
                start(backend, opening, mine);
            }
            var process = others == null ? mine : others;
            var joined = await(process).join(opening.events());
            if (joined.isPresent()) {
                return joined.get();
            }
            processes.remove(backend, process);
            if (others == null) {
                throw Fault.BackendFailed.notSent(
                        backend.id().value(),
                        Fault.BackendFailed.Reason.DISCONNECTED,
                        "ended right after it began");
            }
        }
    }

    private void start(Backend backend, Opening opening, CompletableFuture<SharedProcess> started) {
        var process = new SharedProcess(backend.id().value(), ids);
        var own =
                new Opening(opening.caller(), gateway, process, opening.adopted(), opening.watch());
        try {
            process.started(starter.connect(backend, own));
            started.complete(process);
        } catch (RuntimeException | Error e) {
            processes.remove(backend, started);
            started.completeExceptionally(e);
            throw e;
        }
    }

    private static SharedProcess await(CompletableFuture<SharedProcess> process) {
        try {
            return process.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof Fault fault ? fault : e;
        }
    }
}
