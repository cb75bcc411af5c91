/** Who calls, and to whom a session belongs. */
@NullMarked
package dev.heddle.core.identity;

import org.jspecify.annotations.NullMarked;
