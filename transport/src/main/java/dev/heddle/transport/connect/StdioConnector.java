package dev.heddle.transport.connect;

import dev.heddle.core.backend.Backend;
import dev.heddle.core.backend.BackendConnector;
import dev.heddle.core.backend.BackendId;
import dev.heddle.core.backend.Introduction;
import dev.heddle.core.backend.Target;
import dev.heddle.core.exchange.Alarms;
import dev.heddle.core.fault.Fault;
import dev.heddle.core.fault.Fault.BackendFailed.Reason;
import dev.heddle.protocol.Spliced;
import dev.heddle.transport.connect.Discovery.Finding;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/** Opens conversations by starting programs, one for each conversation. Thread-safe. */
final class StdioConnector implements BackendConnector, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(StdioConnector.class);

    /** How long a program is believed to be of the era of which it was. */
    private static final Duration BELIEVED = Duration.ofHours(1);

    private final Handshake handshake;
    private final StatelessOpener stateless;
    private final Alarms alarms;
    private final Eras<Backend> eras;
    private final Map<BackendId, String> lastSaid = new ConcurrentHashMap<>();
    private final Guard guard;
    private final Map<Backend, Semaphore> processes = new ConcurrentHashMap<>();

    StdioConnector(Handshake handshake, StatelessOpener stateless, Alarms alarms) {
        this.handshake = handshake;
        this.stateless = stateless;
        this.alarms = alarms;
        this.eras = new Eras<>(alarms, BELIEVED);
        this.guard = new Guard();
    }

    @Override
    public Connected connect(Backend backend, Opening opening) {
        if (!(backend.target() instanceof Target.Command command)) {
            throw new IllegalArgumentException("backend '" + backend.id() + "' is not a program");
        }
        requireRunnable(backend, command);
        boolean remembered = eras.knows(backend);
        try {
            return startIfAllowed(backend, command, opening);
        } catch (Fault.BackendFailed refused) {
            if (!remembered || refused.reason() != Reason.GARBAGE) {
                throw refused;
            }
            eras.forget(backend); // it may have been replaced by one of the other era
            return startIfAllowed(backend, command, opening);
        }
    }

    private Connected startIfAllowed(Backend backend, Target.Command command, Opening opening) {
        var permits = processes.computeIfAbsent(backend, _ -> new Semaphore(command.processes()));
        if (!opening.watch() && !permits.tryAcquire()) {
            throw Fault.BackendFailed.notSent(
                    backend.id().value(),
                    Reason.LIMIT,
                    "has " + command.processes() + " processes already (its limit)");
        }
        var slot = opening.watch() ? new Slot(new Semaphore(0)) : new Slot(permits);
        try {
            return start(backend, command, opening, slot);
        } catch (IOException e) {
            slot.free();
            throw Fault.BackendFailed.notSent(
                    backend.id().value(),
                    Reason.UNREACHABLE,
                    "could not be started: " + e.getMessage());
        } catch (Throwable e) {
            slot.free();
            throw e;
        }
    }

    private static void requireRunnable(Backend backend, Target.Command command) {
        var program = command.argv().getFirst();
        var path =
                Optional.ofNullable(command.env().get("PATH"))
                        .orElse(System.getenv().getOrDefault("PATH", ""));
        if (command.cwd().isPresent() && !Files.isDirectory(command.cwd().get())) {
            throw Fault.BackendFailed.notSent(
                    backend.id().value(),
                    Reason.UNREACHABLE,
                    "cannot be started: found no folder '" + command.cwd().get() + "'");
        }
        if (Guard.find(program, path, command.cwd().orElse(Path.of("."))).isEmpty()) {
            throw Fault.BackendFailed.notSent(
                    backend.id().value(),
                    Reason.UNREACHABLE,
                    "cannot be started: found no program '" + program + "'");
        }
    }

    private Connected start(Backend backend, Target.Command command, Opening opening, Slot slot)
            throws IOException {
        var finding = eras.of(backend, () -> found(backend, command, opening));
        var introduction = Eras.stateless(finding);
        if (introduction.isPresent()) {
            return startStateless(backend, command, opening, slot, introduction.get());
        }
        var connected = startWithSession(backend, command, opening, slot);
        eras.hasSessions(backend, finding);
        return connected;
    }

    /** A program that does not answer the question has never heard it. */
    private Finding found(Backend backend, Target.Command command, Opening opening) {
        var found = discover(backend, command, opening);
        return found instanceof Finding.Unclear ? new Finding.Sessions() : found;
    }

    /**
     * Asks a process that does nothing else, since one with a session may not bear the question.
     */
    private Finding discover(Backend backend, Target.Command command, Opening opening) {
        var session = new DuplexSession(backend.id().value(), new Unheard());
        try {
            var process = ChildProcess.start(guard, backend.id().value(), command);
            session.over(new Counted(process, new Slot(new Semaphore(0))));
            process.serve(session);
            var wire = StatelessWire.over(session);
            return stateless.discover(wire, opening.profile(), Discovery.patience(backend));
        } catch (IOException cannotStart) {
            return new Finding.Unclear(); // which the real one will say
        } finally {
            session.close();
        }
    }

    private Connected startStateless(
            Backend backend,
            Target.Command command,
            Opening opening,
            Slot slot,
            Introduction introduction)
            throws IOException {
        var heard = new StatelessOpener.Heard(opening.events());
        var session = new DuplexSession(backend.id().value(), heard);
        var process = ChildProcess.start(guard, backend.id().value(), command);
        session.over(new Counted(process, slot));
        process.serve(session);
        stopWhenIdle(session, command);
        return stateless.overWire(
                backend.id().value(),
                session,
                heard,
                opening,
                introduction,
                () -> eras.isAnother(backend, () -> discover(backend, command, opening)));
    }

    private Connected startWithSession(
            Backend backend, Target.Command command, Opening opening, Slot slot)
            throws IOException {
        var session = new DuplexSession(backend.id().value(), opening.events());
        var process = ChildProcess.start(guard, backend.id().value(), command);
        session.over(new Counted(process, slot));
        try {
            process.serve(session);
            var introduction = handshake.introduce(backend, session, opening.profile());
            Handshake.confirm(session);
            stopWhenIdle(session, command);
            lastSaid.remove(backend.id());
            return new Connected(session, introduction);
        } catch (Fault.BackendFailed failed) {
            throw explained(failed, backend.id(), process, session);
        } catch (Throwable e) {
            session.close();
            throw e;
        }
    }

    private Fault explained(
            Fault.BackendFailed failed, BackendId id, ChildProcess process, DuplexSession session) {
        boolean ended = failed.reason() == Reason.DISCONNECTED;
        var why =
                ended
                        ? Fault.BackendFailed.notSent(
                                id.value(), Reason.DISCONNECTED, process.howEnded())
                        : failed;
        session.close();
        if (!Thread.currentThread().isInterrupted()) {
            tellLastWords(id, process.lastWords());
        }
        return why;
    }

    /** A program that cannot begin mostly says why. The same words are told once. */
    private void tellLastWords(BackendId id, String words) {
        if (!words.isEmpty() && !words.equals(lastSaid.put(id, words))) {
            log.warn("backend '{}' said last: {}", id, words);
        }
    }

    /** Ends a program that nobody has used for long; the next call starts another. */
    private void stopWhenIdle(DuplexSession session, Target.Command command) {
        var limit = command.idleStop();
        if (limit.isPositive() && !command.shared()) {
            alarms.after(
                    limit,
                    () -> {
                        if (session.isUnusedFor(limit)) {
                            Thread.ofVirtual()
                                    .start(
                                            () ->
                                                    session.lost(
                                                            "was stopped after "
                                                                    + limit.toSeconds()
                                                                    + " s without use"));
                        } else if (!session.isOver()) {
                            stopWhenIdle(session, command);
                        }
                    });
        }
    }

    @Override
    public void close() throws IOException {
        guard.close();
    }

    /** The right to one process. */
    private static final class Slot {
        private final Semaphore permits;
        private final AtomicBoolean freed = new AtomicBoolean();

        Slot(Semaphore permits) {
            this.permits = permits;
        }

        void free() {
            if (freed.compareAndSet(false, true)) {
                permits.release();
            }
        }
    }

    /** A process that frees its slot when it has ended. */
    private record Counted(ChildProcess process, Slot slot) implements DuplexSession.Wire {
        @Override
        public DuplexSession.Sending send(Spliced message) {
            return process.send(message);
        }

        @Override
        public void close() {
            process.close();
            slot.free();
        }
    }
}
