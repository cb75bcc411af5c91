package dev.heddle.core.aggregation;

import dev.heddle.core.backend.BackendId;

/**
 * Something that a surface shows differently from its backend, or does not show.
 *
 * @param kind {@code tool}, {@code prompt}, {@code resource} or {@code template}
 * @param original the backend's own name or URI
 */
public record Note(String kind, BackendId backend, String original, String text) {}
