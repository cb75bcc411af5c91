package dev.heddle.transport.serve;

import dev.heddle.protocol.Json;

/** Hands what a client has sent, as it came, to another process of this gateway. */
interface Away {
    /**
     * Hands it on. Never blocks.
     *
     * @param peer the name and address of the process
     * @param id of the request, for when there is no answer
     * @param here run, on a thread that may block, if it has certainly not got there
     */
    void carry(String peer, Json id, Runnable here);
}
