package dev.heddle.core.exchange;

import dev.heddle.protocol.Envelope;

/** A request, and the sink that takes everything that comes back for it. */
public record Exchange(Envelope request, Sink sink) {}
