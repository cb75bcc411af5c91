/** What each backend offers, remembered and kept fresh. */
@NullMarked
package dev.heddle.core.catalog;

import org.jspecify.annotations.NullMarked;
