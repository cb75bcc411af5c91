package dev.heddle.transport.connect;

/** What carries one request at a time to a backend, and its answer back. Confined to a loop. */
interface Carrier {
    void send(Outgoing request, HttpCall call);

    /** Gives up on the answer if it is the one to {@code call}. */
    void abort(HttpCall call);

    /** Is not needed now. */
    void giveBack();
}
