package dev.heddle.core.aggregation;

import dev.heddle.core.backend.BackendId;
import dev.heddle.core.catalog.Catalog;

/**
 * One backend's share of a surface.
 *
 * @param usable whether its offers are shown; those of one that is not still keep their names taken
 */
public record Part(BackendId backend, Catalog catalog, boolean usable) {
    /** Whether it can be asked for resources now. */
    boolean hasResources() {
        return usable && catalog.introduction().offers("resources");
    }

    String mark() {
        return backend + "=" + catalog.digest() + (usable ? "+" : "-");
    }
}
