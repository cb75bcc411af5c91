package dev.heddle.core.backend;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where a backend is and how to talk to it. */
public sealed interface Target {

    /** The word that configuration and status use for the transport. */
    String transport();

    /**
     * Whether a conversation is begun only when a call needs it. Such a backend is asked what it
     * offers by one watch conversation, not by each session.
     */
    boolean lazy();

    /**
     * Whether a conversation lives and dies with the process that has begun it, so that no other
     * one can go on with it.
     */
    boolean isBound();

    /**
     * A server that is reached over HTTP.
     *
     * @param caBundle a PEM file with the authorities to trust, instead of the platform's
     */
    record Remote(URI url, Wire wire, Optional<Path> caBundle) implements Target {
        /** A server whose certificate the platform can check. */
        public Remote(URI url, Wire wire) {
            this(url, wire, Optional.empty());
        }

        @Override
        public String transport() {
            return wire.text();
        }

        @Override
        public boolean lazy() {
            return false;
        }

        @Override
        public boolean isBound() {
            return wire == Wire.SSE;
        }
    }

    /** How MCP travels over HTTP. */
    enum Wire {
        STREAMABLE_HTTP("streamable-http"),
        /** HTTP+SSE of MCP 2024-11-05. */
        SSE("sse"),
        /** Streamable HTTP, else HTTP+SSE (MCP 2025-11-25, Transports, Backwards Compatibility). */
        EITHER("http");

        private final String text;

        Wire(String text) {
            this.text = text;
        }

        public String text() {
            return text;
        }
    }

    /**
     * A program that speaks MCP on its standard input and output.
     *
     * @param env added to the few variables that every child gets
     * @param shared one process for all sessions, instead of one for each
     * @param processes how many may run at once
     * @param idleStop how long a process may be unused before it is stopped
     */
    record Command(
            List<String> argv,
            Map<String, String> env,
            Optional<Path> cwd,
            boolean shared,
            int processes,
            Duration idleStop)
            implements Target {
        public static final int DEFAULT_PROCESSES = 64;
        public static final Duration DEFAULT_IDLE_STOP = Duration.ofMinutes(30);

        public Command {
            argv = List.copyOf(argv);
            env = Map.copyOf(env);
            if (argv.isEmpty()) {
                throw new IllegalArgumentException(
                        "command: empty (expected: a program and its arguments)");
            }
        }

        /** A program with one process for each session and the default limits. */
        public Command(List<String> argv) {
            this(argv, Map.of(), Optional.empty(), false, DEFAULT_PROCESSES, DEFAULT_IDLE_STOP);
        }

        @Override
        public String transport() {
            return "stdio";
        }

        @Override
        public boolean lazy() {
            return true;
        }

        @Override
        public boolean isBound() {
            return !shared;
        }

        /** Names the program only, since arguments and environment may hold secrets. */
        @Override
        public String toString() {
            return "Command[" + argv.getFirst() + "]";
        }
    }

    /** A server that lives in this process. */
    record InProcess(InProcessServer server) implements Target {
        @Override
        public String transport() {
            return "in-process";
        }

        @Override
        public boolean lazy() {
            return true;
        }

        /** Each process has its own. */
        @Override
        public boolean isBound() {
            return false;
        }
    }
}
