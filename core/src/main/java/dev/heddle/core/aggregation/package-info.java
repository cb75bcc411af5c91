/** Many catalogs as one surface: names, visibility, routes. */
@NullMarked
package dev.heddle.core.aggregation;

import org.jspecify.annotations.NullMarked;
