package dev.heddle.core.session;

/** How a client learns that what a server remembered of its session has been lost. */
public enum LostState {
    /** The next call fails, and says so; it is not carried out. */
    ERROR,
    /** A log message says so, and the call goes on. */
    LOG
}
