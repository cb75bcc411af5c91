package dev.heddle.transport.serve;

import dev.heddle.core.fault.Fault;
import dev.heddle.protocol.ErrorCode;
import dev.heddle.protocol.Json;
import dev.heddle.protocol.JsonRpc;
import dev.heddle.protocol.MalformedJson;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs what a client has asked for, so that it gets an answer whatever happens. */
final class Guarded {
    private static final Logger log = LoggerFactory.getLogger(Guarded.class);

    private Guarded() {}

    /** Runs what may block. */
    static void blocking(Json id, HttpReply reply, Runnable task) {
        Thread.ofVirtual().name("heddle-front").start(() -> run(id, reply, task));
    }

    /** Runs what never blocks. */
    static void run(Json id, HttpReply reply, Runnable task) {
        try {
            task.run();
        } catch (Fault fault) {
            reply.fault(id, fault);
        } catch (MalformedJson e) {
            reply.fault(id, new Fault.InvalidParams(e.getMessage()));
        } catch (RuntimeException bug) {
            log.error("request could not be handled", bug);
            reply.error(500, JsonRpc.error(id, ErrorCode.INTERNAL_ERROR, "Internal error"));
        }
    }
}
