package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.ClientProfile;
import dev.heddle.core.backend.OutgoingAuthRegistry;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Ids;
import dev.heddle.core.tasks.TaskBridge;
import dev.heddle.transport.net.EventLoops;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Opens a conversation with any backend, by the transport that it speaks. Thread-safe. */
public final class Connectors implements BackendConnector, AutoCloseable {
    private final HttpConnector http;
    private final StdioConnector stdio;
    private final SharedConnector shared;
    private final InProcessConnector inProcess;
    private final TaskBridge tasks;

    /**
     * @param gateway what the gateway says of itself when it asks for its own sake
     */
    public Connectors(EventLoops loops, OutgoingAuthRegistry auth, Ids ids, ClientProfile gateway) {
        var handshake = new Handshake(ids);
        var alarms = loops.alarms();
        var stateless = new StatelessOpener(ids, alarms, gateway);
        this.http = new HttpConnector(new HttpPool(loops), auth, handshake, stateless, alarms);
        this.stdio = new StdioConnector(handshake, stateless, alarms);
        this.shared = new SharedConnector(stdio, gateway, ids);
        this.inProcess = new InProcessConnector(handshake);
        this.tasks = new TaskBridge(ids, alarms);
    }

    @Override
    public Connected connect(Backend backend, Opening opening) {
        var connector =
                switch (backend.target()) {
                    case Target.Remote _ -> http;
                    case Target.Command command -> command.shared() ? shared : stdio;
                    case Target.InProcess _ -> inProcess;
                };
        return OlderClientSession.inWordsOf(
                opening,
                backend.id().value(),
                tasks.connect(
                        backend.id().value(),
                        opening,
                        bridged -> connector.connect(backend, bridged)));
    }

    /** Ends the programs that are still running. */
    @Override
    public void close() {
        try {
            stdio.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot clean up after programs", e);
        }
    }
}
