package dev.heddle.core.aggregation;

import dev.heddle.core.backend.BackendId;

/** Where a name leads: the backend, and what the backend itself calls the thing. */
public record Route(BackendId backend, String original) {}
